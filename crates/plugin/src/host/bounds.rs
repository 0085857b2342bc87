//! How long, and how much.

use std::time::Duration;

use crate::protocol::Operation;

/// How long each step may take, and how much a plugin may print and keep.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// From the start to `hello`.
    pub hello: Duration,
    /// Without a message, after which [`Notice::Stalled`](super::Notice::Stalled) is given; zero: never.
    pub stall: Duration,
    /// For the whole operation, after which it is cancelled; zero: no bound.
    pub total: Duration,
    /// From the `cancel` line to SIGTERM; zero: no line.
    pub cancel_line: Duration,
    /// From SIGTERM to the killing.
    pub terminate: Duration,
    /// From the result to the end of the process.
    pub linger: Duration,
    /// From the end of the process to the end of its output, and for its children to end.
    pub drain: Duration,
    /// On standard output, in bytes.
    pub stdout_bytes: u64,
    /// Of each stream, how many bytes of its start and of its end are kept in the detail file.
    pub kept_bytes: usize,
    /// In the working directory, in bytes.
    pub workdir_bytes: u64,
    /// Between two looks at the working directory's size.
    pub workdir_look: Duration,
}

impl Bounds {
    /// For that operation, as docs/plugins.md says.
    #[must_use]
    pub const fn of(operation: Operation) -> Self {
        let total_s = match operation {
            Operation::Describe | Operation::Validate => 30,
            Operation::Plan => 10 * 60,
            Operation::Run | Operation::Verify => 12 * 3600,
        };
        Self {
            hello: Duration::from_secs(10),
            stall: Duration::from_secs(15 * 60),
            total: Duration::from_secs(total_s),
            cancel_line: Duration::from_secs(30),
            terminate: Duration::from_secs(10),
            linger: Duration::from_secs(30),
            drain: Duration::from_secs(2),
            // Some 400,000 items.
            stdout_bytes: 64 << 20,
            kept_bytes: 4 << 20,
            // Room for a restored sample.
            workdir_bytes: 10 << 30,
            workdir_look: Duration::from_secs(5),
        }
    }
}
