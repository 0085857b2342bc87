//! `rclone check --combined -`: one line for each path.

/// Lines of each mark.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Combined {
    /// `=`: the same on both sides.
    pub same: u64,
    /// `-`: missing in the source.
    pub only_target: u64,
    /// `+`: missing in the target.
    pub only_source: u64,
    /// `*`: different.
    pub differ: u64,
    /// `!`: could not be compared.
    pub errors: u64,
}

/// What a line says of its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The same on both sides.
    Same,
    /// Missing in the source.
    OnlyTarget,
    /// Missing in the target.
    OnlySource,
    /// Different.
    Differs,
    /// Could not be compared.
    Error,
}

impl Combined {
    /// All lines.
    #[must_use]
    pub const fn all(&self) -> u64 {
        self.same + self.bad() + self.only_target
    }

    /// Lines that say that a file of the source has no good copy.
    #[must_use]
    pub const fn bad(&self) -> u64 {
        self.only_source + self.differ + self.errors
    }

    /// Counts a mark.
    pub const fn count(&mut self, mark: Mark) {
        match mark {
            Mark::Same => self.same += 1,
            Mark::OnlyTarget => self.only_target += 1,
            Mark::OnlySource => self.only_source += 1,
            Mark::Differs => self.differ += 1,
            Mark::Error => self.errors += 1,
        }
    }
}

/// A mark, a blank, a path.
#[must_use]
pub fn combined(line: &str) -> Option<(Mark, &str)> {
    let (mark, path) = line.split_at_checked(1)?;
    let mark = match mark {
        "=" => Mark::Same,
        "-" => Mark::OnlyTarget,
        "+" => Mark::OnlySource,
        "*" => Mark::Differs,
        "!" => Mark::Error,
        _ => return None,
    };
    path.strip_prefix(' ').filter(|path| !path.is_empty() && !path.starts_with(' ')).map(|path| (mark, path))
}
