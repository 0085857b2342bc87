use std::fmt;
use std::time::Duration;

use http::StatusCode;
use strongroom_model::text::printable;

/// One sentence of a server's text.
pub(crate) const MAX_DETAIL_CHARS: usize = 300;

/// Why there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoConnection {
    /// Connection refused.
    Refused,
    /// Unknown host name.
    UnknownHost,
    /// Timeout.
    TimedOut,
    /// TLS failed, for example with an untrusted certificate.
    Tls,
    /// Anything else: no route, a reset, …
    Other,
}

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// No connection was made.
    Unreachable {
        /// The reason.
        why: NoConnection,
        /// The library's message.
        detail: String,
    },
    /// The connection ended before a response, or it was not HTTP. This may concern one request only, if a middlebox
    /// rejects a file.
    NoAnswer {
        /// The library's message.
        detail: String,
    },
    /// The server is temporarily unavailable (429, 502, 503, 504).
    Unavailable {
        /// The status.
        status: StatusCode,
        /// Its `Retry-After`.
        retry_after: Option<Duration>,
        /// The server's message.
        detail: Option<String>,
    },
    /// The server cannot write: its disk is full, read-only or failing (507).
    NoStorage {
        /// The status.
        status: StatusCode,
        /// The server's message.
        detail: Option<String>,
    },
    /// The server refuses our token (401, 403).
    Unauthorised {
        /// The status.
        status: StatusCode,
        /// The server's message.
        detail: Option<String>,
    },
    /// No such file (404, 410).
    Missing {
        /// The status.
        status: StatusCode,
        /// The server's message.
        detail: Option<String>,
    },
    /// Any other error status.
    Status {
        /// The status.
        status: StatusCode,
        /// The server's message.
        detail: Option<String>,
    },
    /// A redirection to another origin, or in a circle.
    Redirected {
        /// Its target.
        to: String,
    },
    /// The body is encoded, though none was requested.
    Encoded {
        /// The encoding.
        encoding: String,
    },
    /// Almost nothing arrived within the timeout.
    Stalled {
        /// Bytes received.
        received_bytes: u64,
        /// The timeout.
        waited: Duration,
    },
    /// The body ended early, or announces that it will.
    CutShort {
        /// Bytes from the file's beginning.
        received_bytes: u64,
        /// The expected number, if known.
        expected_bytes: Option<u64>,
        /// The library's message.
        detail: Option<String>,
    },
    /// More bytes than the record says arrived or are announced.
    TooLong {
        /// Bytes from the file's beginning, at least.
        received_bytes: u64,
        /// The record's number.
        expected_bytes: u64,
    },
    /// An invalid response to a download.
    BadAnswer {
        /// What is wrong.
        reason: String,
    },
    /// An invalid response to another request.
    Confused {
        /// What is wrong.
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
            Self::Stalled { received_bytes, waited } => {
                write!(f, "the server stopped sending after {received_bytes} bytes: next to nothing for {waited:?}")
            }
            Self::CutShort { received_bytes, expected_bytes, detail } => {
                write!(f, "the body ends after {received_bytes} bytes")?;
                expected_bytes
                    .map_or(Ok(()), |expected| write!(f, ", not after the {expected} that the record says"))?;
                detail.as_deref().map_or(Ok(()), |detail| write!(f, " ({detail})"))
            }
            Self::TooLong { received_bytes, expected_bytes } => {
                write!(f, "the body has {received_bytes} bytes or more, and the record says {expected_bytes}")
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
