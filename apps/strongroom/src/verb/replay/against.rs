//! What the log says, compared with what is there.

use jiff::tz::TimeZone;
use strongroom_audit::{AgainstServer, Difference, DifferenceCounts};
use strongroom_eventlog::EventLog;
use strongroom_model::SiteId;
use strongroom_model::text::{grouped, shown};
use strongroom_service::Config;

use super::Args;
use crate::cli_error::CliError;
use crate::csv;
use crate::exit::Exit;
use crate::out::Out;
use crate::site;

pub(super) async fn show(log: &EventLog, args: &Args, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let source = site::source(config)?;
    let mut comparison = AgainstServer::start(log, &source).await?;
    let heading = Heading { site: log.site().clone(), against: source.server(), size: comparison.size() };
    let zone = config.zone();
    let mut report = Report::begin(heading, args, &zone, out)?;
    while let Some(page) = comparison.page().await.map_err(|error| incomplete(&error))? {
        report.differences(&page)?;
    }
    report.end(&comparison.counts())
}

pub(super) fn incomplete(error: &dyn std::error::Error) -> CliError {
    CliError::new("the comparison is not complete").because(error).next_step(
        "what is above was found until then; `strongroom doctor` looks at the connections, then compare again",
    )
}

/// What is compared.
pub(super) struct Heading {
    pub(super) site: SiteId,
    pub(super) against: String,
    /// The log's number of events.
    pub(super) size: u64,
}

/// Written as it is found: a comparison may have more differences than fit into memory.
pub(super) struct Report<'a> {
    args: &'a Args,
    zone: &'a TimeZone,
    out: &'a mut Out,
    between: &'static str,
}

impl<'a> Report<'a> {
    pub(super) fn begin(
        heading: Heading,
        args: &'a Args,
        zone: &'a TimeZone,
        out: &'a mut Out,
    ) -> Result<Self, CliError> {
        let Heading { site, against, size } = heading;
        if args.json {
            let against = serde_json::to_string(&against)?;
            let head =
                format_args!("{{\n\"site\": \"{site}\",\n\"against\": {against},\n\"size\": {size},\n\"items\": [");
            out.raw(head)?;
        } else if args.csv {
            out.line("kind,subject,what,log,found,position,event,time")?;
        } else {
            out.line(format_args!("site {site}: {} events against {against}", grouped(size)))?;
        }
        Ok(Self { args, zone, out, between: "\n" })
    }

    pub(super) fn differences(&mut self, page: &[Difference]) -> Result<(), CliError> {
        for one in page {
            if self.args.json {
                self.out.raw(format_args!("{}{}", self.between, serde_json::to_string(one)?))?;
                self.between = ",\n";
            } else if self.args.csv {
                self.out.line(csv::row(cells(one)))?;
            } else {
                self.out.line(line(one, self.zone))?;
            }
        }
        Ok(())
    }

    pub(super) fn end(&mut self, counts: &DifferenceCounts) -> Result<Exit, CliError> {
        if self.args.json {
            self.out.raw("\n],\n\"counts\": ")?;
            self.out.json(counts)?;
            self.out.line("}")?;
        } else if !self.args.csv {
            self.out.line(verdict(counts))?;
        }
        Ok(if counts.is_same() { Exit::Well } else { Exit::Problems })
    }
}

fn cells(one: &Difference) -> Vec<String> {
    let event = one.event.as_ref();
    vec![
        one.kind.label().to_owned(),
        one.subject.clone(),
        one.what.to_owned(),
        one.log.clone().unwrap_or_default(),
        one.found.clone().unwrap_or_default(),
        event.map_or_else(String::new, |event| event.position.to_string()),
        event.map_or_else(String::new, |event| event.event.to_string()),
        event.map_or_else(String::new, |event| event.time.to_string()),
    ]
}

fn line(one: &Difference, zone: &TimeZone) -> String {
    let claim = match (&one.log, &one.found) {
        (Some(log), Some(found)) => format!("the log says {log}, found {found}"),
        (Some(log), None) => format!("the log says {log}, nothing was found"),
        (None, Some(found)) => format!("found {found}, the log says nothing"),
        (None, None) => "differs".to_owned(),
    };
    let event = one.event.as_ref().map_or_else(String::new, |event| {
        format!(" (#{} at {}, event {})", event.position, shown(event.time, zone), event.event)
    });
    format!("{:<8} {}: {}: {claim}{event}", one.kind.label(), one.subject, one.what)
}

fn verdict(counts: &DifferenceCounts) -> String {
    let compared = grouped(counts.compared);
    if counts.is_same() {
        return format!("{compared} compared: no difference");
    }
    let DifferenceCounts { missing, extra, changed, .. } = *counts;
    format!("{compared} compared: {} missing, {} extra, {} changed", grouped(missing), grouped(extra), grouped(changed))
}

#[cfg(test)]
mod tests {
    use strongroom_audit::EventRef;
    use strongroom_model::Position;

    use super::*;

    #[test]
    fn each_difference_names_the_event_that_says_otherwise() {
        let event = EventRef {
            position: Position(7),
            event: "0197c1f0-7c1e-7d3a-9b7e-2f1f0c5d8a01".parse().unwrap(),
            time: "2026-11-20T23:00:00Z".parse().unwrap(),
        };
        let lines = [
            Difference::missing("B-1", "booking", "archived", Some(event)),
            Difference::changed("B-2", "state", "archived", "signed-off", Some(event)),
            Difference::extra("B-3\u{1b}[2J", "booking", "archived"),
        ]
        .map(|one| line(&one, &TimeZone::UTC));
        insta::assert_snapshot!(lines.join("\n"), @r"
        missing  B-1: booking: the log says archived, nothing was found (#7 at 2026-11-20 23:00:00 UTC, event 0197c1f0-7c1e-7d3a-9b7e-2f1f0c5d8a01)
        changed  B-2: state: the log says archived, found signed-off (#7 at 2026-11-20 23:00:00 UTC, event 0197c1f0-7c1e-7d3a-9b7e-2f1f0c5d8a01)
        extra    B-3\u{1b}[2J: booking: found archived, the log says nothing
        ");
    }
}
