//! Ed25519 keys (RFC 8032) with names, in the text forms of signed notes (<https://c2sp.org/signed-note>).

use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE64, HEXLOWER};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use sha2::{Digest, Sha256};
use strongroom_model::text::printable;

use crate::note::Signature;

/// The algorithm byte of an Ed25519 signature over a note's text.
const ED25519_NOTE: u8 = 0x01;
/// How Go's `golang.org/x/mod/sumdb/note` begins a private key, and the programs that read its form.
const PRIVATE: &str = "PRIVATE+KEY+";
const KEY_BYTES: usize = 32;
const MAX_NAME_BYTES: usize = 128;

/// A key's name: a URL without a scheme, such as `strongroom/harbour`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyName(String);

/// The first four bytes of a hash over a key and its name: tells keys apart, proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyId(pub [u8; 4]);

/// A public key with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    name: KeyName,
    bytes: [u8; KEY_BYTES],
}

/// A private key with its name. Its seed is shown by [`SigningKey::to_secret`] alone.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    seed: [u8; KEY_BYTES],
    public: PublicKey,
}

/// A text that is not a key, or not a key's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseKeyError {
    /// Other characters than printable ASCII, plus signs, or none.
    #[error(
        "{0:?} cannot be a key's name: expected 1 to {MAX_NAME_BYTES} printable ASCII characters without spaces and plus signs"
    )]
    Name(String),
    /// A private key where a public one is expected; it is not repeated here.
    #[error(
        "this is a private key: give its public half, which `strongroom key show` prints, and keep this one secret"
    )]
    Secret,
    /// Not a public key's text.
    #[error("{0:?} is not a public key: expected NAME+ID+KEY, as `strongroom key show` prints it")]
    Public(String),
    /// Not a private key's text, which is not repeated here.
    #[error("it is not a private key: expected one line, PRIVATE+KEY+NAME+ID+KEY, as `strongroom key new` writes it")]
    Private,
}

impl FromStr for KeyName {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        let fits = |one: u8| one.is_ascii_graphic() && one != b'+';
        if (1..=MAX_NAME_BYTES).contains(&text.len()) && text.bytes().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseKeyError::Name(printable(text, 80)))
        }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl PublicKey {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// `SHA-256(name || 0x0A || algorithm || key)`, its first four bytes.
    #[must_use]
    pub fn id(&self) -> KeyId {
        let hash = Sha256::new()
            .chain_update(&self.name.0)
            .chain_update([b'\n', ED25519_NOTE])
            .chain_update(self.bytes)
            .finalize();
        KeyId([hash[0], hash[1], hash[2], hash[3]])
    }

    /// Whether `signature` is this key's over `message`, as its algorithm has it.
    pub(crate) fn verifies(&self, message: &str, signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.bytes).verify(message.as_bytes(), signature).is_ok()
    }
}

/// A verifier key: `<name>+<id in hex>+<base64 of algorithm and key>`.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&[ED25519_NOTE], &self.bytes[..]].concat();
        write!(f, "{}+{}+{}", self.name, self.id(), BASE64.encode(&bytes))
    }
}

impl FromStr for PublicKey {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        if text.contains(PRIVATE) {
            return Err(ParseKeyError::Secret);
        }
        let error = || ParseKeyError::Public(printable(text, 120));
        let (key, id) = parse(text).ok_or_else(error)?;
        (HEXLOWER.encode(&key.id().0) == id).then_some(key).ok_or_else(error)
    }
}

/// A key of the form `<name>+<id>+<base64>`, and the id that it claims.
fn parse(text: &str) -> Option<(PublicKey, &str)> {
    let (name, rest) = text.split_once('+')?;
    let (id, bytes) = rest.split_once('+')?;
    let bytes = BASE64.decode(bytes.as_bytes()).ok()?;
    let (algorithm, bytes) = bytes.split_first()?;
    let key = PublicKey { name: name.parse().ok()?, bytes: bytes.try_into().ok()? };
    (*algorithm == ED25519_NOTE).then_some((key, id))
}

impl SigningKey {
    /// The key of 32 random bytes.
    ///
    /// # Panics
    /// Never: every seed of that length makes a key.
    #[must_use]
    pub fn from_seed(name: KeyName, seed: [u8; KEY_BYTES]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("32 bytes are a seed");
        let bytes = pair.public_key().as_ref().try_into().expect("Ed25519's public keys have 32 bytes");
        Self { pair, seed, public: PublicKey { name, bytes } }
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        self.public.clone()
    }

    /// The text that a file keeps, one line: `PRIVATE+KEY+<name>+<id>+<base64 of algorithm and seed>`.
    #[must_use]
    pub fn to_secret(&self) -> String {
        let bytes = [&[ED25519_NOTE], &self.seed[..]].concat();
        format!("{PRIVATE}{}+{}+{}\n", self.public.name, self.public.id(), BASE64.encode(&bytes))
    }

    /// The key of [`SigningKey::to_secret`].
    ///
    /// # Errors
    /// It is not one.
    pub fn from_secret(text: &str) -> Result<Self, ParseKeyError> {
        let (seed, id) = text.trim_end().strip_prefix(PRIVATE).and_then(parse).ok_or(ParseKeyError::Private)?;
        let key = Self::from_seed(seed.name, seed.bytes);
        (HEXLOWER.encode(&key.public.id().0) == id).then_some(key).ok_or(ParseKeyError::Private)
    }

    /// Signs a note's text.
    #[must_use]
    pub fn sign(&self, text: &str) -> Signature {
        let bytes = self.pair.sign(text.as_bytes()).as_ref().to_vec();
        Signature { name: self.public.name.clone(), id: self.public.id(), bytes }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("public", &self.public).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_seed("strongroom/harbour".parse().unwrap(), [7; 32])
    }

    #[test]
    fn a_key_is_read_as_it_is_written() {
        let public = key().public();
        assert_eq!(public.to_string().parse(), Ok(public.clone()));
        let again = SigningKey::from_secret(&key().to_secret()).unwrap();
        assert_eq!(again.public(), public);
        assert_eq!(again.sign("text\n"), key().sign("text\n"));
    }

    #[test]
    fn a_key_changed_in_any_character_is_refused() {
        let (public, secret) = (key().public().to_string(), key().to_secret());
        for at in 0..public.len() {
            let changed = flipped(&public, at);
            assert_ne!(changed.parse::<PublicKey>().ok(), Some(key().public()), "{changed}");
        }
        for at in 0..secret.trim_end().len() {
            let read = SigningKey::from_secret(&flipped(&secret, at));
            assert!(read.is_err(), "character {at} of {}", secret.len());
        }
    }

    fn flipped(text: &str, at: usize) -> String {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] ^= 2;
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn neither_debug_nor_an_error_shows_the_seed() {
        let secret = key().to_secret();
        let seed = secret.trim_end().rsplit('+').next().unwrap();
        assert!(!format!("{:?}", key()).contains(seed));
        let private = SigningKey::from_secret(&format!("x{secret}")).unwrap_err();
        let public = secret.parse::<PublicKey>().unwrap_err();
        assert!(!private.to_string().contains(seed) && !public.to_string().contains(seed), "{private} {public}");
    }

    #[test]
    fn a_name_is_printable_and_has_neither_spaces_nor_plus_signs() {
        for bad in ["", "a b", "a+b", "a\nb", "a\u{a0}b", "a\u{202e}b", &"x".repeat(129)] {
            assert!(bad.parse::<KeyName>().is_err(), "{bad:?}");
        }
    }
}
