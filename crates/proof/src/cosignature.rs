//! Cosignatures of witnesses (<https://c2sp.org/tlog-cosignature>, `cosignature/v1`, Ed25519): at that time, this was the
//! largest tree of that log which the witness had seen, and each continued the one before.

use std::fmt;
use std::str::FromStr;

use ring::signature::{Ed25519KeyPair, KeyPair as _};
use strongroom_model::text::printable;

use crate::key::{
    KEY_BYTES, KeyId, KeyName, ParseKeyError, is_secret, key_id, parse, parse_secret, secret, verifies, vkey,
};
use crate::note::{Note, Signature};

/// The algorithm byte of a timestamped Ed25519 cosignature.
const ED25519_COSIGNATURE: u8 = 0x04;
/// The timestamp before the signature.
const TIME_BYTES: usize = 8;

/// A witness's public key with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessKey {
    name: KeyName,
    bytes: [u8; KEY_BYTES],
}

/// A witness's private key with its name. Its seed is shown by [`CosigningKey::to_secret`] alone.
pub struct CosigningKey {
    pair: Ed25519KeyPair,
    seed: [u8; KEY_BYTES],
    public: WitnessKey,
}

/// Why a cosignature cannot be verified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CosignatureError {
    /// None by a key that was given.
    #[error("it has no cosignature by the witness {0}")]
    Missing(WitnessKey),
    /// One by that key, which is invalid.
    #[error("its cosignature by the witness {0} is invalid")]
    Forged(WitnessKey),
}

/// What a witness signs.
fn message(time: u64, text: &str) -> Vec<u8> {
    format!("cosignature/v1\ntime {time}\n{text}").into_bytes()
}

impl WitnessKey {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// The first four bytes of a hash over name, algorithm and key.
    #[must_use]
    pub fn id(&self) -> KeyId {
        key_id(&self.name, ED25519_COSIGNATURE, &self.bytes)
    }

    /// Whether a signature names this key.
    #[must_use]
    pub fn is_of(&self, signature: &Signature) -> bool {
        signature.name == self.name && signature.id == self.id()
    }

    /// When the witness cosigned that text, in seconds since 1970; the last, if it did so several times.
    ///
    /// # Errors
    /// It did not, or a signature that names it is invalid.
    pub fn cosigned_at(&self, note: &Note) -> Result<u64, CosignatureError> {
        let by_us = note.signatures.iter().filter(|signature| self.is_of(signature));
        let times: Option<Vec<u64>> = by_us.map(|signature| self.time_of(&note.text, signature)).collect();
        let times = times.ok_or_else(|| CosignatureError::Forged(self.clone()))?;
        times.into_iter().max().ok_or_else(|| CosignatureError::Missing(self.clone()))
    }

    fn time_of(&self, text: &str, signature: &Signature) -> Option<u64> {
        let (time, signature) = signature.bytes.split_first_chunk::<TIME_BYTES>()?;
        let time = u64::from_be_bytes(*time);
        let is_valid = i64::try_from(time).is_ok() && verifies(&self.bytes, &message(time, text), signature);
        is_valid.then_some(time)
    }
}

/// A verifier key: `<name>+<id in hex>+<base64 of algorithm and key>`.
impl fmt::Display for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&vkey(&self.name, ED25519_COSIGNATURE, &self.id(), &self.bytes))
    }
}

impl FromStr for WitnessKey {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        if is_secret(text) {
            return Err(ParseKeyError::Secret);
        }
        let error = || ParseKeyError::Witness(printable(text, 120));
        let (name, bytes, id) = parse(text, ED25519_COSIGNATURE).ok_or_else(error)?;
        let key = Self { name, bytes };
        (key.id().to_string() == id).then_some(key).ok_or_else(error)
    }
}

impl CosigningKey {
    /// The key of 32 random bytes.
    ///
    /// # Panics
    /// Never: every seed of that length makes a key.
    #[must_use]
    pub fn from_seed(name: KeyName, seed: [u8; KEY_BYTES]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("32 bytes are a seed");
        let bytes = pair.public_key().as_ref().try_into().expect("Ed25519's public keys have 32 bytes");
        Self { pair, seed, public: WitnessKey { name, bytes } }
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> WitnessKey {
        self.public.clone()
    }

    /// The text that a file keeps, one line: `PRIVATE+KEY+<name>+<id>+<base64 of algorithm and seed>`.
    #[must_use]
    pub fn to_secret(&self) -> String {
        secret(&self.public.name, ED25519_COSIGNATURE, &self.public.id(), &self.seed)
    }

    /// The key of [`CosigningKey::to_secret`].
    ///
    /// # Errors
    /// It is not one.
    pub fn from_secret(text: &str) -> Result<Self, ParseKeyError> {
        let (name, seed, id) = parse_secret(text, ED25519_COSIGNATURE)?;
        let key = Self::from_seed(name, seed);
        (key.public.id().to_string() == id).then_some(key).ok_or(ParseKeyError::Private)
    }

    /// Cosigns a checkpoint's text, at a time in seconds since 1970.
    #[must_use]
    pub fn cosign(&self, text: &str, time: u64) -> Signature {
        let signature = self.pair.sign(&message(time, text));
        let bytes = [&time.to_be_bytes()[..], signature.as_ref()].concat();
        Signature { name: self.public.name.clone(), id: self.public.id(), bytes }
    }
}

impl fmt::Debug for CosigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CosigningKey").field("public", &self.public).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first example of <https://c2sp.org/tlog-cosignature>: its message, with a time of the day it was written.
    const TEXT: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

    fn key() -> CosigningKey {
        CosigningKey::from_seed("witness.example/w1".parse().unwrap(), [7; 32])
    }

    #[test]
    fn the_signed_message_is_that_of_the_specification() {
        let expected = format!("cosignature/v1\ntime 1679315147\n{TEXT}");
        assert_eq!(message(1_679_315_147, TEXT), expected.into_bytes());
    }

    #[test]
    fn a_cosignature_is_verified_by_its_witness_and_says_when() {
        let note = Note { text: TEXT.to_owned(), signatures: vec![key().cosign(TEXT, 5), key().cosign(TEXT, 7)] };
        let read: Note = note.to_string().parse().unwrap();
        assert_eq!(key().public().cosigned_at(&read), Ok(7));
        let other = CosigningKey::from_seed("witness.example/w1".parse().unwrap(), [8; 32]).public();
        assert_eq!(other.cosigned_at(&read), Err(CosignatureError::Missing(other)));
    }

    #[test]
    fn a_cosignature_changed_in_any_byte_is_refused() {
        let whole = key().cosign(TEXT, 7);
        for at in 0..whole.bytes.len() {
            let mut changed = whole.clone();
            changed.bytes[at] ^= 1;
            let note = Note { text: TEXT.to_owned(), signatures: vec![changed] };
            let refused = Err(CosignatureError::Forged(key().public()));
            assert_eq!(key().public().cosigned_at(&note), refused, "byte {at}");
        }
        let short = Signature { bytes: vec![0; 4], ..whole };
        let note = Note { text: TEXT.to_owned(), signatures: vec![short] };
        assert!(key().public().cosigned_at(&note).is_err());
    }

    #[test]
    fn a_key_is_read_as_it_is_written_and_a_sites_key_is_not_a_witnesss() {
        let public = key().public();
        assert_eq!(public.to_string().parse(), Ok(public.clone()));
        assert_eq!(CosigningKey::from_secret(&key().to_secret()).unwrap().public(), public);
        assert_eq!(key().to_secret().parse::<WitnessKey>(), Err(ParseKeyError::Secret));
        let site = crate::SigningKey::from_seed("witness.example/w1".parse().unwrap(), [7; 32]);
        assert!(site.public().to_string().parse::<WitnessKey>().is_err());
        assert!(public.to_string().parse::<crate::PublicKey>().is_err());
        assert!(CosigningKey::from_secret(&site.to_secret()).is_err());
        let text = public.to_string();
        for at in 0..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] ^= 2;
            let changed = String::from_utf8(bytes).unwrap();
            assert_ne!(changed.parse::<WitnessKey>().ok(), Some(public.clone()), "{changed}");
        }
    }
}
