//! What a run of the job ends with: a table of files, bytes, failures by cause, what to do.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use strongroom_audit::{AlarmEntry, Cause};
use strongroom_model::event::Rejected;
use strongroom_model::{ByteCount, FailureKind, SiteId};

use crate::exit::Exit;
use crate::run::tally::Tally;

const MAX_ROWS: usize = 20;

#[derive(Debug, Clone, Default)]
pub(crate) struct RunOutcome {
    pub(crate) tally: Tally,
    pub(crate) elapsed: Duration,
    /// Why bookings need a person, from this run or earlier ones.
    pub(crate) causes: Vec<Cause>,
    pub(crate) alarms: Vec<AlarmEntry>,
    /// How many bookings wait for their next attempt.
    pub(crate) later: u64,
    /// Why nothing was taken, where nothing was.
    pub(crate) zero: Option<String>,
    pub(crate) troubles: Vec<String>,
    pub(crate) stopped: bool,
}

impl RunOutcome {
    pub(crate) fn exit(&self) -> Exit {
        let undone = self.later > 0 || self.tally.unusable > 0;
        let problems = undone || !self.causes.is_empty() || !self.alarms.is_empty() || !self.troubles.is_empty();
        match (problems, self.stopped) {
            (true, _) => Exit::Problems,
            (false, true) => Exit::Failed,
            (false, false) => Exit::Well,
        }
    }

    pub(crate) fn json(&self) -> Value {
        let tally = &self.tally;
        json!({
            "ok": self.exit() == Exit::Well,
            "stopped": self.stopped,
            "files": tally.files,
            "archived": tally.archived,
            "proven_bytes": tally.proven_bytes,
            "elapsed_ms": u64::try_from(self.elapsed.as_millis()).unwrap_or(u64::MAX),
            "retries": tally.retries.iter().map(|(kind, number)| (kind.code(), *number)).collect::<BTreeMap<_, _>>(),
            "later": self.later,
            "unusable": tally.unusable,
            "rejected": tally.rejected,
            "causes": self.causes,
            "alarms": self.alarms,
            "zero": self.zero,
            "troubles": self.troubles,
        })
    }

    pub(crate) fn page(&self) -> String {
        let mut page = format!("{}\n{}", self.verdict(), self.counts());
        if !self.causes.is_empty() || !self.alarms.is_empty() || !self.tally.rejected.is_empty() {
            page += &format!("\n{}", self.problems());
        }
        for trouble in &self.troubles {
            page += &format!("\n{trouble}\n");
        }
        page
    }

    /// The verdict, with the first problem and its next step, for cron's mail or the journal.
    pub(crate) fn brief(&self, site: &SiteId) -> String {
        let verdict = self.verdict();
        let verdict = verdict.trim_end_matches('.');
        let mut problems = self.all_problems();
        let more = match problems.len().saturating_sub(1) {
            0 => String::new(),
            more => format!(" (and {more} more: strongroom status)"),
        };
        match problems.drain(..).next() {
            None => format!("strongroom: site {site}: {verdict}.\n"),
            Some((what, step)) => format!("strongroom: site {site}: {verdict}: {what}{more}.\n  next: {step}\n"),
        }
    }

    /// Each thing that is wrong, the worst first, and what to do about it.
    fn all_problems(&self) -> Vec<(String, String)> {
        let alarms = self.alarms.iter().map(|alarm| (alarm.message.clone(), alarm.next_step.clone()));
        let causes = self.causes.iter().map(|cause| (named(cause), cause.next_step.to_owned()));
        let rejected = self.tally.rejected.iter();
        let rejected = rejected.map(|rejected| (unusable(rejected), FailureKind::BadRecord.step().to_owned()));
        let troubles = self.troubles.iter().map(|trouble| {
            let (what, step) = trouble.split_once("\n  next: ").unwrap_or((trouble, "strongroom status"));
            (what.trim_end_matches('.').to_owned(), step.to_owned())
        });
        alarms.chain(causes).chain(rejected).chain(troubles).collect()
    }

    fn verdict(&self) -> String {
        let stuck: u64 = self.causes.iter().map(|cause| cause.bookings).sum();
        let mut parts = Vec::new();
        if stuck > 0 {
            parts.push(format!("{stuck} need a person"));
        }
        if !self.alarms.is_empty() {
            parts.push(format!("{} raised", count(self.alarms.len() as u64, "alarm")));
        }
        if self.later > 0 {
            parts.push(format!("{} left for the next run", self.later));
        }
        if self.tally.unusable > 0 {
            parts.push(format!("{} with a record that cannot be used", self.tally.unusable));
        }
        if self.stopped {
            parts.push("stopped before the end; the next run goes on from here".to_owned());
        }
        let done = match (&self.zero, self.tally.archived) {
            (Some(why), 0) if self.troubles.is_empty() => format!("Nothing to back up: {why}"),
            (Some(why), 0) => format!("Nothing was backed up: {why}"),
            (None, 0) => "Nothing was backed up".to_owned(),
            (_, files) => format!("{} backed up, proven and archived", count(files, "file")),
        };
        if parts.is_empty() { format!("{done}.") } else { format!("{done}; {}.", parts.join(", ")) }
    }

    fn counts(&self) -> String {
        let tally = &self.tally;
        let seconds = self.elapsed.as_secs_f64();
        let rate = ByteCount((tally.proven_bytes.0 as f64 / seconds.max(0.001)) as u64);
        let retries: u64 = tally.retries.values().sum();
        if tally.files == 0 {
            return String::new();
        }
        let mut page = format!("  files archived  {} of {}\n", tally.archived, tally.files);
        page += &format!("  bytes proven    {} in {seconds:.1} s ({rate}/s)\n", tally.proven_bytes);
        if retries > 0 {
            let causes: Vec<_> =
                tally.retries.iter().map(|(kind, number)| format!("{number} × {}", kind.cause())).collect();
            page += &format!("  tried again     {retries}: {}\n", causes.join("; "));
        }
        page
    }

    /// What needs a person, the commonest first. Commands have their own lines, so that they can be copied.
    fn problems(&self) -> String {
        let mut page = "  number  cause, and what to do\n".to_owned();
        let mut row = |number: &str, cause: &str, step: &str| {
            page += &format!("  {number:>6}  {cause}\n          next: {step}\n");
        };
        for cause in self.causes.iter().take(MAX_ROWS) {
            row(&cause.bookings.to_string(), &named(cause), cause.next_step);
        }
        for rejected in self.tally.rejected.iter().take(MAX_ROWS) {
            row("record", &unusable(rejected), FailureKind::BadRecord.step());
        }
        for alarm in self.alarms.iter().take(MAX_ROWS) {
            row("alarm", &alarm.message, &alarm.next_step);
        }
        let lengths = [self.causes.len(), self.tally.rejected.len(), self.alarms.len()];
        let hidden: usize = lengths.map(|length| length.saturating_sub(MAX_ROWS)).into_iter().sum();
        if hidden > 0 {
            page += &format!("       …  and {hidden} more\n          next: strongroom status\n");
        }
        page
    }
}

fn named(cause: &Cause) -> String {
    let more = if cause.bookings > cause.first.len() as u64 { ", …" } else { "" };
    format!("{} ({}{more})", cause.cause, cause.first.join(", "))
}

fn unusable(rejected: &Rejected) -> String {
    format!("the server's record of {} cannot be used: {}", rejected.booking, rejected.reason)
}

fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use strongroom_model::AlarmKind;

    use super::*;

    fn tally() -> Tally {
        Tally { files: 40, archived: 40, proven_bytes: ByteCount(21 << 20), ..Tally::default() }
    }

    fn cause() -> Cause {
        Cause {
            kind: FailureKind::FileMissing,
            bookings: 4,
            cause: FailureKind::FileMissing.cause(),
            next_step: FailureKind::FileMissing.step(),
            first: vec!["B-1".to_owned(), "B-2".to_owned(), "B-3".to_owned()],
            message: "404".to_owned(),
        }
    }

    #[test]
    fn all_well_is_one_line_and_two_numbers() {
        let ending = RunOutcome { tally: tally(), elapsed: Duration::from_secs(4), ..RunOutcome::default() };
        assert_eq!(ending.exit(), Exit::Well);
        insta::assert_snapshot!(ending.page());
        let json = ending.json();
        assert_eq!((&json["ok"], &json["archived"], &json["elapsed_ms"]), (&json!(true), &json!(40), &json!(4000)));
    }

    #[test]
    fn failures_are_told_by_cause_with_what_to_do() {
        let alarm = AlarmEntry {
            kind: AlarmKind::DriveFull,
            subject: "/mnt/backup".to_owned(),
            since: "2026-11-20T23:00:00Z".parse().unwrap(),
            message: "the drive at /mnt/backup has 1.9 GiB free: 4.0 MiB would leave less than the reserve".to_owned(),
            next_step: "make room on it".to_owned(),
            position: strongroom_model::Position(9),
            cleared: None,
        };
        let ending = RunOutcome {
            tally: Tally {
                archived: 36,
                retries: BTreeMap::from([(FailureKind::CutShort, 1)]),
                unusable: 1,
                rejected: vec![Rejected { booking: "../x".to_owned(), reason: "it is not a booking id".to_owned() }],
                ..tally()
            },
            elapsed: Duration::from_secs(4),
            causes: vec![cause()],
            alarms: vec![alarm],
            later: 2,
            ..RunOutcome::default()
        };
        assert_eq!(ending.exit(), Exit::Problems);
        insta::assert_snapshot!(ending.page());
        let json = ending.json();
        assert_eq!((&json["ok"], &json["causes"][0]["bookings"]), (&json!(false), &json!(4)));
        assert_eq!((&json["retries"]["cut-short"], &json["alarms"][0]["kind"]), (&json!(1), &json!("drive-full")));
    }

    #[test]
    fn a_journal_gets_one_sentence_and_the_next_step() {
        let site = "kestrel".parse().unwrap();
        let ending = RunOutcome { causes: vec![cause()], later: 2, ..RunOutcome::default() };
        insta::assert_snapshot!(ending.brief(&site), @"
        strongroom: site kestrel: Nothing was backed up; 4 need a person, 2 left for the next run: the server has no file for the booking (B-1, B-2, B-3, …).
          next: find out on the server what became of the file; upload it again, then run `strongroom retry`
        ");
        let ending =
            RunOutcome { troubles: vec!["The list is empty.\n  next: run again".to_owned()], later: 1, ..ending };
        assert!(ending.brief(&site).contains(" (and 1 more: strongroom status)."), "{}", ending.brief(&site));
        let ending = RunOutcome { later: 3, ..RunOutcome::default() };
        assert_eq!(ending.brief(&site), "strongroom: site kestrel: Nothing was backed up; 3 left for the next run.\n");
    }

    #[test]
    fn r8_zero_is_stated_with_its_reason() {
        let ending = RunOutcome { zero: Some("nothing waits on the server".to_owned()), ..RunOutcome::default() };
        assert_eq!(ending.exit(), Exit::Well);
        assert!(ending.page().starts_with("Nothing to back up: nothing waits on the server."), "{}", ending.page());
    }

    #[test]
    fn r8_a_run_that_could_do_nothing_does_not_say_that_there_was_nothing_to_do() {
        let ending = RunOutcome { later: 3, ..RunOutcome::default() };
        assert!(ending.page().starts_with("Nothing was backed up; 3 left for the next run."), "{}", ending.page());
    }

    #[test]
    fn a_run_that_was_stopped_is_no_success() {
        assert_eq!(RunOutcome { stopped: true, ..RunOutcome::default() }.exit(), Exit::Failed);
    }
}
