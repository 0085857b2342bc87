//! What happens to the key that signs the log's checkpoints, and to the witnesses that cosign them.

use strongroom_model::event::{KeyCreated, KeyRotated, WitnessAdded, WitnessRemoved};
use strongroom_model::text::printable;
use strongroom_proof::{Note, PublicKey, check_rotation};

use super::NAME_CHARS;

pub(super) fn created(data: &KeyCreated) -> String {
    format!("A key was made that signs the log's checkpoints: {}.", printable(&data.key, NAME_CHARS))
}

pub(super) fn rotated(data: &KeyRotated) -> String {
    let shown = |key: &str| printable(key, NAME_CHARS);
    let who = if is_signed(data) {
        "both keys signed the change"
    } else {
        "the change is not signed by both keys and is ignored"
    };
    format!(
        "The key that signs the log's checkpoints was replaced: {} instead of {}; {who}.",
        shown(&data.key),
        shown(&data.previous)
    )
}

pub(super) fn witness_added(data: &WitnessAdded) -> String {
    format!(
        "A witness is asked to cosign the log's checkpoints: {}, at {}.",
        printable(&data.key, NAME_CHARS),
        printable(&data.url, NAME_CHARS)
    )
}

pub(super) fn witness_removed(data: &WitnessRemoved) -> String {
    format!("The witness {} is asked no more.", printable(&data.key, NAME_CHARS))
}

fn is_signed(data: &KeyRotated) -> bool {
    match (data.previous.parse::<PublicKey>(), data.key.parse::<PublicKey>(), data.statement.parse::<Note>()) {
        (Ok(old), Ok(new), Ok(note)) => check_rotation(&note, &old, &new).is_ok(),
        _ => false,
    }
}
