//! `strongroom check-proof`: verifies evidence without log, configuration or network.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;
use strongroom_audit::evidence::{Checked, Cosigned, Pack, check};
use strongroom_model::text::printable;
use strongroom_proof::{ParseKeyError, PublicKey};

use crate::cli_error::{CliError, ErrorContext as _};
use crate::exit::Exit;
use crate::out::Out;
use crate::witnesses::witness_keys;

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

Nothing else is read, neither a log nor a configuration, and no network is used. Without a key, the
file is compared with itself: that shows damage, but not who made it, and the exit code is 2.")]
pub(crate) struct Args {
    /// The evidence: the JSON file or the page
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The site's public key, as it was handed to you
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// A file that holds that key and nothing else
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    key_file: Option<PathBuf>,
    /// The public key of a witness that must have cosigned it; may be given many times
    #[arg(long, value_name = "KEY")]
    witness: Vec<String>,
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
    cosigned: Vec<CosignedBy>,
}

/// A witness that cosigned it.
#[derive(Debug, Serialize)]
struct CosignedBy {
    key: String,
    at: Option<Timestamp>,
    key_was_given: bool,
}

pub(crate) fn run(args: &Args, out: &mut Out) -> Result<Exit, CliError> {
    let what = || format!("the evidence in {} cannot be verified", args.file.display());
    let text = read(&args.file)?;
    let key = match &args.key_file {
        Some(path) => Some(key(&read(path)?).context(format!("the key in {} cannot be used", path.display()))?),
        None => args.key.as_deref().map(key).transpose().map_err(|error| CliError::usage_error(error.to_string()))?,
    };
    let checked = check(&text, key.as_ref(), &witness_keys(&args.witness)?)
        .context_and_step(what(), "request a new file; keep this one unchanged")?;
    if args.json {
        out.json(&report(&checked))?;
    } else {
        out.raw(page(&checked))?;
    }
    out.flush()?;
    Ok(if checked.key_was_given { Exit::Well } else { Exit::Problems })
}

fn key(text: &str) -> Result<PublicKey, ParseKeyError> {
    text.trim().parse()
}

fn read(path: &Path) -> Result<String, CliError> {
    let what = || format!("cannot read {}", path.display());
    let found = std::fs::metadata(path).context_and_step(what(), "name the file that was given to you")?;
    if !found.is_file() || found.len() > MAX_BYTES {
        return Err(CliError::new(format!("{}: it is not a plain file of up to {MAX_BYTES} bytes", what())));
    }
    std::fs::read_to_string(path).context(what())
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
        cosigned: checked.cosigned.iter().map(cosigned_by).collect(),
    }
}

fn cosigned_by(cosigned: &Cosigned) -> CosignedBy {
    let at = i64::try_from(cosigned.at_s).ok().and_then(|at| Timestamp::from_second(at).ok());
    CosignedBy { key: cosigned.witness.to_string(), at, key_was_given: cosigned.key_was_given }
}

fn page(checked: &Checked) -> String {
    let pack = &checked.pack;
    let mut page = format!(
        "verified: {} events are in the log of site {} (size {}, root {}), signed by\n{}\n\n{}\n",
        pack.events.len(),
        pack.site,
        checked.checkpoint.head.size,
        checked.checkpoint.head.root_base64(),
        checked.key,
        printable(&pack.sentence, SENTENCE_CHARS)
    );
    for cosigned in checked.cosigned.iter().map(cosigned_by) {
        let at = cosigned
            .at
            .map_or_else(|| "an unknown time".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string());
        let own = if cosigned.key_was_given {
            ""
        } else {
            "\n(not confirmed: that key is the file's own; give yours with --witness)"
        };
        page += &format!("\ncosigned at {at} by the witness\n{}{own}\n", cosigned.key);
    }
    if !checked.key_was_given {
        page += "\nNOT CONFIRMED: that key is the file's own. Compare it with the one that you were given, or pass it with --key.\n";
    }
    page
}
