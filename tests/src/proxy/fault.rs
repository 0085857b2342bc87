//! What a proxy can do to a request.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::exchange::Response;

/// What happens to a request, instead of being passed on as it is.
#[derive(Clone)]
pub enum Fault {
    /// Not done, and reported as failed: the connection is closed before the server hears of it.
    Refuse,
    /// Done, but reported as failed: the server does it, and its answer is thrown away.
    LoseAnswer,
    /// The server hears nothing; this is the answer, to the byte.
    Answer(String),
    /// The body ends after that many bytes, and so does the connection.
    CutAfter(usize),
    /// The body stops after that many bytes, and the connection stays.
    StallAfter(usize),
    /// The body takes that long to come.
    Trickle(Duration),
    /// One byte of the body is another one.
    FlipByte(usize),
    /// These bytes come after the body, and the head says so.
    Append(Vec<u8>),
    /// The answer as this makes it.
    Rewrite(Arc<dyn Fn(&mut Response) + Send + Sync>),
}

impl Fault {
    pub fn rewrite(change: impl Fn(&mut Response) + Send + Sync + 'static) -> Self {
        Self::Rewrite(Arc::new(change))
    }

    /// The whole answer is a status with an empty body.
    pub fn status(code: u16) -> Self {
        Self::Answer(format!("HTTP/1.1 {code} As Ordered\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"))
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refuse => "Refuse",
            Self::LoseAnswer => "LoseAnswer",
            Self::Answer(_) => "Answer",
            Self::CutAfter(_) => "CutAfter",
            Self::StallAfter(_) => "StallAfter",
            Self::Trickle(_) => "Trickle",
            Self::FlipByte(_) => "FlipByte",
            Self::Append(_) => "Append",
            Self::Rewrite(_) => "Rewrite",
        })
    }
}

/// A fault and whom it meets.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) part: String,
    pub(super) left: Option<usize>,
    pub(super) fault: Fault,
}
