//! Every way in which a server, or who stands between, can be wrong: each gives an error
//! that names the thing and the next step, and none makes the client wait, grow or follow.

#![expect(clippy::unwrap_used, reason = "the tests' helpers may panic, as tests do")]

mod download;
mod list;
mod reach;
mod tell;
