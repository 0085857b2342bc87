//! Errors of the broker.

use std::time::Duration;

use lapin::ErrorKind;
use strongroom_model::text::printable;

const MAX_REPLY_CHARS: usize = 300;

/// Reply codes of AMQP 0-9-1 (section 1.2 of its generated reference).
mod code {
    pub(super) const ACCESS_REFUSED: u16 = 403;
    pub(super) const NOT_FOUND: u16 = 404;
    pub(super) const RESOURCE_LOCKED: u16 = 405;
    pub(super) const PRECONDITION_FAILED: u16 = 406;
    pub(super) const NOT_ALLOWED: u16 = 530;
}

/// Why a request to the broker failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say what each is")]
pub enum BrokerError {
    #[error(
        "the broker's URL cannot be used: {reason}; write it as amqp://user:password@host:5672/vhost, or amqps:// for TLS"
    )]
    Url { reason: String },
    #[error("the broker at {place} cannot be reached: see that RabbitMQ runs there and that the address is right")]
    Unreachable { place: String, source: lapin::Error },
    #[error("the broker at {place} gave no answer within {} s: see whether it is overloaded or lacks a majority of its nodes", .after.as_secs())]
    Silent { place: String, after: Duration },
    /// It refuses the login, or the user may not use the virtual host.
    #[error(
        "the broker at {place} refuses {user}: {reply}; see the user, its password and its rights in the virtual host (`rabbitmqctl list_permissions`)"
    )]
    Refused { place: String, user: String, reply: String },
    #[error(
        "the broker does not let {user} do that: {reply}; give the rights that deploy/rabbitmq shows; `strongroom topology apply` needs the relay's login (STRONGROOM_BROKER_URL_FILE names the file with it)"
    )]
    Forbidden { user: String, reply: String },
    #[error("{what} is missing on the broker: start `strongroom relay`, or run `strongroom topology apply`")]
    Missing { what: String },
    /// A queue or an exchange exists with other properties.
    #[error(
        "{what} is there with other properties: {reply}; delete it (what is pending is published again from the log), then run `strongroom topology apply`"
    )]
    Mismatch { what: String, reply: String },
    /// Another connection holds it exclusively.
    #[error("{what} is held by another connection: wait until that ends")]
    Locked { what: String },
    /// The connection, or a channel of it, has ended; the result of pending requests is unknown.
    #[error("the connection to the broker at {place} is lost")]
    Lost { place: String, source: lapin::Error },
    #[error("the broker at {place} broke off: {reply}")]
    Protocol { place: String, reply: String },
}

/// What was requested, for the error's text.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestContext<'a> {
    pub(super) place: &'a str,
    pub(super) user: &'a str,
    /// The queue or exchange.
    pub(super) what: &'a str,
}

impl BrokerError {
    pub(super) fn connecting(error: lapin::Error, place: &str, user: &str) -> Self {
        let place = place.to_owned();
        match reply_of(&error) {
            Some((code::ACCESS_REFUSED | code::NOT_ALLOWED, reply)) => {
                Self::Refused { place, user: user.to_owned(), reply }
            }
            Some((_, reply)) => Self::Protocol { place, reply },
            None => Self::Unreachable { place, source: error },
        }
    }

    pub(super) fn answering(error: lapin::Error, request: RequestContext<'_>) -> Self {
        let (place, what) = (request.place.to_owned(), request.what.to_owned());
        match reply_of(&error) {
            Some((code::ACCESS_REFUSED, reply)) => Self::Forbidden { user: request.user.to_owned(), reply },
            Some((code::NOT_FOUND, _)) => Self::Missing { what },
            Some((code::RESOURCE_LOCKED, _)) => Self::Locked { what },
            Some((code::PRECONDITION_FAILED, reply)) => Self::Mismatch { what, reply },
            Some((_, reply)) => Self::Protocol { place, reply },
            None => Self::Lost { place, source: error },
        }
    }
}

/// The broker's own reply, if the error is one.
fn reply_of(error: &lapin::Error) -> Option<(u16, String)> {
    match error.kind() {
        ErrorKind::ProtocolError(error) => {
            Some((error.get_id(), printable(error.get_message().as_str(), MAX_REPLY_CHARS)))
        }
        _ => None,
    }
}
