//! A mail about alarms: what began and what ended, each told once, at once.

use askama::Template;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use strongroom_model::alarm::{Alarm, Change, Untold};
use strongroom_model::event::AlarmRaised;
use strongroom_model::{EventId, SiteId};

use crate::filters;
use crate::kind;
use crate::mail::{Mail, MailError, file_stem};
use crate::summary::compose::message_id;
use crate::words::{full_stop, is_short, local, plural, short};

/// What is to be told of some alarms.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AlarmMail {
    site: SiteId,
    /// Beginnings that last, the worst first, then what is over.
    changes: Vec<Untold>,
}

/// One change as its reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    tone: &'static str,
    heading: String,
    message: String,
    step: String,
    after: String,
}

struct View {
    subject: String,
    heading: String,
    tone: &'static str,
    verdict: String,
    also: Vec<String>,
    entries: Vec<Entry>,
}

#[derive(Template)]
#[template(path = "alarm.html")]
struct Html<'a> {
    view: &'a View,
}

#[derive(Template)]
#[template(path = "alarm.txt")]
struct Text<'a> {
    view: &'a View,
}

impl AlarmMail {
    /// What nobody has been told of these alarms; `None`: there is nothing.
    pub(crate) fn of<'a>(site: &SiteId, alarms: impl Iterator<Item = &'a Alarm>) -> Option<Self> {
        let mut changes: Vec<Untold> = alarms.flat_map(|alarm| alarm.untold.iter().cloned()).collect();
        changes.sort_by_key(|one| (is_over(one), raised(one).kind, one.time, one.id));
        (!changes.is_empty()).then(|| Self { site: site.clone(), changes })
    }

    /// The mail, in that time zone. The same changes make the same mail, to the letter.
    ///
    /// # Errors
    /// A template could not be set.
    pub(crate) fn mail(&self, zone: &TimeZone) -> Result<Mail, MailError> {
        let mut unique: Vec<EventId> = self.changes.iter().map(|one| one.id).collect();
        unique.sort_unstable();
        let unique: String = unique.iter().map(EventId::to_string).collect();
        let message_id = message_id("alarm", &self.site, unique.as_bytes());
        let latest = self.changes.iter().map(|one| one.time).max();
        let view = self.view(zone);
        Ok(Mail {
            file_stem: file_stem(&message_id),
            message_id,
            date: latest.unwrap_or(Timestamp::UNIX_EPOCH),
            subject: view.subject.clone(),
            html: Html { view: &view }.render()?,
            text: Text { view: &view }.render()?,
        })
    }

    fn view(&self, zone: &TimeZone) -> View {
        let lasting: Vec<&Untold> = self.changes.iter().filter(|one| !self.ended(one)).collect();
        let worst = lasting.first().copied();
        let (tone, verdict, others) = match worst {
            Some(worst) => ("act", raised(worst).kind.title().to_owned(), lasting.len() - 1),
            None => {
                let first = self.changes.first().map_or_else(String::new, |one| kind::in_a_sentence(raised(one).kind));
                let ends = self.changes.iter().filter(|one| is_over(one)).count();
                ("well", format!("Over: {first}"), ends.saturating_sub(1))
            }
        };
        let others = (others > 0).then(|| plural(others as u64, "other alarm", "other alarms"));
        // A long message stands below, in full; the first line must be read at a glance.
        let detail = worst.map(|one| &raised(one).message).filter(|message| is_short(message));
        let detail = detail.map_or_else(String::new, |message| format!(": {message}"));
        View {
            subject: match &others {
                Some(others) => format!("{verdict}, and {others} ({})", self.site),
                None => format!("{verdict} ({})", self.site),
            },
            heading: format!("Site {} · Alarm", self.site),
            tone,
            verdict: full_stop(&format!("{verdict}{detail}")),
            also: others.map(|others| format!("And {others}.")).into_iter().collect(),
            entries: self.changes.iter().map(|one| self.entry(one, zone)).collect(),
        }
    }

    /// Whether a condition that began has also ended, within this very mail.
    fn ended(&self, one: &Untold) -> bool {
        is_over(one) || self.changes.iter().any(|other| is_over(other) && other.time >= one.time && same(one, other))
    }

    fn entry(&self, one: &Untold, zone: &TimeZone) -> Entry {
        let at = local(one.time, zone);
        match &one.change {
            Change::Raised(raised) => {
                let title = raised.kind.title();
                let ended = self.ended(one);
                Entry {
                    tone: if ended { "well" } else { "act" },
                    heading: if ended { format!("{title}, from {at}") } else { format!("{title}, since {at}") },
                    message: full_stop(&raised.message),
                    step: if ended { String::new() } else { full_stop(&raised.next_step) },
                    after: if ended {
                        "It has ended: see below.".to_owned()
                    } else {
                        raised.kind.meanwhile().to_owned()
                    },
                }
            }
            Change::Cleared(cleared, raised) => Entry {
                tone: "well",
                heading: format!("Over: {}, until {at}", kind::in_a_sentence(raised.kind)),
                message: full_stop(&cleared.message),
                step: String::new(),
                after: format!("It had begun with: {}", short(&raised.message)),
            },
        }
    }
}

fn is_over(one: &Untold) -> bool {
    matches!(one.change, Change::Cleared(..))
}

fn raised(one: &Untold) -> &AlarmRaised {
    match &one.change {
        Change::Raised(raised) | Change::Cleared(_, raised) => raised,
    }
}

fn same(one: &Untold, other: &Untold) -> bool {
    let key = |one: &Untold| (raised(one).kind, raised(one).subject.clone());
    key(one) == key(other)
}
