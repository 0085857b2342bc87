//! `strongroom check-proof`: verifies evidence without log, configuration or network.

use std::io::Read as _;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;
use strongroom_audit::evidence::{Checked, Pack, check};
use strongroom_model::text::printable;
use strongroom_proof::PublicKey;

use crate::cli_error::{CliError, ErrorContext as _};
use crate::exit::Exit;
use crate::out::Out;

/// A pack of the most events, as a page.
const MAX_BYTES: u64 = 1 << 30;

/// How much of a sentence from outside is shown.
const SENTENCE_CHARS: usize = 2_000;

/// Verifies evidence with the site's public key alone
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom check-proof evidence-booking-B-1001.html --key strongroom/kestrel+1f0a9b3c+AekyeR…
  strongroom check-proof evidence-booking-B-1001.json --key-file kestrel.key

Nothing else is read: neither a log nor a configuration, and nothing is asked of anybody. Without a key, the file is
compared with itself: that shows damage, but not who made it, and the exit code is 2.")]
pub(crate) struct Args {
    /// The evidence: the JSON file or the page
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The site's public key, as it was handed to you
    #[arg(long, value_name = "KEY")]
    key: Option<PublicKey>,
    /// A file that holds that key and nothing else
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    key_file: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What was found, for programs.
#[derive(Debug, Serialize)]
struct Report<'a> {
    subject: String,
    site: String,
    sentence: &'a str,
    copies: &'a [strongroom_audit::evidence::Copy],
    events: usize,
    size: u64,
    root: String,
    key: String,
    key_was_given: bool,
    witnesses: Vec<WitnessReport>,
}

#[derive(Debug, Serialize)]
struct WitnessReport {
    key: String,
    seen_at: String,
}

pub(crate) fn run(args: &Args, out: &mut Out) -> Result<Exit, CliError> {
    let what = || format!("the evidence in {} does not hold", args.file.display());
    let text = read(&args.file)?;
    let key = match &args.key_file {
        Some(path) => {
            Some(read(path)?.trim().parse().context(format!("the key in {} cannot be used", path.display()))?)
        }
        None => args.key.clone(),
    };
    let checked = check(&text, key.as_ref()).context_and_step(what(), "ask for it anew; keep this file as it is")?;
    if args.json {
        out.json(&report(&checked))?;
    } else {
        out.raw(page(&checked))?;
    }
    out.flush()?;
    Ok(if checked.key_was_given { Exit::Well } else { Exit::Problems })
}

fn read(path: &std::path::Path) -> Result<String, CliError> {
    let what = || format!("cannot read {}", path.display());
    let mut text = String::new();
    let file = std::fs::File::open(path).context(what())?;
    file.take(MAX_BYTES).read_to_string(&mut text).context(what())?;
    Ok(text)
}

fn report(checked: &Checked) -> Report<'_> {
    let Pack { subject, site, sentence, copies, events, .. } = &checked.pack;
    let head = checked.checkpoint.head;
    Report {
        subject: subject.to_string(),
        site: site.to_string(),
        sentence,
        copies,
        events: events.len(),
        size: head.size,
        root: head.root_base64(),
        key: checked.key.to_string(),
        key_was_given: checked.key_was_given,
        witnesses: checked
            .witnesses
            .iter()
            .map(|(key, time_s)| WitnessReport { key: key.to_string(), seen_at: time(*time_s) })
            .collect(),
    }
}

fn page(checked: &Checked) -> String {
    let pack = &checked.pack;
    let mut page = format!(
        "verified: {} events are in the log of site {}, of which {} events with the root {} are signed by\n{}\n\n{}\n",
        pack.events.len(),
        pack.site,
        checked.checkpoint.head.size,
        checked.checkpoint.head.root_base64(),
        checked.key,
        printable(&pack.sentence, SENTENCE_CHARS)
    );
    for (witness, time_s) in &checked.witnesses {
        page += &format!("cosigned on {} by {witness}\n", time(*time_s));
    }
    if !checked.key_was_given {
        page += "\nUNSURE: that key is the file's own. Compare it with the one that you were given, or say it with --key.\n";
    }
    page
}

fn time(seconds: u64) -> String {
    let at = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    at.map_or_else(|| format!("second {seconds}"), |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}
