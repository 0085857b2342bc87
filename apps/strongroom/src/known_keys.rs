//! The public keys that the log says were the site's, each vouched for by the one before.

use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::{Event, Expected, Position, StreamName, Version};
use strongroom_proof::{Note, PublicKey, SignedCheckpoint, SigningKey, check_rotation};
use strongroom_service::Config;

use crate::cli_error::CliError;
use crate::site_key::KeyFile;

/// The site's keys, oldest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct KnownKeys {
    keys: Vec<KnownKey>,
    version: Option<Version>,
}

#[derive(Debug, Clone)]
struct KnownKey {
    key: PublicKey,
    /// The position of the event that replaced it: it has signed nothing larger.
    until: Option<Position>,
}

impl KnownKeys {
    /// Keys that the one before did not sign are not the site's: whoever can append cannot take the site's name.
    pub(crate) async fn read(log: &EventLog) -> Result<Self, LogError> {
        let mut known = Self::default();
        for recorded in log.stream(&StreamName::log_key()).await? {
            known.version = Some(recorded.version);
            match recorded.event {
                Event::KeyCreated(data) if known.keys.is_empty() => {
                    known.keys.extend(data.key.parse().ok().map(|key| KnownKey { key, until: None }));
                }
                Event::KeyRotated(data) => known.take(&data.key, &data.statement, recorded.position),
                _ => {}
            }
        }
        Ok(known)
    }

    fn take(&mut self, key: &str, statement: &str, at: Position) {
        let (Some(old), Ok(key), Ok(note)) = (self.keys.last_mut(), key.parse(), statement.parse::<Note>()) else {
            return;
        };
        if check_rotation(&note, &old.key, &key).is_ok() {
            old.until = Some(at);
            self.keys.push(KnownKey { key, until: None });
        }
    }

    pub(crate) fn newest(&self) -> Option<&PublicKey> {
        self.keys.last().map(|known| &known.key)
    }

    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &PublicKey> {
        self.keys.iter().rev().map(|known| &known.key)
    }

    /// Whether one of them signed it, while it was the site's.
    pub(crate) fn vouch_for(&self, signed: &SignedCheckpoint) -> bool {
        let size = signed.checkpoint().head.size;
        let in_time = |known: &&KnownKey| known.until.is_none_or(|until| size <= until.0);
        self.keys.iter().filter(in_time).any(|known| signed.verify(&known.key).is_ok())
    }

    /// What the stream's next event expects.
    pub(crate) fn expected(&self) -> Expected {
        self.version.map_or(Expected::New, Expected::After)
    }
}

/// The key on this host, if it is the one that the log knows as the newest.
pub(crate) async fn signing_key(config: &Config, log: &EventLog) -> Result<SigningKey, CliError> {
    let file = KeyFile::of(config);
    let known = KnownKeys::read(log).await?;
    match (file.read()?, known.newest()) {
        (Some(key), Some(newest)) if key.public() == *newest => Ok(key),
        (Some(_), _) => Err(not_the_newest(&file)),
        (None, Some(_)) => Err(lost(&file)),
        (None, None) => Err(CliError::new("the site has no key").next_step("strongroom key new")),
    }
}

pub(crate) fn not_the_newest(file: &KeyFile) -> CliError {
    CliError::new(format!("the log does not know the key in {} as the newest", file.path().display())).next_step(
        format!(
            "`strongroom key show` names both. Copy the newest key here from the host that has it; after a log was \
         restored, it may be {}; `strongroom key new` records a key that the log does not know yet",
            file.previous().path().display()
        ),
    )
}

pub(crate) fn lost(file: &KeyFile) -> CliError {
    CliError::new(format!("the log knows the site's key, but {} does not exist", file.path().display())).next_step(
        "copy the file from the host that has it, or from your copy of it. Without it this site cannot sign any more; \
         existing signatures stay valid",
    )
}
