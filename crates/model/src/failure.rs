//! A failure and its fate.

use std::time::Duration;

use crate::digest::Digest;
use crate::event::{AlarmRaised, FailureKind};

/// Failed work and its fate.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The cause.
    pub kind: FailureKind,
    /// One line for a person.
    pub message: String,
    /// Its fate.
    pub fate: Fate,
    /// What a person does, where that is known better than from the cause.
    pub next_step: Option<String>,
    /// The wrong digest that caused it.
    pub digest: Option<Digest>,
    /// The quarantined copy's path below the drive's root.
    pub quarantined: Option<String>,
    /// Recipients who got a mail, if not all.
    pub reached: Vec<String>,
    /// The alarm to raise with it.
    pub raise: Option<AlarmRaised>,
}

impl Failure {
    /// A failure without details.
    #[must_use]
    pub fn new(kind: FailureKind, message: impl Into<String>, fate: Fate) -> Self {
        Self {
            kind,
            message: message.into(),
            fate,
            next_step: None,
            digest: None,
            quarantined: None,
            reached: Vec::new(),
            raise: None,
        }
    }
}

/// What follows a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Retry, until attempts are used up.
    Retry,
    /// Retry, but not before this delay.
    RetryAfter(Duration),
    /// Retry after exactly this delay: who says so counts the attempts.
    RetryIn(Duration),
    /// Retry without bound: giving up would lose a mail.
    RetryForever,
    /// A retry is useless: a person is needed.
    Person,
}
