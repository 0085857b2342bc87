//! Paths that a tool names as failed, deleted or different: a bounded list.

use serde::Serialize;
use strongroom_model::text::printable;

/// Items kept for one run: what fits into an event. All are counted.
pub const MAX_ITEMS: usize = 100;
/// A path that is longer is cut: twice what Windows allows in most places, and below Linux's 4096.
pub const MAX_PATH_CHARS: usize = 1_024;
/// A reason is one line for people.
pub const MAX_REASON_CHARS: usize = 300;

/// A path, and what a tool says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Printable, and cut at [`MAX_PATH_CHARS`]. Absent where the tool named none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The exact bytes in base64, where `path` is not exact because they are not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_b64: Option<String>,
    /// The system's error code, where the tool printed one: Win32 for robocopy, errno for rsync.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<i64>,
    /// In the tool's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Item {
    /// With texts from outside, made safe to show.
    #[must_use]
    pub fn new(path: Option<&str>, code: Option<i64>, reason: Option<&str>) -> Self {
        Self {
            path: path.map(|path| printable(path, MAX_PATH_CHARS)),
            path_b64: None,
            code,
            reason: reason.map(|reason| printable(reason.trim(), MAX_REASON_CHARS)),
        }
    }
}

/// The first [`MAX_ITEMS`] items, and how many there were.
#[derive(Debug, Clone, Default)]
pub struct Items {
    kept: Vec<Item>,
    total: u64,
}

impl Items {
    /// Counts it, and keeps it while there is room.
    pub fn push(&mut self, item: Item) {
        self.total += 1;
        if self.kept.len() < MAX_ITEMS {
            self.kept.push(item);
        }
    }

    /// How many there were.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// The first ones.
    #[must_use]
    pub fn kept(&self) -> &[Item] {
        &self.kept
    }

    /// To put their paths right once more is known.
    pub(crate) fn kept_mut(&mut self) -> &mut [Item] {
        &mut self.kept
    }

    /// Sentences name the first one.
    pub(crate) fn keep_first(&mut self) {
        self.kept.truncate(1);
        self.kept.shrink_to_fit();
    }
}
