//! `strongroom prove`: evidence that an outsider verifies.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use strongroom_audit::evidence::{self, Subject};
use strongroom_model::{Algorithm, BookingId, Digest, DriveId, Hasher, Month, PurgeId};
use strongroom_service::{Config, private_files};

use crate::checkpoint::{now, refuse_rewound, signed};
use crate::cli_error::{CliError, ErrorContext as _};
use crate::exit::Exit;
use crate::known_keys::signing_key;
use crate::out::Out;
use crate::site;
use crate::witnesses::Cosigners;

const READ_BYTES: usize = 256 * 1024;

/// Writes evidence about a booking, a file, a drive, a month or a purge
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  strongroom prove booking B-1001               evidence-booking-B-1001.json and .html, in this folder
  strongroom prove file 'week 47.pdf'           what is known of a file with these bytes
  strongroom prove month 2026-11 --to /tmp      the copies in that month's folder, in /tmp
  strongroom prove purge 2026-Q4                who agreed to it, and the proofs it rested on
  strongroom check-proof evidence-booking-B-1001.html --key KEY

The page is for reading and printing; both files hold the same: events in their exact bytes,
proofs that they are in the log, and its size and root, signed by the site's key. Whoever has the
public key verifies them without the log."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    about: About,
    /// The folder for both files; existing ones are not replaced
    #[arg(long, global = true, value_name = "FOLDER", default_value = ".")]
    to: PathBuf,
}

#[derive(Debug, Subcommand)]
enum About {
    /// One booking, from its first event to its last
    Booking {
        /// The booking's id
        id: BookingId,
    },
    /// Any file: which booking it is of, and where its copies are
    File {
        /// The file; only its digest is used
        path: PathBuf,
    },
    /// The copies that were proven on a drive, and where it is
    Drive {
        /// The drive's id, as `strongroom list drives` shows it
        id: DriveId,
    },
    /// The proven copies in a month's folder
    Month {
        /// Such as 2026-11
        month: Month,
    },
    /// A purge: who agreed to it, and the proofs of copies behind each deletion
    Purge {
        /// The purge's id
        id: PurgeId,
    },
}

pub(crate) async fn run(args: &Args, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let subject = match &args.about {
        About::Booking { id } => Subject::Booking(id.clone()),
        About::File { path } => Subject::File(digest_of(path)?),
        About::Drive { id } => Subject::Drive(*id),
        About::Month { month } => Subject::Month(*month),
        About::Purge { id } => Subject::Purge(id.clone()),
    };
    let log = site::log_to_read(config).await?;
    refuse_rewound(config, &log).await?;
    let key = signing_key(config, &log).await?;
    let checkpoint = signed(now(&log).await?, Some(&key));
    let (checkpoint, is_refused) = Cosigners::new(config, &log).cosigned_before_a_person(checkpoint).await;
    let pack = evidence::make(&log, &subject, &checkpoint, &key.public()).await?;
    let stem = format!("evidence-{}", subject.to_string().replace(['/', ':'], "-"));
    let [json, page] = ["json", "html"].map(|extension| args.to.join(format!("{stem}.{extension}")));
    if let Some(taken) = [&json, &page].into_iter().find(|path| path.exists()) {
        return Err(CliError::new(format!("{} exists", taken.display()))
            .next_step("move it away, or name another folder with --to"));
    }
    for (path, text) in [(&json, pack.render()), (&page, evidence::html(&pack))] {
        write(path, &text)?;
        out.line(path.display())?;
    }
    out.line(&pack.sentence)?;
    out.flush()?;
    Ok(if is_refused { Exit::Problems } else { Exit::Well })
}

fn write(path: &Path, text: &str) -> Result<(), CliError> {
    let written = private_files()
        .write(true)
        .create_new(true)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.context_and_step(
        format!("cannot write {}", path.display()),
        "name a folder with --to in which this user may make files",
    )
}

fn digest_of(path: &Path) -> Result<Digest, CliError> {
    let what = || format!("cannot read {}", path.display());
    let mut file = std::fs::File::open(path).context(what())?;
    let mut hasher = Hasher::new(Algorithm::Sha256);
    let mut buffer = vec![0; READ_BYTES];
    loop {
        match file.read(&mut buffer).context(what())? {
            0 => return Ok(hasher.finish()),
            read => hasher.update(&buffer[..read]),
        }
    }
}
