//! Which of the drives that the log knows it is: decided by what it holds, and never against it.

use super::Wanted;
use super::candidate::Candidate;
use crate::cli_error::CliError;

const MAX_NAMED: usize = 10;

/// What the drive holds of one that the log knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeldMarks {
    /// Whether the log knows of a use of it.
    pub(super) used: bool,
    /// Whether the mark of its newest use is there.
    pub(super) marked: bool,
    /// How many of its newest copies are there, and of how many.
    pub(super) held: usize,
    pub(super) of: usize,
}

impl HeldMarks {
    /// Whether that shows that it is this drive.
    const fn is_shown(self) -> bool {
        self.marked || (self.of > 0 && self.held * 2 > self.of)
    }

    /// Whether nothing is known that could be there.
    const fn is_blank(self) -> bool {
        !self.used && self.of == 0
    }

    fn sentence(self) -> String {
        let mark =
            if self.marked { "it holds the mark of its newest use" } else { "it lacks the mark of its newest use" };
        let copies = format!("{} of the {} newest copies that were proven on it", self.held, self.of);
        match (self.used, self.of) {
            (false, 0) => "the log knows of no use of it and of no copy on it".to_owned(),
            (true, 0) => format!("{mark}; the log knows of no copy on it"),
            (true, _) => format!("{mark}, and holds {copies}"),
            (false, _) => format!("it holds {copies}"),
        }
    }
}

#[derive(Debug)]
pub(super) struct Choice {
    pub(super) index: usize,
    /// What shows that, in words.
    pub(super) evidence: String,
}

/// Chooses the one drive that it is shown to be, or the one that is asked for if nothing speaks against it.
pub(super) fn choose(candidates: &[Candidate], found: &[HeldMarks], wanted: Wanted<'_>) -> Result<Choice, CliError> {
    let is_wanted = |one: &Candidate| {
        wanted.id.is_none_or(|id| id == one.id) && wanted.label.is_none_or(|label| label == one.label)
    };
    let named: Vec<usize> = (0..candidates.len()).filter(|index| is_wanted(&candidates[*index])).collect();
    let choice = |index: usize| Ok(Choice { index, evidence: found[index].sentence() });
    if named.is_empty() {
        return Err(CliError::new("the log knows no such drive").next_step(known(candidates)));
    }
    match named.iter().copied().filter(|index| found[*index].is_shown()).collect::<Vec<_>>()[..] {
        [index] => return choice(index),
        [] => {}
        _ => {
            return Err(CliError::new("what it holds is of several drives that the log knows")
                .next_step(format!("name the one that it is: --id ID; {}", known(candidates))));
        }
    }
    if let [index] = named[..] {
        if found[index].is_blank() {
            return choice(index);
        }
        return Err(CliError::new(format!(
            "nothing shows that it is drive “{}” ({}): {}",
            candidates[index].label,
            candidates[index].id,
            found[index].sentence()
        ))
        .next_step(
            "see that the right drive is mounted; one that lost all of its files is set up anew: strongroom drive init",
        ));
    }
    Err(CliError::new(format!("the log knows {} drives, and nothing on this one says which it is", named.len()))
        .next_step(format!("name the one that it is: --id ID; {}", known(candidates))))
}

fn known(candidates: &[Candidate]) -> String {
    if candidates.is_empty() {
        return "the log knows no drive at all: is it the right log? A new drive is set up with strongroom drive init"
            .to_owned();
    }
    let named: Vec<_> = candidates.iter().take(MAX_NAMED).map(|one| format!("“{}” {}", one.label, one.id)).collect();
    let more = if candidates.len() > MAX_NAMED { ", …" } else { "" };
    format!("the log knows {}{more}", named.join(", "))
}

#[cfg(test)]
mod tests {
    use strongroom_model::{DriveId, Version};

    use super::*;

    fn candidate(label: &str) -> Candidate {
        Candidate {
            id: DriveId::random(),
            label: label.to_owned(),
            created_at: "2026-11-20T23:00:00Z".parse().unwrap(),
            version: Version(0),
            newest: None,
            proofs: Vec::new(),
        }
    }

    const BLANK: HeldMarks = HeldMarks { used: false, marked: false, held: 0, of: 0 };
    const SHOWN: HeldMarks = HeldMarks { used: true, marked: true, held: 9, of: 9 };
    const OTHER: HeldMarks = HeldMarks { used: true, marked: false, held: 0, of: 9 };

    fn choice(found: &[HeldMarks], wanted: Wanted<'_>) -> Result<usize, String> {
        let candidates: Vec<_> = (0..found.len()).map(|n| candidate(&format!("blue {}", n + 1))).collect();
        choose(&candidates, found, wanted).map(|choice| choice.index).map_err(|error| error.to_string())
    }

    #[test]
    fn r6_what_is_on_the_drive_says_which_it_is() {
        let any = Wanted::default();
        assert_eq!(choice(&[OTHER, SHOWN, BLANK], any), Ok(1));
        let without_mark = HeldMarks { marked: false, held: 8, ..SHOWN };
        assert_eq!(choice(&[OTHER, without_mark], any), Ok(1), "the marks are lost too");
        assert_eq!(choice(&[HeldMarks { held: 0, ..SHOWN }], any), Ok(0), "the manifests are lost");
        assert_eq!(choice(&[BLANK], any), Ok(0), "there is only one, and nothing was written to it");
    }

    #[test]
    fn r6_no_drive_gets_an_identity_that_nothing_on_it_shows() {
        let (any, label) = (Wanted::default(), |label| Wanted { id: None, label: Some(label) });
        for (found, wanted, said) in [
            (&[][..], any, "the log knows no drive at all"),
            (&[OTHER], any, "nothing shows that it is drive “blue 1”"),
            (&[OTHER], label("blue 1"), "holds 0 of the 9 newest copies"),
            (&[BLANK, BLANK], any, "the log knows 2 drives, and nothing on this one says which it is"),
            (&[OTHER, SHOWN], label("blue 1"), "nothing shows that it is drive “blue 1”"),
            (&[SHOWN, SHOWN], any, "of several drives"),
            (&[SHOWN], label("green"), "the log knows no such drive"),
        ] {
            let error = choice(found, wanted).unwrap_err();
            assert!(error.contains(said) && error.contains("next: "), "{error}");
        }
        assert_eq!(choice(&[BLANK, BLANK], label("blue 2")), Ok(1));
        assert_eq!(choice(&[SHOWN, SHOWN], label("blue 2")), Ok(1));
    }
}
