//! The events themselves, a sentence for each, then the state.

use strongroom_audit::{BookingState, EventEntry, MAX_PAGE, PageRequest, Replay, ReplayTotals, Story, ViewError};
use strongroom_eventlog::EventLog;
use strongroom_model::event::ReadBack;
use strongroom_model::text::printable;
use strongroom_model::{BookingCounts, BookingStatus, Position, StreamName};

use super::super::log::line;
use super::super::status::page::count_rows;
use super::Args;
use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;

/// How many characters of a name or path are shown: longer ones are rare, and hostile.
const FILENAME_CHARS: usize = 300;

/// Of the first `size` events, or of all.
pub(super) async fn show(log: &EventLog, size: Option<u64>, args: &Args, out: &mut Out) -> Result<Exit, CliError> {
    let mut pages = match (&args.booking, &args.stream) {
        (Some(id), _) => Pages::of_one(log, size, StreamName::booking(id), args).await?,
        (None, Some(stream)) => Pages::of_one(log, size, stream.clone(), args).await?,
        (None, None) => Pages::All { replay: Replay::start(log, size), illegal_only: args.summary },
    };
    let totals = if args.json { json(&mut pages, args, out).await? } else { text(&mut pages, args, out).await? };
    Ok(if totals.illegal == 0 { Exit::Well } else { Exit::Failed })
}

/// What is replayed, page by page: a log may be larger than memory.
enum Pages<'a> {
    All { replay: Replay, illegal_only: bool },
    One { log: &'a EventLog, story: Box<Story>, is_first: bool },
}

impl<'a> Pages<'a> {
    async fn of_one(log: &'a EventLog, size: Option<u64>, stream: StreamName, args: &Args) -> Result<Self, CliError> {
        let as_of = match size {
            None => None,
            Some(size) => Some(size.checked_sub(1).map(Position).ok_or_else(|| unknown(&stream, args))?),
        };
        let request = PageRequest { as_of, limit: MAX_PAGE, after: None };
        match Story::read(log, &stream, &request).await {
            Ok(story) => Ok(Self::One { log, story: Box::new(story), is_first: true }),
            Err(ViewError::UnknownSubject { .. }) => Err(unknown(&stream, args)),
            Err(error) => Err(error.into()),
        }
    }

    async fn next(&mut self) -> Result<Option<Vec<EventEntry>>, CliError> {
        let page = match self {
            Self::All { replay, illegal_only: true } => replay.illegal_page().await?,
            Self::All { replay, .. } => replay.page().await?,
            Self::One { log, story, is_first } => {
                if !std::mem::take(is_first) {
                    let Some(after) = story.next else { return Ok(None) };
                    let request = PageRequest { as_of: story.as_of, after: Some(after), limit: MAX_PAGE };
                    **story = Story::read(log, &story.subject, &request).await?;
                }
                std::mem::take(&mut story.events)
            }
        };
        Ok(Some(page).filter(|page| !page.is_empty()))
    }

    fn totals(&self, last: Option<&EventEntry>) -> ReplayTotals {
        match self {
            Self::All { replay, .. } => replay.totals(),
            Self::One { story, .. } => {
                let mut bookings = BookingCounts::default();
                if let Some(status) = story.status.as_deref().and_then(BookingStatus::from_label) {
                    bookings.add(status);
                }
                ReplayTotals {
                    site: story.site.clone(),
                    events: story.total,
                    position: last.map(|last| last.position),
                    time: last.map(|last| last.time),
                    bookings,
                    booking: story.booking.clone(),
                    illegal: story.illegal,
                }
            }
        }
    }
}

fn unknown(stream: &StreamName, args: &Args) -> CliError {
    let (kind, id) = (stream.kind().name(), stream.id());
    CliError::new(format!("the log knows no {kind} {id}{}", until(args)))
        .next_step("`strongroom status` says how many it knows; `strongroom log tail` names the newest")
}

/// One JSON object, written as it is read.
async fn json(pages: &mut Pages<'_>, args: &Args, out: &mut Out) -> Result<ReplayTotals, CliError> {
    out.line("{\n\"events\": [")?;
    let (mut between, mut last) = ("", None);
    while let Some(page) = pages.next().await? {
        for entry in page.iter().filter(|entry| !args.summary || entry.illegal.is_some()) {
            out.raw(format_args!("{between}{}", serde_json::to_string(entry)?))?;
            between = ",\n";
        }
        last = page.into_iter().last();
    }
    let totals = pages.totals(last.as_ref());
    out.raw("\n],\n\"state\": ")?;
    out.json(&totals)?;
    out.line("}")?;
    Ok(totals)
}

async fn text(pages: &mut Pages<'_>, args: &Args, out: &mut Out) -> Result<ReplayTotals, CliError> {
    let mut last = None;
    while let Some(page) = pages.next().await? {
        for entry in &page {
            if !args.summary {
                let unreadable = entry.unreadable.as_deref().unwrap_or_default();
                out.line(line(entry.time, entry.position, entry.sentence.as_deref().unwrap_or(unreadable)))?;
            }
            if let Some(why) = &entry.illegal {
                out.line(format_args!("    ILLEGAL at #{}: {why}", entry.position))?;
            }
        }
        last = page.into_iter().last();
    }
    let totals = pages.totals(last.as_ref());
    if !args.summary {
        out.line("")?;
    }
    match pages {
        Pages::One { story, .. } if story.booking.is_none() => {
            let status = story.status.as_deref().unwrap_or("no status");
            out.line(format_args!("{}{}: {status}, {} events", story.subject, until(args), story.total))?;
        }
        _ => out.raw(page(&totals, args))?,
    }
    Ok(totals)
}

fn until(args: &Args) -> String {
    args.as_of.map_or_else(String::new, |as_of| format!(" as of {as_of}"))
}

fn page(totals: &ReplayTotals, args: &Args) -> String {
    let mut page = match &totals.booking {
        Some(booking) => one(booking),
        None => all(totals, args),
    };
    if totals.illegal > 0 {
        page += &format!(
            "\n{} of the events cannot follow what came before them: `strongroom log verify` looks closer\n",
            totals.illegal
        );
    }
    page
}

fn all(totals: &ReplayTotals, args: &Args) -> String {
    let mut page = format!("site {}{}: {} events", totals.site, until(args), totals.events);
    if let (Some(position), Some(time)) = (totals.position, totals.time) {
        page += &format!(", the last at position {position}, {}", time.strftime("%Y-%m-%d %H:%M:%S UTC"));
    }
    page.push('\n');
    for (what, number) in count_rows(&totals.bookings) {
        page += &format!("  {what:<16}{number:>8}\n");
    }
    page
}

fn one(booking: &BookingState) -> String {
    let mut page = format!("booking {}: {}\n", booking.id, booking.state.replace('_', " "));
    let mut row = |what: &str, value: Option<String>| {
        if let Some(value) = value {
            page += &format!("  {what:<16}{value}\n");
        }
    };
    row("file", booking.filename.as_ref().map(|name| printable(name, FILENAME_CHARS)));
    row("size", booking.size_bytes.map(|size| format!("{size} ({} bytes)", size.0)));
    row("server held", booking.server_digest.as_ref().map(ToString::to_string));
    if let Some(proof) = &booking.proof {
        row("copy", Some(printable(&proof.path, FILENAME_CHARS)));
        row("on drive", Some(proof.drive.to_string()));
        row("read back", Some(format!("{} ({})", proof.sha256, how(proof.read_back))));
    }
    row("unproven copy", booking.unproven_path.as_ref().map(|path| printable(path, FILENAME_CHARS)));
    row("server's copy", booking.archived_path.as_ref().map(|path| printable(path, FILENAME_CHARS)));
    row("failure", booking.failure.as_ref().map(|failed| format!("{}: {}", failed.kind.cause(), failed.message)));
    row(
        "what to do",
        booking.failure.as_ref().map(|failed| match failed.retry_at {
            Some(due) => format!("nothing: it is tried again at {}", due.strftime("%Y-%m-%d %H:%M:%S UTC")),
            None => failed.kind.step().to_owned(),
        }),
    );
    page
}

const fn how(read_back: ReadBack) -> &'static str {
    match read_back {
        ReadBack::Direct => "from the device, past the page cache",
        ReadBack::CacheDropped => "from the device, after the page cache was dropped",
        ReadBack::Cached => "perhaps from the page cache",
    }
}
