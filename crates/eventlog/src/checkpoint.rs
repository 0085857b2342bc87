//! A log's size and root, remembered outside of it: only that reveals a log restored from an older copy, or a database
//! server that took over without the newest events. Each process keeps one in its data folder and on the drive, and
//! mails hold it.
//!
//! The text is a C2SP checkpoint (<https://c2sp.org/tlog-checkpoint>) without a signature, and one more line: the last
//! summary's number, which must not be reused.

use std::fmt;
use std::str::FromStr;

use strongroom_model::{Position, SiteId};

use crate::error::LogError;
use crate::log::EventLog;
use crate::merkle::{Frontier, Hash};
use crate::stored::{Head, ParseHeadError};

/// An origin of 100 bytes, a size, a root and a number fit.
pub const MAX_CHECKPOINT_BYTES: usize = 512;

const ORIGIN: &str = "strongroom/";
const SUMMARY: &str = "summary ";
/// Leaves read at a time: half a MiB.
const LEAVES: u64 = 16_384;

/// An earlier state of a site's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's site.
    pub site: SiteId,
    /// Its size and root.
    pub head: Head,
    /// The last summary's number; 0 before the first.
    pub summary: u64,
}

/// A text that is not a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseCheckpointError {
    /// It does not have a checkpoint's lines.
    #[error("it does not have the lines of a checkpoint")]
    Lines,
    /// Its size or root is malformed.
    #[error(transparent)]
    Head(#[from] ParseHeadError),
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { site, head, summary } = self;
        write!(f, "{ORIGIN}{site}\n{}\n{}\n{SUMMARY}{summary}\n", head.size, head.root_base64())
    }
}

impl FromStr for Checkpoint {
    type Err = ParseCheckpointError;

    fn from_str(text: &str) -> Result<Self, ParseCheckpointError> {
        let lines: Vec<&str> = text.lines().collect();
        let [origin, size, root, summary] = lines[..] else { return Err(ParseCheckpointError::Lines) };
        let site = origin.strip_prefix(ORIGIN).and_then(|site| site.parse().ok());
        let summary = summary.strip_prefix(SUMMARY).and_then(|number| number.parse().ok());
        let (Some(site), Some(summary)) = (site, summary) else { return Err(ParseCheckpointError::Lines) };
        Ok(Self { site, head: format!("{size}:{root}").parse()?, summary })
    }
}

/// How a log relates to an earlier state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// It is the same or longer.
    Continues,
    /// It has only that many events.
    Shorter(u64),
    /// Its first events are others.
    Differs,
}

impl EventLog {
    /// Compares the log with an earlier state, reading all leaf hashes up to it.
    ///
    /// # Errors
    /// The database failed, or a position is missing.
    pub async fn compare(&self, earlier: &Head) -> Result<Comparison, LogError> {
        let size = self.head().await?.size;
        if size < earlier.size {
            return Ok(Comparison::Shorter(size));
        }
        let mut tree = Frontier::default();
        while tree.size() < earlier.size {
            let to = earlier.size.min(tree.size() + LEAVES);
            let leaves: Vec<Hash> = self.leaves(Position(tree.size()), Position(to)).await?;
            if leaves.len() as u64 != to - tree.size() {
                return Err(LogError::Damaged { position: Position(tree.size()), reason: "an event is missing" });
            }
            leaves.into_iter().for_each(|leaf| tree.push(leaf));
        }
        Ok(if tree.root() == earlier.root { Comparison::Continues } else { Comparison::Differs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_read_as_it_is_written() {
        let head = Head { size: 181, root: [7; 32] };
        let checkpoint = Checkpoint { site: "harbour".parse().unwrap(), head, summary: 12 };
        let text = checkpoint.to_string();
        assert_eq!(text, "strongroom/harbour\n181\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\nsummary 12\n");
        assert_eq!(text.parse(), Ok(checkpoint));
        for (from, to) in
            [("strongroom/", "x/"), ("181", "-1"), ("BwcH", "BwcH!"), ("summary 12", "summary"), ("harbour", "H/..")]
        {
            assert!(text.replace(from, to).parse::<Checkpoint>().is_err(), "{from} -> {to}");
        }
        assert!(format!("{text}more\n").parse::<Checkpoint>().is_err());
        assert!("".parse::<Checkpoint>().is_err());
    }
}
