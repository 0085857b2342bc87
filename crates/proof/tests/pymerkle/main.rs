//! An implementation of RFC 6962 by others, pymerkle from PyPI, computes the same roots and inclusion proofs, and accepts
//! our consistency proofs. It names a consistency proof's hashes in its own way; the script derives that from the sizes.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use data_encoding::HEXLOWER;
use strongroom_proof::merkle::{Hash, Tree, leaf_hash};
use strongroom_servers::python::{output, printed, python};

/// From PyPI, in a folder of its own below cargo's.
const PACKAGE: &str = "pymerkle==6.1.0";

/// All trees up to this size, all their leaves, and all their beginnings.
const MAX_LEAVES: u64 = 40;

fn hex(hashes: &[Hash]) -> String {
    hashes.iter().map(|hash| HEXLOWER.encode(hash)).collect::<Vec<_>>().join(",")
}

/// Lines of what we say: `root SIZE HASH`, `inclusion INDEX SIZE HASHES`, `consistency OLD NEW HASHES`.
fn ours() -> String {
    let mut tree = Tree::default();
    (0..MAX_LEAVES).for_each(|leaf| tree.push(leaf_hash(format!("event {leaf}").as_bytes())));
    let mut lines = String::new();
    for size in 0..=MAX_LEAVES {
        writeln!(lines, "root {size} {}", hex(&[tree.root(size).unwrap()])).unwrap();
        for index in 0..size {
            writeln!(lines, "inclusion {index} {size} {}", hex(&tree.inclusion(index, size).unwrap())).unwrap();
            let old = index + 1;
            writeln!(lines, "consistency {old} {size} {}", hex(&tree.consistency(old, size).unwrap())).unwrap();
        }
    }
    lines
}

fn compared(python: &Path, lines: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ours"), lines).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pymerkle/compare.py");
    output(Command::new(python).arg(script).arg(folder.path().join("ours")))
}

#[test]
fn an_independent_implementation_agrees_on_roots_inclusion_and_consistency() {
    let python = python(Path::new(env!("CARGO_TARGET_TMPDIR")), &[PACKAGE]);
    let lines = ours();
    let output = compared(&python, &lines);
    assert!(output.status.success(), "{}", printed(&output));
    let proofs = MAX_LEAVES * (MAX_LEAVES + 1) / 2;
    let expected = format!("agreed on {} roots, {proofs} inclusion and {proofs} consistency proofs\n", MAX_LEAVES + 1);
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);

    // It looks at each: one that is changed is named.
    for kind in ["root 7 ", "inclusion 2 7 ", "consistency 3 7 "] {
        let at = lines.find(&format!("\n{kind}")).unwrap() + kind.len() + 1;
        let digit = if lines.as_bytes()[at] == b'0' { "1" } else { "0" };
        let changed = format!("{}{digit}{}", &lines[..at], &lines[at + 1..]);
        let output = compared(&python, &changed);
        assert!(!output.status.success(), "{kind}");
        assert!(printed(&output).contains(kind.trim()), "{kind}: {}", printed(&output));
    }
}
