//! `strongroom prove`: evidence that an outsider verifies.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use strongroom_audit::evidence::{self, Subject};
use strongroom_model::{Algorithm, BookingId, Digest, DriveId, Hasher, Month};
use strongroom_service::{Config, private_files};

use crate::checkpoint::{now, signed};
use crate::cli_error::{CliError, ErrorContext as _};
use crate::exit::Exit;
use crate::known_keys::KnownKeys;
use crate::out::Out;
use crate::site;
use crate::site_key::KeyFile;

const READ_BYTES: usize = 256 * 1024;

/// Writes evidence about a booking, a file, a drive or a month
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  strongroom prove booking B-1001               evidence-booking-B-1001.json and .html, in this folder
  strongroom prove file 'week 47.pdf'           what is known of a file with these bytes
  strongroom prove month 2026-11 --to /tmp      all copies in that month's folder, in /tmp
  strongroom check-proof evidence-booking-B-1001.html --key KEY

The page is for reading and printing; both files hold the same: events in their exact bytes, proofs that they are in
the log, and its size and root, signed by the site's key. Whoever has the public key checks them without the log."
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
    /// All proven copies on a drive
    Drive {
        /// The drive's id, as `strongroom list drives` shows it
        id: DriveId,
    },
    /// All proven copies in a month's folder
    Month {
        /// Such as 2026-11
        month: Month,
    },
}

pub(crate) async fn run(args: &Args, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let subject = match &args.about {
        About::Booking { id } => Subject::Booking(id.clone()),
        About::File { path } => Subject::File(digest_of(path)?),
        About::Drive { id } => Subject::Drive(*id),
        About::Month { month } => Subject::Month(*month),
    };
    let file = KeyFile::of(config);
    let Some(key) = file.read()? else {
        return Err(CliError::new(format!(
            "the site's key is not on this host: {} is not there",
            file.path().display()
        ))
        .next_step("strongroom key new; or run this on the host that has the key"));
    };
    let log = site::log_to_read(config).await?;
    if KnownKeys::read(&log).await?.newest().is_some_and(|newest| *newest != key.public()) {
        return Err(CliError::new("the key in the file is not the one that the log knows as the newest")
            .next_step("strongroom key show"));
    }
    let checkpoint = signed(now(&log).await?, Some(&key));
    let pack = evidence::make(&log, &subject, &checkpoint, &key.public(), &[]).await?;
    let stem = format!("evidence-{}", subject.to_string().replace(['/', ':'], "-"));
    for (extension, text) in [("json", pack.render()), ("html", evidence::html(&pack))] {
        let path = args.to.join(format!("{stem}.{extension}"));
        write(&path, &text)?;
        out.line(path.display())?;
    }
    out.line(&pack.sentence)?;
    out.flush()?;
    Ok(Exit::Well)
}

fn write(path: &Path, text: &str) -> Result<(), CliError> {
    let written = private_files()
        .write(true)
        .create_new(true)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.context_and_step(
        format!("cannot write {}", path.display()),
        "move the file that is there away, or name another folder with --to",
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
