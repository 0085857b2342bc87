//! A file's way onto the drive and back.

use strongroom_model::{Algorithm, ByteCount};

use crate::rig::{Rig, place_of};

#[test]
fn r1_a_file_that_landed_is_read_back_past_the_page_cache() {
    let rig = Rig::new();
    for size in [0, 1, 4096, 300_000, 3 << 20] {
        let landed = rig.prove(&format!("B-{size}"), "timesheet.pdf", &vec![7; size]);
        assert_eq!(landed.path, format!("acme/2026-11/data/B-{size}/timesheet.pdf"));
        let read = rig.drive.read_back(&landed.path, Algorithm::Sha256).unwrap();
        assert_eq!(read.pair, landed.pair);
        assert_eq!(read.size, ByteCount(size as u64));
        assert_eq!(read.method, rig.best_read_back(), "{size}");
    }
    rig.sha256sum_passes();
}

#[test]
fn a_cut_transfer_goes_on_where_it_was() {
    let rig = Rig::new();
    let place = place_of("B-1", "x.pdf", b"hello, world");
    let mut partial = rig.drive.receive(&place).unwrap();
    partial.write(b"hello").unwrap();
    drop(partial);
    let mut partial = rig.drive.receive(&place).unwrap();
    assert_eq!(partial.resumed_from(), ByteCount(5));
    partial.write(b", world").unwrap();
    let received = partial.finish().unwrap();
    assert_eq!(received.pair().named, place.expected);
    let landed = rig.drive.commit(vec![received]).pop().unwrap().unwrap();
    assert_eq!(landed.resumed_from, ByteCount(5));
    assert_eq!(rig.files(), ["acme/2026-11/data/B-1/x.pdf"]);
}
