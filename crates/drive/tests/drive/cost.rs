//! What the next file costs in a month that has many: counted, not timed.

use std::fs;

use strongroom_drive::ProvenCopy;
use strongroom_model::{Algorithm, Digest};

use crate::rig::{Rig, month, place_of, proof_of, site};

/// How many batches are counted, and how many files each has.
const BATCHES: usize = 4;
const FILES: usize = 25;

/// What of a thread's calls the kernel counts: bytes read and written, reads and writes (proc(5), `/proc/<pid>/io`).
const COUNTED: [&str; 4] = ["rchar: ", "wchar: ", "syscr: ", "syscw: "];

fn effects_so_far() -> [u64; 4] {
    let text = fs::read_to_string("/proc/thread-self/io").unwrap();
    COUNTED.map(|name| text.lines().find_map(|line| line.strip_prefix(name)).unwrap().parse().unwrap())
}

/// A month in which that many copies are listed, though only their folders are there.
fn month_of(copies: usize) -> Rig {
    let rig = Rig::in_memory();
    rig.prove("first", "x", b"x");
    let mut manifest = rig.manifest();
    for number in 0..copies {
        let sha256 = Digest::of(Algorithm::Sha256, number.to_string().as_bytes());
        manifest.push_str(&format!("{}  data/old-{number:05}/timesheet.pdf\n", sha256.hex()));
        fs::create_dir(rig.bag().join(format!("data/old-{number:05}"))).unwrap();
    }
    fs::write(rig.bag().join("manifest-sha256.txt"), manifest).unwrap();
    rig
}

/// Fetches and lists one batch.
fn batch(rig: &Rig, batch: usize) {
    let received = (0..FILES).map(|number| {
        let bytes = format!("{batch:02}-{number:02}").into_bytes();
        rig.receive(&place_of(&format!("B-{batch:02}-{number:02}"), "x", &bytes), &bytes).unwrap()
    });
    let landed = rig.drive.commit(received.collect());
    let proofs: Vec<ProvenCopy> = landed.into_iter().map(|landed| proof_of(&landed.unwrap())).collect();
    for answer in rig.drive.record(&site(), month(), &proofs) {
        answer.unwrap();
    }
}

fn cost_in(copies: usize) -> [u64; 4] {
    let rig = month_of(copies);
    // A process reads a month once.
    batch(&rig, 0);
    let before = effects_so_far();
    (1..=BATCHES).for_each(|number| batch(&rig, number));
    let after = effects_so_far();
    assert_eq!(rig.copies().len(), 1 + copies + (1 + BATCHES) * FILES);
    std::array::from_fn(|n| after[n] - before[n])
}

#[test]
fn a_file_costs_the_same_in_a_month_of_five_hundred_and_of_eight_thousand() {
    let (small, large) = (cost_in(500), cost_in(8_000));
    for (name, (small, large)) in COUNTED.iter().zip(small.into_iter().zip(large)) {
        assert!(small.abs_diff(large) <= small / 20, "{name}{small}, {large}");
    }
    // A line of the journal, a check for each batch, and the file itself.
    assert!(large[1] < (BATCHES * FILES * 120) as u64, "{large:?}");
}
