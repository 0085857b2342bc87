//! Cosignatures: what a witness says of a log that is not its own (<https://c2sp.org/tlog-cosignature>).

use crate::key::{KeyUse, PublicKey, SigningKey};
use crate::note::{Note, Signature, SignatureError};

const TIME_BYTES: usize = 8;

/// The witness's signature, whose time is in seconds since 1970.
#[must_use]
pub fn cosign(key: &SigningKey, text: &str, time_s: u64) -> Signature {
    let signature = key.raw(&message(text, time_s));
    key.signature([&time_s.to_be_bytes()[..], &signature].concat())
}

/// When the witness with that key saw the note's text, in seconds since 1970.
///
/// # Errors
/// It did not, or a signature that names it does not hold.
pub fn cosigned_at(note: &Note, key: &PublicKey) -> Result<u64, SignatureError> {
    let mut seen = Err(SignatureError::Unsigned(key.clone()));
    for signature in note.signatures.iter().filter(|signature| signature.is_by(key)) {
        let time = time_of(&note.text, key, &signature.bytes);
        seen = Ok(time.ok_or_else(|| SignatureError::Forged(key.clone()))?);
    }
    seen
}

fn time_of(text: &str, key: &PublicKey, bytes: &[u8]) -> Option<u64> {
    let (time, signature) = bytes.split_first_chunk::<TIME_BYTES>()?;
    let time_s = u64::from_be_bytes(*time);
    let is_time = key.purpose() == KeyUse::Cosignature && i64::try_from(time_s).is_ok();
    (is_time && key.verifies(&message(text, time_s), signature)).then_some(time_s)
}

fn message(text: &str, time_s: u64) -> String {
    format!("cosignature/v1\ntime {time_s}\n{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn witness() -> SigningKey {
        SigningKey::with_use("witness.example/w1".parse().unwrap(), [9; 32], KeyUse::Cosignature)
    }

    #[test]
    fn a_cosignature_says_when_a_witness_saw_a_text() {
        let key = witness();
        let mut note = Note::unsigned("strongroom/harbour\n0\n47DE\n".to_owned());
        assert_eq!(cosigned_at(&note, &key.public()), Err(SignatureError::Unsigned(key.public())));
        note.signatures.push(cosign(&key, &note.text, 1_800_000_000));
        assert_eq!(cosigned_at(&note, &key.public()), Ok(1_800_000_000));
    }

    #[test]
    fn a_cosignature_with_another_time_or_text_does_not_hold() {
        let key = witness();
        let signed = Note::unsigned("text\n".to_owned());
        let signature = cosign(&key, &signed.text, 1_800_000_000);
        let later = {
            let mut later = signature.clone();
            later.bytes[7] ^= 1;
            later
        };
        let short = Signature { bytes: vec![0; 7], ..signature.clone() };
        for (text, signature) in [("other\n", &signature), ("text\n", &later), ("text\n", &short)] {
            let note = Note { text: text.to_owned(), signatures: vec![signature.clone()] };
            assert_eq!(cosigned_at(&note, &key.public()), Err(SignatureError::Forged(key.public())), "{text}");
        }
    }

    #[test]
    fn a_plain_signature_is_not_a_cosignature() {
        let plain = SigningKey::from_seed("witness.example/w1".parse().unwrap(), [9; 32]);
        let note = Note { text: "text\n".to_owned(), signatures: vec![plain.sign("text\n")] };
        assert!(cosigned_at(&note, &plain.public()).is_err());
        assert!(cosigned_at(&note, &witness().public()).is_err());
    }
}
