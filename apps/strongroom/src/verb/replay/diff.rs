//! What changed between two moments.

use jiff::tz::TimeZone;
use strongroom_audit::{AsOf, Change, ChangeCount, ChangeKind, Diff, MAX_PAGE, PageRequest};
use strongroom_eventlog::EventLog;
use strongroom_model::text::{grouped, shown};

use super::Args;
use crate::cli_error::CliError;
use crate::csv;
use crate::exit::Exit;
use crate::out::Out;

pub(super) async fn show(
    log: &EventLog,
    moments: &[AsOf],
    args: &Args,
    zone: &TimeZone,
    out: &mut Out,
) -> Result<Exit, CliError> {
    let &[from, to] = moments else {
        return Err(CliError::usage_error("--diff takes two moments, such as --diff 120 240"));
    };
    let sizes = (from.size(log).await?, to.size(log).await?);
    if sizes.0 > sizes.1 {
        return Err(CliError::usage_error(format!("{from} is after {to}")).next_step("name the earlier moment first"));
    }
    if args.csv {
        return csv(log, sizes, out).await;
    }
    let diff = Diff::read(log, sizes.0, sizes.1, &args.page()).await?;
    if args.json {
        out.json(&diff)?;
    } else {
        text(&diff, (from, to), zone, out)?;
    }
    Ok(Exit::Well)
}

async fn csv(log: &EventLog, (from, to): (u64, u64), out: &mut Out) -> Result<Exit, CliError> {
    out.line("kind,subject,change,before,after,events,position,time")?;
    let mut page = PageRequest { limit: MAX_PAGE, ..PageRequest::default() };
    loop {
        let diff = Diff::read(log, from, to, &page).await?;
        for one in &diff.items {
            out.line(csv::row([
                one.subject.kind().name().to_owned(),
                one.subject.id().to_owned(),
                one.change.label().to_owned(),
                one.before.clone().unwrap_or_default(),
                one.after.clone().unwrap_or_default(),
                one.events.to_string(),
                one.position.to_string(),
                one.changed_at.to_string(),
            ]))?;
        }
        let Some(next) = diff.next else { return Ok(Exit::Well) };
        page.after = Some(next);
    }
}

fn text(diff: &Diff, (from, to): (AsOf, AsOf), zone: &TimeZone, out: &mut Out) -> Result<(), CliError> {
    let events = diff.to_size - diff.from_size;
    out.line(format_args!("site {}, from {from} to {to}: {} events", diff.site, grouped(events)))?;
    if diff.counts.is_empty() {
        out.line("nothing changed")?;
    }
    for count in &diff.counts {
        out.line(format_args!("  {:>8}  {}", grouped(count.subjects), counted(count)))?;
    }
    if diff.unreadable > 0 {
        out.line(format_args!("  {:>8}  events can be read only by a newer version", grouped(diff.unreadable)))?;
    }
    out.line("")?;
    for one in &diff.items {
        out.line(change(one, zone))?;
    }
    match diff.next {
        Some(next) => out.line(format_args!("there are more: add --after {next}")),
        None => Ok(()),
    }
}

fn counted(count: &ChangeCount) -> String {
    format!("{}: {}", count.kind, moved(count.change, count.before.as_deref(), count.after.as_deref()))
}

fn change(one: &Change, zone: &TimeZone) -> String {
    let moved = moved(one.change, one.before.as_deref(), one.after.as_deref());
    let at = shown(one.changed_at, zone);
    format!("{}: {moved} ({} events, the last #{} at {at})", one.subject, one.events, one.position)
}

fn moved(change: ChangeKind, before: Option<&str>, after: Option<&str>) -> String {
    match (change, before, after) {
        (ChangeKind::New, _, Some(after)) => format!("new, {after}"),
        (ChangeKind::New, _, None) => "new".to_owned(),
        (ChangeKind::Status, before, after) => {
            format!("{} -> {}", before.unwrap_or("no status"), after.unwrap_or("no status"))
        }
        (ChangeKind::Events, _, Some(after)) => format!("still {after}"),
        (ChangeKind::Events, _, None) => "new events".to_owned(),
    }
}
