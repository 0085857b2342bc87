//! RFC 6962's tree, written a second time: from its text, not from the program.

use data_encoding::BASE64;
use strongroom_model::{Algorithm, Digest};

/// The root over these leaves, in base64.
pub(super) fn root(leaves: &[&str]) -> String {
    BASE64.encode(&hash(leaves))
}

/// Section 2.1: `MTH(D[n])`.
fn hash(leaves: &[&str]) -> Vec<u8> {
    match leaves {
        [] => sha256(&[]),
        [leaf] => sha256(&[&[0], leaf.as_bytes()].concat()),
        _ => {
            // The largest power of two that is smaller than their number.
            let split = 1 << (leaves.len() - 1).ilog2();
            let (left, right) = leaves.split_at(split);
            sha256(&[&[1], hash(left).as_slice(), hash(right).as_slice()].concat())
        }
    }
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    Digest::of(Algorithm::Sha256, bytes).value().to_vec()
}
