//! What can go wrong with a request.

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use strongroom_model::text::printable;

/// How much of a server's own words is passed on, in characters: enough for a sentence.
pub(crate) const MAX_DETAIL_CHARS: usize = 300;

/// Why no connection came up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoConnection {
    /// Nobody listens there.
    Refused,
    /// The host's name is not known.
    UnknownHost,
    /// Nothing answered in time.
    TimedOut,
    /// The server's certificate is not trusted, or TLS failed in another way.
    Tls,
    /// Anything else: no route, a reset, …
    Other,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// No connection came up.
    Unreachable {
        /// Why.
        why: NoConnection,
        /// The operating system's or the library's own words.
        detail: String,
    },
    /// The connection came up and ended before an answer began, or what came was not HTTP. It may be about this one
    /// request: a program on the way that does not like a file does so.
    NoAnswer {
        /// The library's own words.
        detail: String,
    },
    /// The server asks us to come back later (429, 502, 503, 504).
    Unavailable {
        /// The status.
        status: StatusCode,
        /// When, if it says so.
        retry_after: Option<Duration>,
        /// The server's own words.
        detail: Option<String>,
    },
    /// The server cannot write: its disk is full, read-only or failing (507).
    NoStorage {
        /// The status.
        status: StatusCode,
        /// The server's own words.
        detail: Option<String>,
    },
    /// The server refuses our token (401, 403).
    Unauthorised {
        /// The status.
        status: StatusCode,
        /// The server's own words.
        detail: Option<String>,
    },
    /// There is no such file (404, 410).
    Missing {
        /// The status.
        status: StatusCode,
        /// The server's own words.
        detail: Option<String>,
    },
    /// Any other status that is not a success.
    Status {
        /// The status.
        status: StatusCode,
        /// The server's own words.
        detail: Option<String>,
    },
    /// The server sent us to another origin, or in a circle.
    Redirected {
        /// Where to.
        to: String,
    },
    /// The body is compressed or otherwise encoded, though we asked for none.
    Encoded {
        /// The encoding.
        encoding: String,
    },
    /// Nothing, or next to nothing, came for as long as we wait.
    Stalled {
        /// How many bytes of the body had come.
        came_bytes: u64,
        /// How long we waited.
        waited: Duration,
    },
    /// The body ended, or is announced to end, before it should.
    CutShort {
        /// Where it ended, counted from the file's beginning.
        came_bytes: u64,
        /// How long it should be, where that is known.
        wanted_bytes: Option<u64>,
        /// The library's own words.
        detail: Option<String>,
    },
    /// More bytes came, or are announced, than the record says.
    TooLong {
        /// How many at least, counted from the file's beginning.
        came_bytes: u64,
        /// How many the record says.
        wanted_bytes: u64,
    },
    /// An answer to a download that makes no sense.
    BadAnswer {
        /// Why not.
        reason: String,
    },
    /// An answer to a question that cannot be understood.
    Confused {
        /// Why not.
        reason: String,
    },
}

impl Cause {
    pub(crate) fn encoded(encoding: &str) -> Self {
        Self::Encoded { encoding: printable(encoding, 40) }
    }

    pub(crate) fn confused(reason: impl AsRef<str>) -> Self {
        Self::Confused { reason: printable(reason.as_ref(), MAX_DETAIL_CHARS) }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { why: NoConnection::TimedOut, .. } => f.write_str("no connection in time"),
            Self::Unreachable { detail, .. } => write!(f, "no connection: {detail}"),
            Self::NoAnswer { detail } => write!(f, "the connection ended without an answer: {detail}"),
            Self::Unavailable { status, retry_after: Some(wait), detail } => {
                answered(f, *status, detail.as_deref())?;
                write!(f, "; it asks to be left alone for {} s", wait.as_secs())
            }
            Self::Unavailable { status, detail, .. }
            | Self::NoStorage { status, detail }
            | Self::Unauthorised { status, detail }
            | Self::Missing { status, detail }
            | Self::Status { status, detail } => answered(f, *status, detail.as_deref()),
            Self::Redirected { to } => write!(f, "the server sent us to {to}, which was not followed"),
            Self::Encoded { encoding } => write!(f, "the body is encoded ({encoding}), though none was asked for"),
            Self::Stalled { came_bytes, waited } => {
                write!(f, "the server stopped sending after {came_bytes} bytes: next to nothing for {waited:?}")
            }
            Self::CutShort { came_bytes, wanted_bytes, detail } => {
                write!(f, "the body ends after {came_bytes} bytes")?;
                wanted_bytes.map_or(Ok(()), |wanted| write!(f, ", not after the {wanted} that the record says"))?;
                detail.as_deref().map_or(Ok(()), |detail| write!(f, " ({detail})"))
            }
            Self::TooLong { came_bytes, wanted_bytes } => {
                write!(f, "the body has {came_bytes} bytes or more, and the record says {wanted_bytes}")
            }
            Self::BadAnswer { reason } | Self::Confused { reason } => {
                write!(f, "the answer cannot be understood: {reason}")
            }
        }
    }
}

fn answered(f: &mut fmt::Formatter<'_>, status: StatusCode, detail: Option<&str>) -> fmt::Result {
    write!(f, "the server answered {status}")?;
    detail.map_or(Ok(()), |detail| write!(f, " ({detail})"))
}

impl NoConnection {
    pub(crate) fn next_step(self, server: &str) -> String {
        match self {
            Self::Refused => format!(
                "start the document server (`strongroom server`), or set source.url to its address: nobody listens at {server}"
            ),
            Self::UnknownHost => format!("correct the host in source.url, or the name service: {server} is not known"),
            Self::Tls => format!(
                "see that {server} speaks TLS at all; renew its certificate, or name the authority that signed it in source.ca_file"
            ),
            Self::TimedOut | Self::Other => {
                format!("check the network and the firewall between here and {server}, then run `strongroom doctor`")
            }
        }
    }
}
