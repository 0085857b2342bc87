//! The statement that a key follows another.

use crate::key::{PublicKey, SigningKey};
use crate::note::{Note, SignatureError};

const TITLE: &str = "strongroom key rotation";

/// What both keys sign when `new` takes the place of `old`.
fn text(old: &PublicKey, new: &PublicKey) -> String {
    format!("{TITLE}\n{old}\n{new}\n")
}

/// The statement that `new` takes the place of `old`, signed by both.
#[must_use]
pub fn rotation(old: &SigningKey, new: &SigningKey) -> Note {
    let mut note = Note::unsigned(text(&old.public(), &new.public()));
    note.signatures = vec![old.sign(&note.text), new.sign(&note.text)];
    note
}

/// Whether the holders of both keys said that `new` takes the place of `old`.
///
/// # Errors
/// One of them did not, or the note says something else: then it is treated as unsigned by the old key.
pub fn check_rotation(note: &Note, old: &PublicKey, new: &PublicKey) -> Result<(), SignatureError> {
    if note.text != text(old, new) {
        return Err(SignatureError::Unsigned(old.clone()));
    }
    note.verify(old)?;
    note.verify(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_keys_say_that_one_follows_the_other() {
        let key = |seed| SigningKey::from_seed("strongroom/harbour".parse().unwrap(), [seed; 32]);
        let (old, new, other) = (key(1), key(2), key(3));
        let note: Note = rotation(&old, &new).to_string().parse().unwrap();
        assert_eq!(check_rotation(&note, &old.public(), &new.public()), Ok(()));
        assert!(check_rotation(&note, &new.public(), &old.public()).is_err());
        assert!(check_rotation(&note, &old.public(), &other.public()).is_err());
        for kept in 0..2 {
            let half = Note { text: note.text.clone(), signatures: vec![note.signatures[kept].clone()] };
            assert!(check_rotation(&half, &old.public(), &new.public()).is_err(), "signature {kept} alone");
        }
    }
}
