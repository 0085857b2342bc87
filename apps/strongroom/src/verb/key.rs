//! `strongroom key`: the key that signs the log's checkpoints.

use clap::Subcommand;
use serde::Serialize;
use strongroom_eventlog::{AppendError, EventLog};
use strongroom_model::event::{KeyCreated, KeyRotated};
use strongroom_model::{Event, Expected, NewEvent, StreamName};
use strongroom_proof::{SigningKey, rotation};
use strongroom_service::actor::person;
use strongroom_service::{Clock, Config, kill_point};

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::known_keys::{KnownKeys, lost, not_the_newest};
use crate::out::Out;
use crate::site;
use crate::site_key::{KeyFile, generate};

/// Makes, shows or replaces the key that signs the log's checkpoints
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  strongroom key new                            make the site's key, once
  strongroom key show                           its public half, for anyone who verifies
  strongroom key rotate                         replace the key; old and new key sign the change

The private half stays in the file that log.key_file names (key.SITE in data_dir), readable by its
owner only. Copy that file to each host whose processes mail or prove copies. Give the public half
to your auditor through a separate channel: a key from the same disk proves nothing."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: KeyVerb,
}

#[derive(Debug, Subcommand)]
enum KeyVerb {
    /// Makes the key, and records its public half
    New,
    /// Shows the public half of the key, and of those before it
    Show {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Replaces the key: both sign that one follows the other, which is recorded
    Rotate,
}

/// What `key show` prints.
#[derive(Debug, Serialize)]
struct Shown {
    /// The public half of the key in the file; `None`: there is no file.
    file: Option<String>,
    /// The keys that the log knows, newest first.
    known: Vec<String>,
}

pub(crate) async fn run(args: &Args, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    match args.action {
        KeyVerb::New => new(config, out).await?,
        KeyVerb::Show { json } => show(config, json, out).await?,
        KeyVerb::Rotate => rotate(config, out).await?,
    }
    out.flush()?;
    Ok(Exit::Well)
}

/// If we stop after the file is written, the log does not know the key: the same command records it then.
async fn new(config: &Config, out: &mut Out) -> Result<(), CliError> {
    let file = KeyFile::of(config);
    let log = site::log(config).await?;
    let known = KnownKeys::read(&log).await?;
    let key = match (file.read()?, known.newest()) {
        (Some(key), None) => key,
        (Some(_), Some(_)) => {
            return Err(CliError::new(format!("the site has a key: {}", file.path().display()))
                .next_step("strongroom key show; or strongroom key rotate, to replace it"));
        }
        (None, Some(_)) => return Err(lost(&file)),
        (None, None) => file.create(&generate(&config.site)?)?,
    };
    kill_point!("key.created");
    let created = Event::KeyCreated(KeyCreated { key: key.public().to_string() });
    append(&log, known.expected(), created, &key).await?;
    log.close().await;
    out.line(format_args!("{}", key.public()))?;
    out.line(format_args!(
        "The private half is in {}, readable by its owner only. Keep a copy of it, apart from the log.\n\
         Give the line above to your auditor, and restart the processes of this site: then they sign too.",
        file.path().display()
    ))
}

async fn show(config: &Config, json: bool, out: &mut Out) -> Result<(), CliError> {
    let file = KeyFile::of(config);
    let known = match site::log_if_any(config).await? {
        Some(log) => KnownKeys::read(&log).await?,
        None => KnownKeys::default(),
    };
    let shown = Shown {
        file: file.read()?.map(|key| key.public().to_string()),
        known: known.newest_first().map(ToString::to_string).collect(),
    };
    if json {
        return out.json(&shown);
    }
    match (&shown.file, shown.known.first()) {
        (None, None) => return Err(CliError::new("the site has no key").next_step("strongroom key new")),
        (Some(key), Some(newest)) if key == newest => out.line(key)?,
        (Some(key), Some(newest)) => {
            out.line(newest)?;
            out.line(format_args!("The file has another key, which signs nothing: {key}"))?;
            out.line(format_args!("Next: {}", not_the_newest(&file).next.unwrap_or_default()))?;
        }
        (Some(key), None) => {
            out.line(key)?;
            out.line("The log does not know it yet. Next: strongroom key new, which records it")?;
        }
        (None, Some(newest)) => {
            out.line(newest)?;
            out.line(format_args!("Its private half is not on this host: {} does not exist", file.path().display()))?;
        }
    }
    for key in shown.known.iter().skip(1) {
        out.line(format_args!("before: {key}"))?;
    }
    Ok(())
}

/// If we stop before the append, the new key waits beside the old one and is taken up by the same command; after it,
/// the log knows the new key, and the same command puts it in its place.
async fn rotate(config: &Config, out: &mut Out) -> Result<(), CliError> {
    let file = KeyFile::of(config);
    let log = site::log(config).await?;
    let known = KnownKeys::read(&log).await?;
    let Some(old) = file.read()? else {
        return Err(match known.newest() {
            Some(_) => lost(&file),
            None => CliError::new("the site has no key").next_step("strongroom key new"),
        });
    };
    let begun = file.next().read()?;
    let is_recorded = begun.as_ref().is_some_and(|new| known.newest() == Some(&new.public()));
    if !is_recorded && known.newest() != Some(&old.public()) {
        return Err(not_the_newest(&file));
    }
    let new = match begun {
        Some(new) => new,
        None => file.next().create(&generate(&config.site)?)?,
    };
    kill_point!("key.prepared");
    if !is_recorded {
        let rotated = KeyRotated {
            key: new.public().to_string(),
            previous: old.public().to_string(),
            statement: rotation(&old, &new).to_string(),
        };
        append(&log, known.expected(), Event::KeyRotated(rotated), &new).await?;
        kill_point!("key.rotated");
    }
    file.replace_by_next(&old)?;
    log.close().await;
    out.line(new.public())?;
    out.line(format_args!(
        "It replaces {}; both keys signed the change, and the old file is {}.\n\
         Give the line above to your auditor, copy {} to each host that has the old one, and restart the processes.",
        old.public(),
        file.previous().path().display(),
        file.path().display()
    ))
}

/// Of two processes that do the same at the same time, the second finds its key recorded by the first.
async fn append(log: &EventLog, expected: Expected, event: Event, key: &SigningKey) -> Result<(), CliError> {
    let new = NewEvent::new(StreamName::log_key(), expected, Clock::system().now(), person(), event);
    match log.append(vec![new]).await {
        Ok(_) => Ok(()),
        Err(AppendError::Conflict { .. }) if KnownKeys::read(log).await?.newest() == Some(&key.public()) => Ok(()),
        Err(AppendError::Conflict { .. }) => Err(CliError::new("another process changed the site's key meanwhile")
            .next_step("strongroom key show, then try again")),
        Err(error) => Err(error.into()),
    }
}
