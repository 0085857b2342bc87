//! Proof by reading: each file of the source and its copy, hashed, the copy past the cache where that is possible.

mod compare;
mod read_back;
mod share;
mod uncached;
mod walk;

pub(crate) use self::compare::item;
pub use self::compare::{Base, Comparison, Job, compare};
pub use self::read_back::{GoOn, Method, ReadBuffer, Sha256, hash, hash_past_cache};
pub use self::share::{Coverage, Share};
pub(crate) use self::uncached::drop_tree;
pub use self::walk::{Entry, IDENTITY_FOLDER, Walk, has_a_file};
