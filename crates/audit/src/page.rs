//! Pages of a view.
//!
//! Lists are paged by key: a cursor is the position that the last entry was sorted by. So an append between two pages
//! cannot take an entry out of the pages to come.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::text::printable;
use strongroom_model::{Position, SiteId, StreamName, SubjectKind};

use crate::as_of::AsOf;

/// The most entries of a page: with events of a few KiB, it has a few MiB.
pub const MAX_PAGE: usize = 500;
/// The entries of a page if no limit is given.
pub const DEFAULT_PAGE: usize = 100;

/// Which page of a view to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// The last position to include; `None`: now.
    pub as_of: Option<Position>,
    /// The [`Page::next`] of the page before; `None`: the first page.
    pub after: Option<PageCursor>,
    /// The most entries, from 1 to [`MAX_PAGE`]; other values count as the nearer of the two.
    pub limit: usize,
}

impl Default for PageRequest {
    fn default() -> Self {
        Self { as_of: None, after: None, limit: DEFAULT_PAGE }
    }
}

impl PageRequest {
    pub(crate) fn entries(&self) -> usize {
        self.limit.clamp(1, MAX_PAGE)
    }
}

/// Where the next page of a view begins, for the same view and `as_of`.
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
    /// The last position that is included; `None`: the log was empty. As [`PageRequest::as_of`] it makes the next
    /// pages show the same moment.
    pub as_of: Option<Position>,
    /// The entries.
    pub items: Vec<T>,
    /// The next page's cursor; `None`: this is the last page.
    pub next: Option<PageCursor>,
}

/// Why a view cannot be given.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each is")]
pub enum ViewError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(
        "position {asked} is after the end of the log of site {site}, which has {size} events from position 0 on: \
         ask for a lower position, or for none to see the log as it is now"
    )]
    AfterEnd { site: SiteId, asked: Position, size: u64 },
    #[error("the log of site {site} begins after {asked}: ask for a later time, or for position 0")]
    BeforeStart { site: SiteId, asked: AsOf },
    #[error("unknown status {status:?} of a {}: expected {}", .kind.name(), .known.join(", "))]
    UnknownStatus {
        kind: SubjectKind,
        /// The status, printable.
        status: String,
        known: Vec<String>,
    },
    #[error("the log of site {site} has no event of {subject}{}: {}", describe_as_of(*.as_of), describe_last(*.exists))]
    UnknownSubject {
        site: SiteId,
        subject: StreamName,
        as_of: Option<Position>,
        /// Whether it has a later one.
        exists: bool,
    },
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

#[derive(Debug, Clone, Copy)]
pub(crate) struct Horizon {
    /// The first position that is not included.
    pub(crate) end: Position,
    /// Whether the log ended there: the projection answers.
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
            ViewError::BeforeStart { site: site.clone(), asked: "2026-11-20T23:00:00Z".parse().unwrap() },
            ViewError::UnknownStatus {
                kind: SubjectKind::Run,
                status: "x".to_owned(),
                known: vec!["requested".to_owned(), "failed".to_owned()],
            },
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
