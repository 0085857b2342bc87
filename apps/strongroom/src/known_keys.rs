//! The public keys that the log says were the site's, each vouched for by the one before.

use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::{Event, Expected, StreamName, Version};
use strongroom_proof::{Note, PublicKey, check_rotation};

/// The site's keys, oldest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct KnownKeys {
    keys: Vec<PublicKey>,
    version: Option<Version>,
}

impl KnownKeys {
    /// Keys that the one before did not sign count as not the site's: whoever can append cannot take the site's name.
    pub(crate) async fn read(log: &EventLog) -> Result<Self, LogError> {
        let mut known = Self::default();
        for recorded in log.readable_stream(&StreamName::log_key()).await? {
            known.version = Some(recorded.version);
            match recorded.event {
                Event::KeyCreated(data) if known.keys.is_empty() => {
                    known.keys.extend(data.key.parse::<PublicKey>().ok());
                }
                Event::KeyRotated(data) => known.take(&data.key, &data.statement),
                _ => {}
            }
        }
        Ok(known)
    }

    fn take(&mut self, key: &str, statement: &str) {
        let (Some(old), Ok(new), Ok(note)) = (self.newest(), key.parse::<PublicKey>(), statement.parse::<Note>())
        else {
            return;
        };
        if check_rotation(&note, old, &new).is_ok() {
            self.keys.push(new);
        }
    }

    pub(crate) fn newest(&self) -> Option<&PublicKey> {
        self.keys.last()
    }

    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &PublicKey> {
        self.keys.iter().rev()
    }

    /// What the stream's next event expects.
    pub(crate) fn expected(&self) -> Expected {
        self.version.map_or(Expected::New, Expected::After)
    }
}
