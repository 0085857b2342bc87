//! A drive from outside: what lands, what is refused, what faults and kills leave.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod landing;
mod rig;
