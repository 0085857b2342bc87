//! The tools whose output is read.

use std::fmt;

use serde::Serialize;

/// A tool whose output is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tool {
    /// Windows' own folder copy, in any language.
    Robocopy,
    /// rsync 2.6.9 and 3.x, and openrsync.
    Rsync,
    /// rclone, JSON or text.
    Rclone,
    /// restic, JSON or text.
    Restic,
}

impl Tool {
    /// All of them, in the order in which reports list them.
    pub const ALL: [Self; 4] = [Self::Robocopy, Self::Rsync, Self::Rclone, Self::Restic];

    /// As the tool calls itself.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Robocopy => "robocopy",
            Self::Rsync => "rsync",
            Self::Rclone => "rclone",
            Self::Restic => "restic",
        }
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
