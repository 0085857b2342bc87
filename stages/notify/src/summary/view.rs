mod attached;
mod details;
mod needs;

use askama::Template;
use jiff::tz::TimeZone;

use super::report::SummaryReport;
use super::verdict::{Tone, verdict};
use strongroom_model::text::shown;

use crate::filters;
use crate::format_text::{count, name, sentence};
use details::{counts, drives, failures, history, jobs, notes};
use needs::needs;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ViewRow {
    pub(crate) label: String,
    pub(crate) value: String,
    pub(crate) note: String,
}

impl ViewRow {
    pub(crate) fn new(label: &str, value: impl Into<String>) -> Self {
        Self { label: label.to_owned(), value: value.into(), note: String::new() }
    }

    pub(crate) fn with_note(label: &str, value: impl Into<String>, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..Self::new(label, value) }
    }
}

/// Something that needs a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Need {
    pub(crate) heading: String,
    pub(crate) step: String,
    pub(crate) items: Vec<ViewRow>,
    pub(crate) left_out: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FailureRow {
    pub(crate) cause: String,
    pub(crate) times: String,
    pub(crate) outcome: String,
}

/// A summary as its reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SummaryView {
    pub(crate) subject: String,
    pub(crate) heading: String,
    pub(crate) tone: &'static str,
    pub(crate) verdict: String,
    pub(crate) also: Vec<String>,
    pub(crate) needs: Vec<Need>,
    pub(crate) jobs: Vec<ViewRow>,
    pub(crate) counts: Vec<ViewRow>,
    pub(crate) drives: Vec<ViewRow>,
    pub(crate) failures: Vec<FailureRow>,
    pub(crate) history: Vec<ViewRow>,
    pub(crate) notes: Vec<String>,
    pub(crate) interval: String,
    pub(crate) checkpoint: String,
    pub(crate) is_signed: bool,
}

#[derive(Template)]
#[template(path = "summary.html")]
pub(crate) struct SummaryHtml<'a> {
    pub(crate) view: &'a SummaryView,
}

#[derive(Template)]
#[template(path = "summary.txt")]
pub(crate) struct SummaryText<'a> {
    pub(crate) view: &'a SummaryView,
}

impl SummaryView {
    pub(crate) fn of(report: &SummaryReport, zone: &TimeZone, is_signed: bool) -> Self {
        let verdict = verdict(report);
        let composed = &report.composed;
        let about = format!("{}, No {}, {}", report.site, composed.number, name(&composed.title));
        Self {
            subject: format!("{} ({about})", verdict.sentence.trim_end_matches('.')),
            heading: format!("Site {} · No {} · {}", report.site, composed.number, sentence(&composed.title)),
            tone: match verdict.tone {
                Tone::Well => "well",
                Tone::Mind => "mind",
                Tone::Act => "act",
            },
            verdict: verdict.sentence,
            also: verdict.also,
            needs: needs(report, zone),
            jobs: jobs(report),
            counts: counts(report),
            drives: drives(report),
            failures: failures(report),
            history: history(report, zone),
            notes: notes(report),
            interval: interval(report, zone),
            checkpoint: format!("{}:{}", composed.to, composed.root),
            is_signed,
        }
    }
}

/// `This mail covers the 1,141 events from position 1,204 up to 2,344 …`
fn interval(report: &SummaryReport, zone: &TimeZone) -> String {
    let composed = &report.composed;
    let begins = match composed.number {
        1 => "It is the first.".to_owned(),
        number => format!("No {} ended where it begins.", number - 1),
    };
    let (Some(first), Some(last)) = (report.tally.first_at, report.tally.last_at) else {
        return format!("Nothing was recorded since. {begins}");
    };
    format!(
        "This mail covers positions {} to {} of the site's log ({}), recorded from {} to {}{}. {begins} \
         The next one begins where it ends, so nothing is reported twice or left out.",
        count(composed.from.0),
        count(composed.to.0.saturating_sub(1)),
        crate::format_text::plural(report.tally.events, "event", "events"),
        shown(first, zone),
        shown(last, zone),
        zone.iana_name().map_or_else(String::new, |name| format!(" ({name})")),
    )
}
