//! Plugin protocol 1: the messages of both sides, and their bounds.
//!
//! Each message is one line: a JSON object whose `type` names it. Unknown types and unknown fields are ignored, so that
//! either side may be the newer one.

mod counts;
mod describe;
mod evidence;
mod host_message;
mod message;
mod operation;
mod report;

#[cfg(test)]
mod tests;

pub use self::counts::{Counts, Tool};
pub use self::describe::{Describe, Problem};
pub use self::evidence::{Evidence, ReadBack, Sample};
pub use self::host_message::{Cancel, CancelBy, HostMessage, Limits, Request, Secret};
pub use self::message::{Hello, Item, ItemOutcome, Level, Log, PluginMessage, Progress, State, Unsupported};
pub use self::operation::Operation;
pub use self::report::{Outcome, Report, Retry};

/// The version that this host and the built-in plugins speak.
pub const VERSION: u32 = 1;
/// The longest line, without its line feed: a pipe's buffer on Linux. Longer ones are cut by the host.
pub const MAX_LINE_BYTES: usize = 64 * 1024;
/// The longest request. Its parts that can grow are the configuration and the state.
pub const MAX_REQUEST_BYTES: usize = 1024 * 1024;
/// The largest state that the host gives back at the next operation, as JSON.
pub const MAX_STATE_BYTES: usize = 16 * 1024;
/// The longest sentence: what fits in a row of the status page and in a line of the summary.
pub const MAX_SENTENCE_CHARS: usize = 300;
/// Items that the host keeps of one operation. It counts all of them.
pub const MAX_ITEMS: usize = 100;
