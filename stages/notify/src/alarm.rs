use askama::Template;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use strongroom_model::alarm::{Alarm, Change, PendingChange};
use strongroom_model::text::shown_to_the_minute;
use strongroom_model::{AlarmKind, EventId, SiteId};

use crate::filters;
use crate::format_text::{full_stop, is_short, plural, short};
use crate::kind;
use crate::mail::{Mail, MailError, file_stem};
use crate::summary::compose::message_id;

/// How many alarms of a kind a mail shows; it counts the others.
const MAX_SHOWN: usize = 20;

/// A mail about alarms that began and ended, each reported once, at once.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AlarmMail {
    site: SiteId,
    /// Lasting ones first, the worst first; then what is over.
    changes: Vec<PendingChange>,
}

/// A change as readers see it.
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
    /// Then another mail will follow.
    lasts: bool,
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
    /// `None` without pending changes.
    pub(crate) fn of<'a>(site: &SiteId, alarms: impl Iterator<Item = &'a Alarm>) -> Option<Self> {
        let mut changes: Vec<PendingChange> = alarms.flat_map(|alarm| alarm.pending.iter().cloned()).collect();
        changes.sort_by_key(|one| (is_over(one), one.alarm().kind, one.time, one.id));
        (!changes.is_empty()).then(|| Self { site: site.clone(), changes })
    }

    /// The mail; equal changes make an identical one.
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
            checkpoint: None,
        })
    }

    fn view(&self, zone: &TimeZone) -> View {
        let lasting: Vec<&PendingChange> = self.changes.iter().filter(|one| !self.ended(one)).collect();
        let worst = lasting.first().copied();
        let (tone, verdict, others) = match worst {
            Some(worst) => ("act", worst.alarm().kind.title().to_owned(), lasting.len() - 1),
            None => {
                let first = self.changes.first().map_or_else(String::new, |one| kind::in_a_sentence(one.alarm().kind));
                let ends = self.changes.iter().filter(|one| is_over(one)).count();
                ("well", format!("Over: {first}"), ends.saturating_sub(1))
            }
        };
        let others = (others > 0).then(|| plural(others as u64, "other alarm", "other alarms"));
        // A long message follows in full below; the first line must be readable at a glance.
        let detail = worst.map(|one| &one.alarm().message).filter(|message| is_short(message));
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
            entries: self.entries(zone),
            lasts: worst.is_some(),
        }
    }

    /// Whether the condition also ended within this mail.
    fn ended(&self, one: &PendingChange) -> bool {
        is_over(one) || self.changes.iter().any(|other| is_over(other) && other.time >= one.time && same(one, other))
    }

    /// The first changes of each kind, and how many more.
    fn entries(&self, zone: &TimeZone) -> Vec<Entry> {
        let groups = self.changes.chunk_by(|one, next| group(one) == group(next));
        groups.flat_map(|group| self.group_entries(group, zone)).collect()
    }

    fn group_entries(&self, group: &[PendingChange], zone: &TimeZone) -> Vec<Entry> {
        // One more takes no more room than the sentence about it.
        let shown = if group.len() > MAX_SHOWN + 1 { MAX_SHOWN } else { group.len() };
        let mut entries: Vec<Entry> = group[..shown].iter().map(|one| self.entry(one, zone)).collect();
        if let Some(next) = group.get(shown) {
            let number = plural((group.len() - shown) as u64, "more alarm", "more alarms");
            let title = kind::in_a_sentence(next.alarm().kind);
            entries.push(Entry {
                tone: if is_over(next) { "well" } else { "act" },
                heading: if is_over(next) {
                    format!("And {number} that are over: {title}")
                } else {
                    format!("And {number}: {title}")
                },
                message: "They are left out here.".to_owned(),
                step: String::new(),
                after: "`strongroom status` shows every alarm that lasts.".to_owned(),
            });
        }
        entries
    }

    fn entry(&self, one: &PendingChange, zone: &TimeZone) -> Entry {
        let at = shown_to_the_minute(one.time, zone);
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

/// What is shown together.
fn group(one: &PendingChange) -> (bool, AlarmKind) {
    (is_over(one), one.alarm().kind)
}

fn is_over(one: &PendingChange) -> bool {
    matches!(one.change, Change::Cleared(..))
}

fn same(one: &PendingChange, other: &PendingChange) -> bool {
    let key = |one: &PendingChange| (one.alarm().kind, one.alarm().subject.clone());
    key(one) == key(other)
}
