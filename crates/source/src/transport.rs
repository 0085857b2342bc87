use std::error::Error as _;

use strongroom_model::text::printable;

use crate::cause::{Cause, MAX_DETAIL_CHARS, NoConnection};

/// Why reqwest could not send a request or receive a response's head.
pub(crate) fn unreachable(error: &reqwest::Error) -> Cause {
    if !error.is_connect() && !error.is_timeout() {
        return Cause::NoAnswer { detail: root_cause(error) };
    }
    let why = if error.is_dns() {
        NoConnection::UnknownHost
    } else if error.is_timeout() {
        NoConnection::TimedOut
    } else if chain_holds::<rustls::Error>(error) {
        NoConnection::Tls
    } else if io_kind(error) == Some(std::io::ErrorKind::ConnectionRefused) {
        NoConnection::Refused
    } else {
        NoConnection::Other
    };
    Cause::Unreachable { why, detail: root_cause(error) }
}

/// The innermost error: the outer ones only say that a request failed.
pub(crate) fn root_cause(error: &reqwest::Error) -> String {
    let innermost = chain(error).last().map_or_else(|| "unknown".to_owned(), ToString::to_string);
    printable(&innermost, MAX_DETAIL_CHARS)
}

fn chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |&error| error.source())
}

fn io_kind(error: &reqwest::Error) -> Option<std::io::ErrorKind> {
    chain(error).filter_map(|error| error.downcast_ref::<std::io::Error>()).map(std::io::Error::kind).last()
}

/// Also looks inside I/O errors, which do not show what they wrap as their source.
fn chain_holds<E: std::error::Error + 'static>(error: &reqwest::Error) -> bool {
    chain(error).any(|mut error| {
        while let Some(inside) = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            error = inside;
        }
        error.is::<E>()
    })
}
