//! `strongroom replay`: what happened, from the log alone.

use strongroom_audit::{AsOf, Ending, Life, Query, Replay};
use strongroom_model::BookingId;
use strongroom_model::event::ReadBack;
use strongroom_model::text::printable;
use strongroom_service::Config;

use super::log::line;
use crate::exit::Exit;
use crate::out::Out;
use crate::site;
use crate::trouble::Trouble;

/// How many characters of a name or path are shown: longer ones are rare, and hostile.
const FILENAME_CHARS: usize = 300;

/// Tells from the log alone what happened, a sentence for each event
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom replay                             the whole log, then how the bookings stand
  strongroom replay --booking B-1001            one booking's life, with the proof of its copy
  strongroom replay --as-of 2026-11-20T23:00Z   as it stood at that time
  strongroom replay --as-of 120 --summary       as it stood at position 120, without the sentences

An event that cannot follow what came before it is reported, and the exit code is 1.")]
pub(crate) struct Args {
    /// Stop there: a position, or a time such as 2026-11-20T23:00Z
    #[arg(long, value_name = "TIME|POSITION")]
    as_of: Option<AsOf>,
    /// One booking only
    #[arg(long, value_name = "ID")]
    booking: Option<BookingId>,
    /// Only how everything stands at the end
    #[arg(long)]
    summary: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: &Args, config: &Config, out: &mut Out) -> Result<Exit, Trouble> {
    let log = site::log_to_read(config).await?;
    let query = Query { as_of: args.as_of, booking: args.booking.clone() };
    let mut replay = Replay::start(&log, query).await?;
    let ending =
        if args.json { json(&mut replay, args.summary, out).await? } else { told(&mut replay, args, out).await? };
    out.flush()?;
    if let Some(id) = args.booking.as_ref().filter(|_| ending.events == 0) {
        return Err(Trouble::new(format!("the log knows no booking {id}{}", until(args)))
            .next_step("`strongroom status` says how many it knows; `strongroom log tail` names the newest"));
    }
    Ok(if ending.illegal == 0 { Exit::Well } else { Exit::Failed })
}

/// One JSON object, written as it is read: a log may be larger than memory.
async fn json(replay: &mut Replay, summary: bool, out: &mut Out) -> Result<Ending, Trouble> {
    out.line("{\n\"events\": [")?;
    let mut between = "";
    loop {
        let page = replay.page().await?;
        if page.is_empty() {
            break;
        }
        for step in page.iter().filter(|step| !summary || step.illegal.is_some()) {
            out.raw(format_args!("{between}{}", serde_json::to_string(step)?))?;
            between = ",\n";
        }
    }
    let ending = replay.ending();
    out.raw("\n],\n\"state\": ")?;
    out.json(&ending)?;
    out.line("}")?;
    Ok(ending)
}

async fn told(replay: &mut Replay, args: &Args, out: &mut Out) -> Result<Ending, Trouble> {
    loop {
        let page = replay.page().await?;
        if page.is_empty() {
            break;
        }
        for step in &page {
            if !args.summary {
                out.line(line(step.time, step.position, &step.sentence))?;
            }
            if let Some(why) = &step.illegal {
                out.line(format_args!("    ILLEGAL at #{}: {why}", step.position))?;
            }
        }
    }
    let ending = replay.ending();
    if args.booking.is_none() || ending.events > 0 {
        if !args.summary {
            out.line("")?;
        }
        out.raw(page(&ending, args))?;
    }
    Ok(ending)
}

fn until(args: &Args) -> String {
    args.as_of.map_or_else(String::new, |as_of| format!(" as of {as_of}"))
}

fn page(ending: &Ending, args: &Args) -> String {
    let mut page = match &ending.booking {
        Some(life) => one(life),
        None => all(ending, args),
    };
    if ending.illegal > 0 {
        page += &format!(
            "\n{} of the events cannot follow what came before them: `strongroom log verify` looks closer\n",
            ending.illegal
        );
    }
    page
}

fn all(ending: &Ending, args: &Args) -> String {
    let mut page = format!("site {}{}: {} events", ending.site, until(args), ending.events);
    if let (Some(position), Some(time)) = (ending.position, ending.time) {
        page += &format!(", the last at position {position}, {}", time.strftime("%Y-%m-%d %H:%M:%S UTC"));
    }
    page.push('\n');
    let bookings = &ending.bookings;
    for (what, number) in [
        ("enumerated", bookings.enumerated),
        ("fetched", bookings.fetched),
        ("backed up", bookings.backed_up),
        ("archived", bookings.archived),
        ("purged", bookings.purged),
        ("need attention", bookings.needs_attention),
    ] {
        page += &format!("  {what:<16}{number:>8}\n");
    }
    page
}

fn one(life: &Life) -> String {
    let mut page = format!("booking {}: {}\n", life.id, life.state.replace('_', " "));
    let mut row = |what: &str, value: Option<String>| {
        if let Some(value) = value {
            page += &format!("  {what:<16}{value}\n");
        }
    };
    row("file", life.filename.as_ref().map(|name| printable(name, FILENAME_CHARS)));
    row("size", life.size_bytes.map(|size| format!("{size} ({} bytes)", size.0)));
    row("server held", life.server_digest.as_ref().map(ToString::to_string));
    if let Some(proof) = &life.proof {
        row("copy", Some(printable(&proof.path, FILENAME_CHARS)));
        row("on drive", Some(proof.drive.to_string()));
        row("read back", Some(format!("{} ({})", proof.sha256, how(proof.read_back))));
    }
    row("unproven copy", life.unproven_path.as_ref().map(|path| printable(path, FILENAME_CHARS)));
    row("server's copy", life.archived_path.as_ref().map(|path| printable(path, FILENAME_CHARS)));
    row("failure", life.failure.as_ref().map(|failed| format!("{}: {}", failed.kind.cause(), failed.message)));
    row(
        "what to do",
        life.failure.as_ref().map(|failed| match failed.retry_at {
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
