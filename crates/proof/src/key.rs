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
pub(crate) const KEY_BYTES: usize = 32;
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
    /// Not a witness's public key.
    #[error("{0:?} is not a witness's key: expected NAME+ID+KEY, as `strongroom witness` prints it")]
    Witness(String),
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
        key_id(&self.name, ED25519_NOTE, &self.bytes)
    }

    /// Whether `signature` is this key's over `message`, as its algorithm has it.
    pub(crate) fn verifies(&self, message: &str, signature: &[u8]) -> bool {
        verifies(&self.bytes, message.as_bytes(), signature)
    }
}

/// A verifier key: `<name>+<id in hex>+<base64 of algorithm and key>`.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&vkey(&self.name, ED25519_NOTE, &self.id(), &self.bytes))
    }
}

impl FromStr for PublicKey {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        if is_secret(text) {
            return Err(ParseKeyError::Secret);
        }
        let error = || ParseKeyError::Public(printable(text, 120));
        let (name, bytes, id) = parse(text, ED25519_NOTE).ok_or_else(error)?;
        let key = Self { name, bytes };
        (HEXLOWER.encode(&key.id().0) == id).then_some(key).ok_or_else(error)
    }
}

/// `SHA-256(name || 0x0A || algorithm || key)`, its first four bytes.
pub(crate) fn key_id(name: &KeyName, algorithm: u8, bytes: &[u8; KEY_BYTES]) -> KeyId {
    let hash = Sha256::new().chain_update(&name.0).chain_update([b'\n', algorithm]).chain_update(bytes).finalize();
    KeyId([hash[0], hash[1], hash[2], hash[3]])
}

/// `<name>+<id in hex>+<base64 of algorithm and key>`.
pub(crate) fn vkey(name: &KeyName, algorithm: u8, id: &KeyId, bytes: &[u8; KEY_BYTES]) -> String {
    format!("{name}+{id}+{}", BASE64.encode(&[&[algorithm], &bytes[..]].concat()))
}

/// The parts of a [`vkey`] of that algorithm, and the id that it claims.
pub(crate) fn parse(text: &str, algorithm: u8) -> Option<(KeyName, [u8; KEY_BYTES], &str)> {
    let (name, rest) = text.split_once('+')?;
    let (id, bytes) = rest.split_once('+')?;
    let bytes = BASE64.decode(bytes.as_bytes()).ok()?;
    let (found, bytes) = bytes.split_first()?;
    (*found == algorithm).then_some((name.parse().ok()?, bytes.try_into().ok()?, id))
}

/// The text that a file keeps of a private key, one line.
pub(crate) fn secret(name: &KeyName, algorithm: u8, id: &KeyId, seed: &[u8; KEY_BYTES]) -> String {
    format!("{PRIVATE}{}\n", vkey(name, algorithm, id, seed))
}

/// The name and seed of [`secret`], and the id that it claims.
pub(crate) fn parse_secret(text: &str, algorithm: u8) -> Result<(KeyName, [u8; KEY_BYTES], &str), ParseKeyError> {
    let key = text.trim_end().strip_prefix(PRIVATE).and_then(|key| parse(key, algorithm));
    key.ok_or(ParseKeyError::Private)
}

/// Whether a text is of a private key, which must not be shown.
pub(crate) fn is_secret(text: &str) -> bool {
    text.contains(PRIVATE)
}

/// Whether the holder of an Ed25519 key signed these bytes.
pub(crate) fn verifies(key: &[u8; KEY_BYTES], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok()
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
        secret(&self.public.name, ED25519_NOTE, &self.public.id(), &self.seed)
    }

    /// The key of [`SigningKey::to_secret`].
    ///
    /// # Errors
    /// It is not one.
    pub fn from_secret(text: &str) -> Result<Self, ParseKeyError> {
        let (name, seed, id) = parse_secret(text, ED25519_NOTE)?;
        let key = Self::from_seed(name, seed);
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
