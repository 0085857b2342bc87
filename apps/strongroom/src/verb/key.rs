//! `strongroom key`: the key that signs the log's checkpoints.

use clap::Subcommand;
use serde::Serialize;
use strongroom_eventlog::EventLog;
use strongroom_model::event::{KeyCreated, KeyRotated};
use strongroom_model::{Event, Expected, NewEvent, StreamName};
use strongroom_proof::{SigningKey, rotation};
use strongroom_service::actor::person;
use strongroom_service::{Clock, Config, kill_point};

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::known_keys::KnownKeys;
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
  strongroom key show                           its public half, for whoever is to check what it signs
  strongroom key rotate                         a new key in its place, which both sign

The private half stays in the file that log.key_file names (key.SITE in data_dir), readable by its owner only. Copy
that file to each host whose processes mail or prove copies. Give the public half to your auditor by a way of its own:
what is checked with a key from the same disk proves nothing."
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
                .next_step("strongroom key show; or strongroom key rotate, for another one"));
        }
        (None, Some(newest)) => {
            return Err(CliError::new(format!(
                "the log knows a key of the site, {newest}, and {} is not there",
                file.path().display()
            ))
            .next_step(
                "copy the file from the host that has it. If it is lost: log.key_file and a new site's log; \
                 nothing that was signed loses its worth",
            ));
        }
        (None, None) => {
            let key = generate(&config.site)?;
            file.create(&key)?;
            key
        }
    };
    kill_point!("key.created");
    let created = Event::KeyCreated(KeyCreated { key: key.public().to_string() });
    append(&log, known.expected(), created).await?;
    log.close().await;
    out.line(format_args!("{}", key.public()))?;
    out.line(format_args!(
        "The private half is in {}, for its owner only. Keep a copy of it apart from the log.\n\
         Give the line above to your auditor. Next: strongroom log checkpoint",
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
        (Some(key), newest) => {
            out.line(key)?;
            let other = newest.map_or_else(|| "no key".to_owned(), |newest| format!("another: {newest}"));
            out.line(format_args!(
                "The log knows {other}. Next: strongroom key {}",
                if newest.is_some() { "rotate" } else { "new" }
            ))?;
        }
        (None, Some(newest)) => {
            out.line(newest)?;
            out.line(format_args!("Its private half is not on this host: {} is not there", file.path().display()))?;
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
        return Err(CliError::new(format!("there is no key to replace: {} is not there", file.path().display()))
            .next_step("strongroom key new; or run this on the host that has the key"));
    };
    let new = prepared(&file, config)?;
    kill_point!("key.prepared");
    if known.newest() != Some(&new.public()) {
        if known.newest() != Some(&old.public()) {
            return Err(CliError::new("the key in the file is not the one that the log knows as the newest")
                .next_step("strongroom key show, and copy the newest key here from the host that has it"));
        }
        let rotated = KeyRotated {
            key: new.public().to_string(),
            previous: old.public().to_string(),
            statement: rotation(&old, &new).to_string(),
        };
        append(&log, known.expected(), Event::KeyRotated(rotated)).await?;
        kill_point!("key.rotated");
    }
    file.replace_by_next()?;
    log.close().await;
    out.line(new.public())?;
    out.line(format_args!(
        "It takes the place of {}, and both have signed that.\n\
         Give the line above to your auditor, and the new file to each host that has the old one: {}",
        old.public(),
        file.path().display()
    ))
}

/// The key that an interrupted rotation left, or a new one.
fn prepared(file: &KeyFile, config: &Config) -> Result<SigningKey, CliError> {
    let next = file.next();
    if let Some(key) = next.read()? {
        return Ok(key);
    }
    let key = generate(&config.site)?;
    next.create(&key)?;
    Ok(key)
}

async fn append(log: &EventLog, expected: Expected, event: Event) -> Result<(), CliError> {
    let new = NewEvent::new(StreamName::log_key(), expected, Clock::system().now(), person(), event);
    log.append(vec![new]).await?;
    Ok(())
}
