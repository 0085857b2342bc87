//! `strongroom log verify`: whether the log is what it was, by itself and by what was kept outside of it.

mod evidence;

use std::path::PathBuf;

use strongroom_audit::{KnownRoot, VerifyReport};
use strongroom_eventlog::EventLog;
use strongroom_proof::{Head, ParseKeyError, PublicKey};
use strongroom_service::Config;

use self::evidence::{Keys, Trusted, from_drive, from_file, from_mail};
use crate::checkpoint;
use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::known_keys::KnownKeys;
use crate::out::Out;
use crate::witnesses::witness_keys;

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("signed").multiple(true), after_help = "\
Examples:
  strongroom log verify                         by itself, its summaries, and what is kept on this host
  strongroom log verify --checkpoint FILE       and against a checkpoint that was kept elsewhere
  strongroom log verify --mail night.eml        against the one that is attached to a saved mail
  strongroom log verify --drive /mnt/backup     against the one on a drive that came back
  strongroom log verify --key KEY --mail F.eml  which that key must have signed

Without --key, a checkpoint must be signed by a key that the log itself names: whoever rewrote the
log can have replaced that too. Give the key that you were handed when it was made.")]
pub(super) struct Args {
    /// A size and root that was written down earlier, as a summary mail has it; may be given many times
    #[arg(long, value_name = "SIZE:ROOT")]
    against: Vec<Head>,
    /// A file with a signed checkpoint; may be given many times
    #[arg(long, value_name = "FILE", group = "signed")]
    checkpoint: Vec<PathBuf>,
    /// A summary's mail, saved as a file; may be given many times
    #[arg(long, value_name = "FILE", group = "signed")]
    mail: Vec<PathBuf>,
    /// The folder where a drive is mounted, whose checkpoint is compared; may be given many times
    #[arg(long, value_name = "FOLDER", group = "signed")]
    drive: Vec<PathBuf>,
    /// The site's public key, as `strongroom key show` printed it; may be given many times
    #[arg(long, value_name = "KEY", requires = "signed")]
    key: Vec<String>,
    /// The public key of a witness that must have cosigned each checkpoint that is given; may be given many times
    #[arg(long, value_name = "KEY", requires = "signed")]
    witness: Vec<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: &Args, log: &EventLog, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let given: Vec<PublicKey> = args
        .key
        .iter()
        .map(|key| key.parse())
        .collect::<Result<_, _>>()
        .map_err(|error: ParseKeyError| CliError::usage_error(error.to_string()))?;
    let keys = if given.is_empty() { Keys::OfLog(KnownKeys::read(log).await?) } else { Keys::Given(given) };
    let trusted = Trusted { site: log.site(), keys, witnesses: witness_keys(&args.witness)? };
    let mut known: Vec<_> =
        args.against.iter().map(|head| KnownRoot { head: *head, known_to: "--against".to_owned() }).collect();
    for path in &args.checkpoint {
        known.push(from_file(path, &trusted)?);
    }
    for path in &args.mail {
        known.push(from_mail(path, &trusted)?);
    }
    for root in &args.drive {
        known.push(from_drive(root, &trusted)?);
    }
    let kept = checkpoint::kept(config, log.site()).await.into_iter();
    known.extend(kept.map(|(known_to, kept)| KnownRoot { head: kept.checkpoint().head, known_to }));
    let report = strongroom_audit::verify(log, &known).await?;
    if args.json {
        out.json(&report)?;
    } else {
        out.raw(page(&report))?;
    }
    out.flush()?;
    Ok(if report.ok { Exit::Well } else { Exit::Failed })
}

fn page(report: &VerifyReport) -> String {
    let mut page = format!("log of site {}: {} events\nroot {}\n", report.site, report.size, report.root);
    if let Some(bad) = &report.first_bad {
        page += &format!(
            "DAMAGED: {}\nNext: keep the log as it is, restore the newest backup of it beside it, and compare the two\n\
             with `strongroom log export`. If an older copy was restored because there is no newer one:\n\
             strongroom log adopt --reason TEXT\n\
             What is on the drives is proven by their manifests all the same.\n",
            bad.reason
        );
    }
    for bad in &report.illegal_events {
        page += &format!("ILLEGAL EVENT: position {}: {}\n", bad.position, bad.reason);
    }
    if report.illegal > report.illegal_events.len() as u64 {
        page += &format!("… and {} more\n", report.illegal - report.illegal_events.len() as u64);
    }
    if report.unknown > 0 {
        page += &format!("{} events are of types that only a newer version can read\n", report.unknown);
    }
    if report.ok {
        page +=
            "verified: every byte is what was stored, the tree has that root, and every event follows the one before\n";
        page += &match report.roots {
            0 => "no root that was written down earlier is known here: give one with --against\n".to_owned(),
            1 => "the one root that was written down earlier and is known here is the log's own\n".to_owned(),
            roots => format!("all {roots} roots that were written down earlier and are known here are the log's own\n"),
        };
    }
    page
}
