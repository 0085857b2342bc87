//! Digests, written `sha256:<hex>`.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use schemars::JsonSchema;
use sha2::Digest as _;

use crate::macros::{named, serde_as_text};
use crate::text::printable;

named! {
    /// An algorithm; its name is the prefix before the colon. Copies and manifests have SHA-256; others serve for
    /// comparison with a server.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Algorithm {
        /// MD5 (RFC 1321): no protection against forgery.
        Md5 = "md5",
        /// SHA-1 (FIPS 180-4): no protection against forgery.
        Sha1 = "sha1",
        /// SHA-256 (FIPS 180-4).
        Sha256 = "sha256",
        /// SHA-512 (FIPS 180-4).
        Sha512 = "sha512",
        /// BLAKE3, 256 bits.
        Blake3 = "blake3",
    }
}

impl Algorithm {
    const fn len_bytes(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 | Self::Blake3 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// An algorithm and value, written `sha256:<hex>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(with = "String", extend("pattern" = "^(md5|sha1|sha256|sha512|blake3):[0-9a-f]+$"))]
pub struct Digest {
    algorithm: Algorithm,
    value: Vec<u8>,
}

impl Digest {
    /// Digests bytes in memory.
    #[must_use]
    pub fn of(algorithm: Algorithm, bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }

    /// A SHA-256 digest.
    #[must_use]
    pub fn from_sha256(value: [u8; 32]) -> Self {
        Self { algorithm: Algorithm::Sha256, value: value.to_vec() }
    }

    /// Its algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its bytes.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// The value in lower-case hexadecimal.
    #[must_use]
    pub fn hex(&self) -> String {
        HEXLOWER.encode(&self.value)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm.name(), self.hex())
    }
}

serde_as_text!(Digest);

/// A text that is not a supported digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each is")]
pub enum ParseDigestError {
    #[error("{0:?} is not a digest: write it as sha256:<hex>")]
    NoAlgorithm(String),
    /// Unsupported: no copy could be proven.
    #[error("unknown digest algorithm {0:?}: expected sha256, sha512, blake3, sha1 or md5")]
    UnknownAlgorithm(String),
    #[error("a {algorithm} digest has {expected} hexadecimal digits, not {found:?}")]
    BadValue {
        algorithm: &'static str,
        expected: usize,
        /// Printable and shortened.
        found: String,
    },
}

impl FromStr for Digest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, ParseDigestError> {
        let (name, hex) = text.split_once(':').ok_or_else(|| ParseDigestError::NoAlgorithm(printable(text, 40)))?;
        let algorithm =
            Algorithm::named(name).ok_or_else(|| ParseDigestError::UnknownAlgorithm(printable(name, 40)))?;
        let bad = || ParseDigestError::BadValue {
            algorithm: algorithm.name(),
            expected: algorithm.len_bytes() * 2,
            found: printable(hex, 40),
        };
        let value = HEXLOWER.decode(hex.to_ascii_lowercase().as_bytes()).map_err(|_| bad())?;
        if value.len() == algorithm.len_bytes() { Ok(Self { algorithm, value }) } else { Err(bad()) }
    }
}

/// An incremental digest.
#[derive(Clone)]
pub struct Hasher(State);

#[derive(Clone)]
enum State {
    Md5(md5::Md5),
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
    Sha512(sha2::Sha512),
    Blake3(Box<blake3::Hasher>),
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher")
    }
}

impl Hasher {
    /// A hasher without input.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        Self(match algorithm {
            Algorithm::Md5 => State::Md5(md5::Md5::new()),
            Algorithm::Sha1 => State::Sha1(sha1::Sha1::new()),
            Algorithm::Sha256 => State::Sha256(sha2::Sha256::new()),
            Algorithm::Sha512 => State::Sha512(sha2::Sha512::new()),
            Algorithm::Blake3 => State::Blake3(Box::default()),
        })
    }

    /// Hashes more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Md5(state) => state.update(bytes),
            State::Sha1(state) => state.update(bytes),
            State::Sha256(state) => state.update(bytes),
            State::Sha512(state) => state.update(bytes),
            State::Blake3(state) => {
                state.update(bytes);
            }
        }
    }

    /// The digest.
    #[must_use]
    pub fn finish(self) -> Digest {
        let (algorithm, value) = match self.0 {
            State::Md5(state) => (Algorithm::Md5, state.finalize().to_vec()),
            State::Sha1(state) => (Algorithm::Sha1, state.finalize().to_vec()),
            State::Sha256(state) => (Algorithm::Sha256, state.finalize().to_vec()),
            State::Sha512(state) => (Algorithm::Sha512, state.finalize().to_vec()),
            State::Blake3(state) => (Algorithm::Blake3, state.finalize().as_bytes().to_vec()),
        };
        Digest { algorithm, value }
    }
}

/// Computes two digests at once: SHA-256 for manifests, the server's algorithm for comparison.
#[derive(Debug, Clone)]
pub struct PairHasher {
    sha256: Hasher,
    other: Option<Hasher>,
}

/// Both digests of a [`PairHasher`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestPair {
    /// In SHA-256.
    pub sha256: Digest,
    /// In the requested algorithm.
    pub named: Digest,
}

impl PairHasher {
    /// Hashes in `algorithm` too.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        let other = (algorithm != Algorithm::Sha256).then(|| Hasher::new(algorithm));
        Self { sha256: Hasher::new(Algorithm::Sha256), other }
    }

    /// Hashes more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        if let Some(other) = &mut self.other {
            other.update(bytes);
        }
    }

    /// Both digests.
    #[must_use]
    pub fn finish(self) -> DigestPair {
        let sha256 = self.sha256.finish();
        let named = self.other.map_or_else(|| sha256.clone(), Hasher::finish);
        DigestPair { sha256, named }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digests of "abc", from each algorithm's own specification.
    #[test]
    fn every_algorithm_gives_its_published_digest() {
        let published = [
            "md5:900150983cd24fb0d6963f7d28e17f72",
            "sha1:a9993e364706816aba3e25717850c26c9cd0d89d",
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "blake3:6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
        ];
        for text in published {
            let digest: Digest = text.parse().unwrap();
            assert_eq!(Digest::of(digest.algorithm(), b"abc"), digest);
            assert_eq!(digest.to_string(), text);
        }
        assert!(Digest::of(Algorithm::Sha512, b"abc").to_string().starts_with("sha512:ddaf35a193617aba"));
    }

    #[test]
    fn what_is_no_digest_is_named() {
        for (text, part) in [
            ("900150983cd24fb0d6963f7d28e17f72", "is not a digest"),
            ("crc32:352441c2", "unknown digest algorithm"),
            ("sha256:abcd", "64 hexadecimal digits"),
            ("sha256:zz", "64 hexadecimal digits"),
            ("md5:\n", "32 hexadecimal digits"),
        ] {
            let error = text.parse::<Digest>().unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_pair_hashes_both_at_once() {
        let mut hasher = PairHasher::new(Algorithm::Md5);
        hasher.update(b"a");
        hasher.update(b"bc");
        let pair = hasher.finish();
        assert_eq!(pair.sha256, Digest::of(Algorithm::Sha256, b"abc"));
        assert_eq!(pair.named, Digest::of(Algorithm::Md5, b"abc"));
    }
}
