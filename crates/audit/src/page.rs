//! Pages: how a view of the log is asked for, and what it gives.
//!
//! Every list is paged by key, never by offset: a cursor is the position that the last entry was sorted by. What is
//! appended between two pages cannot move an entry that was not shown yet out of the pages to come.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::text::printable;
use strongroom_model::{Position, SiteId, StreamName, SubjectKind};

/// How many entries a page has at most: an event's data is at most a few KiB, so a page is at most a few MiB.
pub const MAX_PAGE: usize = 500;
/// How many entries a page has unless it is said.
pub const DEFAULT_PAGE: usize = 100;

/// Which page of a view, and as of when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// The last position that the view includes; `None`: all that is in the log now.
    pub as_of: Option<Position>,
    /// Where the page before it ended ([`Page::next`]); `None`: the first page.
    pub after: Option<PageCursor>,
    /// How many entries: from 1 to [`MAX_PAGE`]; what lies outside of that counts as the nearer of the two.
    pub limit: usize,
}

impl Default for PageRequest {
    fn default() -> Self {
        Self { as_of: None, after: None, limit: DEFAULT_PAGE }
    }
}

impl PageRequest {
    /// How many entries the page may have.
    pub(crate) fn entries(&self) -> usize {
        self.limit.clamp(1, MAX_PAGE)
    }
}

/// The place between two pages. It is valid for the view and the `as_of` that it was given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PageCursor(pub(crate) Position);

impl fmt::Display for PageCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text that is not a cursor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a cursor: use the `next` of the page before, as it is")]
pub struct ParseCursorError(String);

impl FromStr for PageCursor {
    type Err = ParseCursorError;

    fn from_str(text: &str) -> Result<Self, ParseCursorError> {
        text.parse().map(|position| Self(Position(position))).map_err(|_| ParseCursorError(printable(text, 40)))
    }
}

/// One page of a view.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Page<T> {
    /// Whose log it is.
    pub site: SiteId,
    /// The last position that the page includes; `None` where the log was empty. Given as [`PageRequest::as_of`] for the
    /// next pages, it makes all of them show the same moment.
    pub as_of: Option<Position>,
    /// The entries, in the order that the view names.
    pub items: Vec<T>,
    /// Where the next page begins; `None`: this is the last one.
    pub next: Option<PageCursor>,
}

/// Why there is no such view.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The log does not reach that far.
    #[error(
        "position {asked} is after the end of the log of site {site}, which has {size} events from position 0 on: \
         ask for a lower position, or for none to see the log as it is now"
    )]
    AfterEnd {
        /// Whose log it is.
        site: SiteId,
        /// The position that was asked for.
        asked: Position,
        /// How many events the log has.
        size: u64,
    },
    /// Subjects of that kind never have that status.
    #[error("unknown status {status:?} of a {}: {}", .kind.name(), describe_known(.known))]
    UnknownStatus {
        /// The kind of subject.
        kind: SubjectKind,
        /// The status that was asked for, printable and shortened.
        status: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The log has no event of that subject.
    #[error("the log of site {site} has no event of {subject}{}: {}", describe_as_of(*.as_of), describe_last(*.exists))]
    UnknownSubject {
        /// Whose log it is.
        site: SiteId,
        /// The subject.
        subject: StreamName,
        /// As of which position.
        as_of: Option<Position>,
        /// Whether it has one at a later position.
        exists: bool,
    },
}

fn describe_known(known: &[String]) -> String {
    if known.is_empty() {
        return "subjects of this kind have no status; ask for their list without one".to_owned();
    }
    format!("expected {}", known.join(", "))
}

fn describe_as_of(as_of: Option<Position>) -> String {
    as_of.map_or_else(String::new, |position| format!(" as of position {position}"))
}

const fn describe_last(exists: bool) -> &'static str {
    if exists {
        "its first event is later; ask for a higher position"
    } else {
        "check the id, or list the subjects of its kind"
    }
}

/// The part of a log that a view is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Horizon {
    /// The first position that is not included.
    pub(crate) end: Position,
    /// Whether that is where the log ended just now, so that the log's projection answers.
    pub(crate) is_now: bool,
}

impl Horizon {
    pub(crate) async fn of(log: &EventLog, as_of: Option<Position>) -> Result<Self, ViewError> {
        let now = Self::now(log).await?;
        match as_of {
            None => Ok(now),
            Some(last) if now.includes(last) => Ok(Self { end: last.next(), is_now: false }),
            Some(asked) => Err(ViewError::AfterEnd { site: log.site().clone(), asked, size: now.end.0 }),
        }
    }

    pub(crate) async fn now(log: &EventLog) -> Result<Self, LogError> {
        Ok(Self { end: Position(log.head().await?.size), is_now: true })
    }

    pub(crate) const fn includes(self, position: Position) -> bool {
        position.0 < self.end.0
    }

    pub(crate) fn as_of(self) -> Option<Position> {
        self.end.0.checked_sub(1).map(Position)
    }

    pub(crate) fn page<T>(self, log: &EventLog, items: Vec<T>, next: Option<Position>) -> Page<T> {
        Page { site: log.site().clone(), as_of: self.as_of(), items, next: next.map(PageCursor) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_is_shown() {
        let cursor = PageCursor(Position(120));
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        assert_eq!(serde_json::to_value(cursor).unwrap(), 120);
        assert_eq!(
            "x".parse::<PageCursor>().unwrap_err().to_string(),
            "\"x\" is not a cursor: use the `next` of the page before, as it is"
        );
    }

    #[test]
    fn a_limit_stays_within_its_bounds() {
        let of = |limit| PageRequest { limit, ..PageRequest::default() }.entries();
        assert_eq!([of(0), of(7), of(usize::MAX)], [1, 7, MAX_PAGE]);
    }

    #[test]
    fn an_error_names_the_thing_the_cause_and_the_next_step() {
        let site: SiteId = "demo".parse().unwrap();
        let subject: StreamName = "booking/B-9".parse().unwrap();
        let errors = [
            ViewError::AfterEnd { site: site.clone(), asked: Position(9), size: 4 },
            ViewError::UnknownStatus {
                kind: SubjectKind::Run,
                status: "x".to_owned(),
                known: vec!["requested".to_owned(), "failed".to_owned()],
            },
            ViewError::UnknownStatus { kind: SubjectKind::Drive, status: "x".to_owned(), known: Vec::new() },
            ViewError::UnknownSubject {
                site: site.clone(),
                subject: subject.clone(),
                as_of: Some(Position(3)),
                exists: true,
            },
            ViewError::UnknownSubject { site, subject, as_of: None, exists: false },
        ];
        let text: Vec<_> = errors.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(text.join("\n"));
    }
}
