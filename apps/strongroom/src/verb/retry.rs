//! `strongroom retry`: gives bookings that need a person back to the pipeline.

use serde::Serialize;
use strongroom_eventlog::{AppendError, EventLog};
use strongroom_model::alarm::Alarm;
use strongroom_model::booking::{Booking, Phase};
use strongroom_model::event::{AlarmKey, AlarmKind, Retried};
use strongroom_model::fold::fold;
use strongroom_model::text::printable;
use strongroom_model::{
    BookingId, BookingStatus, Digest, Event, Expected, FailureKind, NewEvent, Position, StageName, StreamName,
    SubjectKind,
};
use strongroom_service::actor::person;
use strongroom_service::{Clock, Config};
use strongroom_source::{Cause, Source};

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;
use crate::site;

const PAGE_BOOKINGS: usize = 500;
/// How often an append is tried that a stage was faster than.
const TRIES: u32 = 5;
const REASON_CHARS: usize = 500;
/// Why an archived booking without its copy is not given back: its proof must not be reported again, and the server
/// offers it to no run.
const COPY_LOST: &str = "its proven copy is lost: copy the file back from the server's archive to its path on the drive; \
                         the next start reads it and ends the alarm";
/// How many bookings are listed one by one; beyond that they are only counted.
const MAX_LISTED: usize = 50;

/// Gives bookings that needed a person back to the pipeline
#[derive(Debug, clap::Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
Examples:
  strongroom retry --all                        every booking that needs a person
  strongroom retry --all --kind file-missing    only those with that cause
  strongroom retry --booking B-1001 --booking B-1002 --reason \"uploaded again\"

Put the cause right first: strongroom status says what it is. A booking whose copy is proven goes
on from there, if the server's record still has the digest that was proven; any other is listed,
fetched and proven anew by the next run."
)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["booking", "all"]))]
pub(crate) struct Args {
    /// This booking; may be given many times
    #[arg(long, value_name = "ID")]
    booking: Vec<BookingId>,
    /// Every booking that needs a person
    #[arg(long)]
    all: bool,
    /// With --all: only those with this cause, such as file-missing
    #[arg(long, value_name = "KIND", requires = "all", value_parser = kind)]
    kind: Option<FailureKind>,
    /// Why, in your words; it is kept in the log
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

fn kind(code: &str) -> Result<FailureKind, String> {
    FailureKind::ALL.iter().find(|kind| kind.code() == code).copied().ok_or_else(|| {
        let known: Vec<_> = FailureKind::ALL.iter().map(|kind| kind.code()).collect();
        format!("causes are {}", known.join(", "))
    })
}

#[derive(Debug, Default, Serialize)]
struct RetryReport {
    retried: Vec<Given>,
    refused: Vec<Refusal>,
}

#[derive(Debug, Serialize)]
struct Given {
    booking: BookingId,
    /// The stage that continues.
    stage: StageName,
    /// Why its proof could not be compared with the server's record.
    #[serde(skip_serializing_if = "Option::is_none")]
    uncompared: Option<String>,
}

#[derive(Debug, Serialize)]
struct Refusal {
    booking: BookingId,
    reason: String,
}

pub(crate) async fn run(args: &Args, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    // Opened for reading first: a wrong path must not make a log.
    drop(site::log_to_read(config).await?);
    let log = site::log(config).await?;
    let retrier = Retrier {
        log,
        source: site::source(config).map_err(|_| "source.url or its token is not set here".to_owned()),
        clock: Clock::system(),
        reason: args.reason.as_deref().map(|text| printable(text, REASON_CHARS)),
    };
    let mut report = RetryReport::default();
    if args.all {
        retrier.all(args.kind, &mut report).await?;
    }
    for id in &args.booking {
        retrier.one(id, &mut report).await?;
    }
    retrier.log.close().await;
    if args.json {
        out.json(&report)?;
    } else {
        tell(&report, site::next_run(Some(config)), out)?;
    }
    Ok(if report.refused.is_empty() { Exit::Well } else { Exit::Failed })
}

struct Retrier {
    log: EventLog,
    /// Why not, where it is not configured here.
    source: Result<Source, String>,
    clock: Clock,
    reason: Option<String>,
}

impl Retrier {
    async fn all(&self, kind: Option<FailureKind>, report: &mut RetryReport) -> Result<(), CliError> {
        let mut next = Position(0);
        let stuck = BookingStatus::NeedsAttention.label();
        // What is given back loses this status, and what fails again is at a later position: the log's size now is the
        // end.
        let end = Position(self.log.head().await?.size);
        loop {
            let page = self.log.with_status(SubjectKind::Booking, stuck, next, PAGE_BOOKINGS).await?;
            let Some(last) = page.last() else { return Ok(()) };
            next = last.position.next();
            for recorded in
                page.iter().take_while(|stored| stored.position < end).filter_map(|it| self.log.readable(it))
            {
                let of_kind =
                    kind.is_none_or(|kind| recorded.event.failure().is_some_and(|failed| failed.kind == kind));
                if let Some(id) = recorded.stream.as_booking().filter(|_| of_kind) {
                    self.one(&id, report).await?;
                }
            }
        }
    }

    async fn one(&self, id: &BookingId, report: &mut RetryReport) -> Result<(), CliError> {
        match self.give_back(id).await? {
            Ok(given) => report.retried.push(given),
            Err(reason) => report.refused.push(Refusal { booking: id.clone(), reason }),
        }
        Ok(())
    }

    /// The stage that continues, or why the booking is not given back.
    async fn give_back(&self, id: &BookingId) -> Result<Result<Given, String>, CliError> {
        let stream = StreamName::booking(id);
        for _ in 0..TRIES {
            let history = self.log.stream(&stream).await?;
            let Some(last) = history.last() else {
                return Ok(Err("the log knows no such booking; a run claims it when the server lists it".into()));
            };
            let booking: Booking = fold(&history)?;
            if let Some(reason) = refusal(&booking) {
                return Ok(Err(reason));
            }
            if booking.phase == Phase::Archived && self.is_copy_lost(id).await? {
                return Ok(Err(COPY_LOST.to_owned()));
            }
            let (recorded, uncompared) = match self.recorded(id, &booking).await {
                Ok(recorded) => (recorded, None),
                Err(why) => (None, Some(why)),
            };
            let stage = booking.retry_stage(recorded.as_ref());
            let retried = Event::TimesheetRetried(Retried { stage, reason: self.reason.clone() });
            let expected = Expected::After(last.version);
            let event = NewEvent::new(stream.clone(), expected, self.clock.now(), person(), retried);
            match self.log.append(vec![NewEvent { cause: Some(last.id), ..event }]).await {
                Ok(_) => return Ok(Ok(Given { booking: id.clone(), stage, uncompared })),
                Err(AppendError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Err("it changes all the time: a run is working on it".into()))
    }

    /// Whether the drive was found without its proven copy since.
    async fn is_copy_lost(&self, id: &BookingId) -> Result<bool, CliError> {
        let key = AlarmKey::new(AlarmKind::CopyLost, id);
        let alarm: Alarm = fold(&self.log.stream(&StreamName::alarm(&key)).await?)?;
        Ok(alarm.raised.is_some())
    }

    /// The digest in the server's record, where a proof is to be compared with it. Without one the proof is reported
    /// again, and the server decides.
    async fn recorded(&self, id: &BookingId, booking: &Booking) -> Result<Option<Digest>, String> {
        if booking.phase < Phase::BackedUp {
            return Ok(None);
        }
        let source = self.source.as_ref().map_err(Clone::clone)?;
        match source.booking(id).await {
            Ok(info) => Ok(info.timesheet.and_then(|timesheet| timesheet.digest.parse().ok())),
            Err(error) if matches!(*error.cause, Cause::Missing { .. }) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }
}

fn refusal(booking: &Booking) -> Option<String> {
    // An archived booking may be one that the server has forgotten.
    if booking.needs_attention() || booking.phase == Phase::Archived {
        return None;
    }
    Some(match (&booking.failure, booking.phase) {
        (Some(failed), _) => format!(
            "it is tried again by itself{}",
            failed.retry_at.map_or_else(String::new, |due| format!(" at {}", due.strftime("%Y-%m-%d %H:%M:%S UTC")))
        ),
        (None, Phase::New) => "it was given back already: the next run claims it".to_owned(),
        (None, Phase::Purged) => "the server's copy was deleted by an approved purge".to_owned(),
        (None, _) => "it does not need a person: it is in progress".to_owned(),
    })
}

fn tell(report: &RetryReport, next: &str, out: &mut Out) -> Result<(), CliError> {
    for given in report.retried.iter().take(MAX_LISTED) {
        let onward = match given.stage {
            StageName::Enumerate => "the next run claims it",
            _ => "its proof is reported to the server again",
        };
        out.line(format_args!("{}: given back; {onward}", given.booking))?;
        if let Some(why) = &given.uncompared {
            out.line(format_args!(
                "  its proof was not compared with the server's record ({why}): if that was corrected, retry once more later"
            ))?;
        }
    }
    if report.retried.len() > MAX_LISTED {
        out.line(format_args!("… and {} more", report.retried.len() - MAX_LISTED))?;
    }
    for refusal in &report.refused {
        out.line(format_args!("{}: not given back: {}", refusal.booking, refusal.reason))?;
    }
    match (report.retried.len(), report.refused.len()) {
        (0, 0) => out.line("no booking needs a person: nothing to give back"),
        (0, _) => Ok(()),
        (given, _) => out.line(format_args!("{given} given back; next: {next}")),
    }
}

#[cfg(test)]
mod tests {
    use strongroom_model::event::Failed;

    use super::*;

    fn failed(retry_at: Option<&str>) -> Booking {
        let failure = Failed {
            stage: StageName::Fetch,
            kind: FailureKind::FileMissing,
            message: "404".to_owned(),
            attempt: 1,
            retry_at: retry_at.map(|text| text.parse().unwrap()),
            digest: None,
            next_step: None,
            quarantined: None,
            reached: Vec::new(),
        };
        Booking { phase: Phase::Enumerated, failure: Some(failure), ..Booking::default() }
    }

    #[test]
    fn only_what_needs_a_person_is_given_back() {
        assert_eq!(refusal(&failed(None)), None);
        let waits = refusal(&failed(Some("2026-11-20T23:00:30Z"))).unwrap();
        assert_eq!(waits, "it is tried again by itself at 2026-11-20 23:00:30 UTC");
        for phase in [Phase::New, Phase::Enumerated, Phase::Fetched, Phase::BackedUp, Phase::Purged] {
            assert!(refusal(&Booking { phase, ..Booking::default() }).is_some(), "{phase:?}");
        }
    }

    #[test]
    fn an_archived_booking_may_be_told_to_the_server_again() {
        assert_eq!(refusal(&Booking { phase: Phase::Archived, ..Booking::default() }), None);
    }

    #[test]
    fn a_cause_that_does_not_exist_lists_those_that_do() {
        assert_eq!(kind("file-missing"), Ok(FailureKind::FileMissing));
        assert!(kind("file-misssing").unwrap_err().contains("file-missing, record-wrong"));
    }
}
