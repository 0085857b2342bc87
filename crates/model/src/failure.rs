//! A failure and its fate, chosen where it happens.

use std::time::Duration;

use crate::digest::Digest;
use crate::event::{AlarmRaised, FailureKind};

/// Work that could not be done, with its fate.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The stable code of the cause.
    pub kind: FailureKind,
    /// What happened, for a person, on one line.
    pub message: String,
    /// What comes next.
    pub fate: Fate,
    /// The wrong digest that was seen, where that was the cause.
    pub digest: Option<Digest>,
    /// Where the bad copy was put aside, relative to the drive's root.
    pub quarantined: Option<String>,
    /// Of a mail: the recipients who got it, though not all did.
    pub reached: Vec<String>,
    /// The alarm to raise with it, if it is one for a person to know of now.
    pub raise: Option<AlarmRaised>,
}

impl Failure {
    /// A failure with nothing but a cause, a message and a fate.
    #[must_use]
    pub fn new(kind: FailureKind, message: impl Into<String>, fate: Fate) -> Self {
        Self { kind, message: message.into(), fate, digest: None, quarantined: None, reached: Vec::new(), raise: None }
    }
}

/// What comes after a failure, chosen where it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It may pass: try again by the retry policy, until its attempts are used up; then a
    /// person must look.
    Retry,
    /// It may pass, but not before this long.
    RetryAfter(Duration),
    /// Trying again without bound: giving up would lose something (a mail, say).
    RetryForever,
    /// Trying again would change nothing: a person must look.
    Person,
}
