//! Notes: texts signed by keys with names (<https://c2sp.org/signed-note>).

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64;

use crate::key::{KeyId, KeyName, PublicKey};

/// More than a checkpoint with sixteen signatures needs.
pub const MAX_NOTE_BYTES: usize = 16 * 1024;

/// The specification asks readers to take at least sixteen.
const MAX_SIGNATURES: usize = 32;

const SIGNATURE: &str = "\u{2014} ";

/// A text and its signatures, unchecked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What is signed; it ends with a newline.
    pub text: String,
    /// The signatures, in their order.
    pub signatures: Vec<Signature>,
}

/// A signature's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The name of the key that signed.
    pub name: KeyName,
    /// The id of that key.
    pub id: KeyId,
    /// What its algorithm made.
    pub bytes: Vec<u8>,
}

/// A text that is not a signed note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseNoteError {
    /// Longer than [`MAX_NOTE_BYTES`], or with more than 32 signatures.
    #[error("a signed note has up to {MAX_NOTE_BYTES} bytes and {MAX_SIGNATURES} signatures; this one has more")]
    Length,
    /// Control characters, or an end without a newline.
    #[error("a signed note is lines of text without control characters")]
    Text,
    /// No signatures after an empty line.
    #[error("a signed note has a text, an empty line and signatures; this one has not")]
    Parts,
    /// A line that is not a signature.
    #[error("a signature's line of the note is malformed")]
    Signature,
}

/// Why a note's signatures cannot be verified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// None by a key that was given.
    #[error("it has no signature by the key {0}")]
    Unsigned(PublicKey),
    /// One by that key, which is invalid.
    #[error("its signature by the key {0} is invalid")]
    Forged(PublicKey),
}

impl Note {
    /// A text without signatures.
    #[must_use]
    pub const fn unsigned(text: String) -> Self {
        Self { text, signatures: Vec::new() }
    }

    /// Whether that key signed the text.
    ///
    /// # Errors
    /// It did not, or a signature that names it is invalid.
    pub fn verify(&self, key: &PublicKey) -> Result<(), SignatureError> {
        let mut by_key = self.signatures.iter().filter(|signature| signature.is_by(key)).peekable();
        if by_key.peek().is_none() {
            return Err(SignatureError::Unsigned(key.clone()));
        }
        let holds = by_key.all(|signature| key.verifies(&self.text, &signature.bytes));
        if holds { Ok(()) } else { Err(SignatureError::Forged(key.clone())) }
    }
}

impl Signature {
    /// Whether it names that key.
    #[must_use]
    pub fn is_by(&self, key: &PublicKey) -> bool {
        self.name == *key.name() && self.id == key.id()
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| write!(f, "{signature}"))
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.id.0[..], &self.bytes].concat();
        writeln!(f, "{SIGNATURE}{} {}", self.name, BASE64.encode(&bytes))
    }
}

impl FromStr for Note {
    type Err = ParseNoteError;

    fn from_str(note: &str) -> Result<Self, ParseNoteError> {
        if note.len() > MAX_NOTE_BYTES {
            return Err(ParseNoteError::Length);
        }
        if !note.ends_with('\n') || note.chars().any(|one| one < ' ' && one != '\n') {
            return Err(ParseNoteError::Text);
        }
        let (text, signatures) = note.rsplit_once("\n\n").ok_or(ParseNoteError::Parts)?;
        let signatures: Vec<_> = signatures.lines().map(str::parse).collect::<Result<_, _>>()?;
        match signatures.len() {
            0 => Err(ParseNoteError::Parts),
            1..=MAX_SIGNATURES => Ok(Self { text: format!("{text}\n"), signatures }),
            _ => Err(ParseNoteError::Length),
        }
    }
}

impl FromStr for Signature {
    type Err = ParseNoteError;

    fn from_str(line: &str) -> Result<Self, ParseNoteError> {
        let parts = line.strip_prefix(SIGNATURE).and_then(|line| line.split_once(' '));
        let signature = parts.and_then(|(name, bytes)| {
            let bytes = BASE64.decode(bytes.as_bytes()).ok()?;
            let (id, bytes) = bytes.split_first_chunk()?;
            Some(Self { name: name.parse().ok()?, id: KeyId(*id), bytes: bytes.to_vec() })
        });
        signature.ok_or(ParseNoteError::Signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of <https://c2sp.org/signed-note>.
    const KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    const NOTE: &str = "This is an example message.\n\n\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

    #[test]
    fn the_specifications_example_is_verified_by_its_key() {
        let key: PublicKey = KEY.parse().unwrap();
        let note: Note = NOTE.parse().unwrap();
        assert_eq!(note.text, "This is an example message.\n");
        assert_eq!(note.verify(&key), Ok(()));
        assert_eq!(note.to_string(), NOTE);
    }

    #[test]
    fn a_note_changed_in_any_byte_is_refused() {
        let key: PublicKey = KEY.parse().unwrap();
        for at in 0..NOTE.len() {
            let mut bytes = NOTE.as_bytes().to_vec();
            bytes[at] ^= 1;
            let Ok(text) = String::from_utf8(bytes) else { continue };
            let verified = text.parse::<Note>().is_ok_and(|note| note.verify(&key).is_ok());
            assert!(!verified, "byte {at}: {text:?}");
        }
    }

    #[test]
    fn what_is_not_a_signed_note_is_refused_with_the_reason() {
        let signature = NOTE.lines().last().unwrap();
        let many = format!("text\n\n{}", format!("{signature}\n").repeat(33));
        for (text, error) in [
            ("", ParseNoteError::Text),
            ("text", ParseNoteError::Text),
            ("text\r\n\n", ParseNoteError::Text),
            ("text\n", ParseNoteError::Parts),
            ("text\n\n", ParseNoteError::Parts),
            ("text\n\nno signature\n", ParseNoteError::Signature),
            ("text\n\n\u{2014} name AAA=\n", ParseNoteError::Signature),
            ("text\n\n\u{2014} a+b AAAAAAAA\n", ParseNoteError::Signature),
            (&many, ParseNoteError::Length),
            (&"x".repeat(MAX_NOTE_BYTES + 1), ParseNoteError::Length),
        ] {
            assert_eq!(text.parse::<Note>(), Err(error), "{text:?}");
        }
    }

    #[test]
    fn another_keys_signature_is_ignored() {
        let other = crate::key::SigningKey::from_seed("example.com/foo".parse().unwrap(), [7; 32]).public();
        let note: Note = NOTE.parse().unwrap();
        assert_eq!(note.verify(&other), Err(SignatureError::Unsigned(other)));
    }
}
