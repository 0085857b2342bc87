//! What happens to the key that signs the log's checkpoints.

use strongroom_model::event::{KeyCreated, KeyRotated};
use strongroom_model::text::printable;

use super::NAME_CHARS;

pub(super) fn created(data: &KeyCreated) -> String {
    format!("A key was made that signs the log's checkpoints: {}.", printable(&data.key, NAME_CHARS))
}

pub(super) fn rotated(data: &KeyRotated) -> String {
    let shown = |key: &str| printable(key, NAME_CHARS);
    format!(
        "The key that signs the log's checkpoints was replaced: {} instead of {}; both signed it.",
        shown(&data.key),
        shown(&data.previous)
    )
}
