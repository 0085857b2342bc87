//! What the next file costs in a month that has many: counted, not timed.

use std::fs;
use std::ops::Sub;

use strongroom_drive::ProvenCopy;
use strongroom_model::{Algorithm, Digest};

use crate::rig::{Rig, month, place_of, proof_of, site};

/// How many batches are counted, and how many files each has.
const BATCHES: usize = 4;
const FILES: usize = 25;

/// What this thread has had the kernel do (proc(5), `/proc/<pid>/io`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Effects {
    read_bytes: u64,
    written_bytes: u64,
    reads: u64,
    writes: u64,
}

impl Effects {
    fn so_far() -> Self {
        let text = fs::read_to_string("/proc/thread-self/io").unwrap();
        let of = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim_start_matches(':').trim().parse().unwrap()
        };
        Self { read_bytes: of("rchar"), written_bytes: of("wchar"), reads: of("syscr"), writes: of("syscw") }
    }
}

impl Sub for Effects {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            read_bytes: self.read_bytes - other.read_bytes,
            written_bytes: self.written_bytes - other.written_bytes,
            reads: self.reads - other.reads,
            writes: self.writes - other.writes,
        }
    }
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

fn cost_in(copies: usize) -> Effects {
    let rig = month_of(copies);
    // A process reads a month once.
    batch(&rig, 0);
    let before = Effects::so_far();
    (1..=BATCHES).for_each(|number| batch(&rig, number));
    let cost = Effects::so_far() - before;
    assert_eq!(rig.copies().len(), 1 + copies + (1 + BATCHES) * FILES);
    cost
}

#[test]
fn a_file_costs_the_same_in_a_month_of_five_hundred_and_of_eight_thousand() {
    let (small, large) = (cost_in(500), cost_in(8_000));
    let is_close = |one: u64, other: u64| one.abs_diff(other) <= one / 20;
    assert!(is_close(small.written_bytes, large.written_bytes), "{small:?}, {large:?}");
    assert!(is_close(small.read_bytes, large.read_bytes), "{small:?}, {large:?}");
    assert!(is_close(small.writes, large.writes) && is_close(small.reads, large.reads), "{small:?}, {large:?}");
    // A line of the journal, a check for each batch, and the file itself.
    assert!(large.written_bytes < (BATCHES * FILES * 120) as u64, "{large:?}");
}
