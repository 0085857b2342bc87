//! The keys that sign the log's checkpoints, as its events say, each vouched for by the one before.

use strongroom_model::Event;
use strongroom_model::text::printable;
use strongroom_proof::{Note, PublicKey, check_rotation};

const MAX_KEY_CHARS: usize = 160;

/// The newest key whose line of rotations is whole.
#[derive(Debug, Default)]
pub(crate) struct KeyChain {
    newest: Option<PublicKey>,
}

/// A key that nothing vouches for. What it signs proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyFault {
    #[error("{0:?} is not a key, and is ignored")]
    NotAKey(String),
    #[error("{0} is another first key of a log that has one, and is ignored")]
    SecondFirst(String),
    #[error(
        "{0} takes the place of a key without that key's signature, and is ignored: somebody else may have made it"
    )]
    Unsigned(String),
}

impl KeyChain {
    /// Takes the next event; those that are not about keys change nothing.
    pub(crate) fn take(&mut self, event: &Event) -> Result<(), KeyFault> {
        let (text, signed) = match event {
            Event::KeyCreated(data) if self.newest.is_none() => (&data.key, true),
            Event::KeyCreated(data) => return Err(KeyFault::SecondFirst(shown(&data.key))),
            Event::KeyRotated(data) => (&data.key, self.is_signed(&data.key, &data.statement)),
            _ => return Ok(()),
        };
        let Ok(key) = text.parse() else { return Err(KeyFault::NotAKey(shown(text))) };
        if !signed {
            return Err(KeyFault::Unsigned(shown(text)));
        }
        self.newest = Some(key);
        Ok(())
    }

    fn is_signed(&self, new: &str, statement: &str) -> bool {
        match (&self.newest, new.parse::<PublicKey>(), statement.parse::<Note>()) {
            (Some(old), Ok(new), Ok(note)) => check_rotation(&note, old, &new).is_ok(),
            _ => false,
        }
    }
}

fn shown(key: &str) -> String {
    printable(key, MAX_KEY_CHARS)
}

#[cfg(test)]
mod tests {
    use strongroom_model::event::{KeyCreated, KeyRotated};
    use strongroom_proof::{SigningKey, rotation};

    use super::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed("strongroom/harbour".parse().unwrap(), [seed; 32])
    }

    fn created(key: &SigningKey) -> Event {
        Event::KeyCreated(KeyCreated { key: key.public().to_string() })
    }

    fn rotated(old: &SigningKey, new: &SigningKey) -> Event {
        let statement = rotation(old, new).to_string();
        Event::KeyRotated(KeyRotated { key: new.public().to_string(), previous: old.public().to_string(), statement })
    }

    #[test]
    fn each_key_is_vouched_for_by_the_one_before() {
        let mut chain = KeyChain::default();
        assert_eq!(chain.take(&created(&key(1))), Ok(()));
        assert_eq!(chain.take(&rotated(&key(1), &key(2))), Ok(()));
        let stranger = rotated(&key(8), &key(9));
        assert_eq!(chain.take(&stranger), Err(KeyFault::Unsigned(key(9).public().to_string())));
        assert_eq!(chain.take(&created(&key(9))), Err(KeyFault::SecondFirst(key(9).public().to_string())));
        let outdated = rotated(&key(1), &key(3));
        assert!(chain.take(&outdated).is_err(), "the first key is no longer the site's");
        assert_eq!(chain.take(&rotated(&key(2), &key(3))), Ok(()), "what was ignored changes nothing");
    }
}
