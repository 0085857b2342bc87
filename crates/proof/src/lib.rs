//! What an outsider verifies without this program, and the program with the same code: the log's Merkle tree
//! (RFC 6962), checkpoints as signed notes, proofs that an event is in the log and that
//! a log continues an earlier one, and the cosignatures of witnesses. The text formats are C2SP's (<https://c2sp.org>). Nothing here reads or writes anything.

mod add_checkpoint;
mod checkpoint;
mod cosignature;
mod head;
mod inclusion;
mod key;
pub mod merkle;
mod note;
mod rotation;

pub use crate::add_checkpoint::{AddCheckpoint, LogHead, MAX_ADD_CHECKPOINT_BYTES, ParseAddCheckpointError};
pub use crate::checkpoint::{Checkpoint, ParseCheckpointError, SignedCheckpoint};
pub use crate::cosignature::{CosignatureError, CosigningKey, WitnessKey};
pub use crate::head::{Head, ParseHeadError};
pub use crate::inclusion::{InclusionError, InclusionPath, InclusionProof, MAX_PROOF_HASHES, ParseProofError};
pub use crate::key::{KeyId, KeyName, ParseKeyError, PublicKey, SigningKey};
pub use crate::note::{MAX_NOTE_BYTES, Note, ParseNoteError, Signature, SignatureError};
pub use crate::rotation::{check_rotation, rotation};
