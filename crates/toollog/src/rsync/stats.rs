//! The block of figures at the end: rsync 3.x, 2.6.9, openrsync in two dialects.

use crate::number::{Base, leading};

/// Figures of `--stats`, as far as they are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// All entries of the source.
    pub entries: Option<u64>,
    /// Of those, regular files.
    pub regular: Option<u64>,
    /// Folders, links, files that were created.
    pub created: Option<u64>,
    /// Deleted from the target.
    pub deleted: Option<u64>,
    /// Regular files transferred, with those that could not be read.
    pub transferred: Option<u64>,
    /// Size of the source.
    pub total_bytes: Option<u64>,
    /// Size of what was transferred.
    pub transferred_bytes: Option<u64>,
    /// Bytes on the wire or the pipe.
    pub sent_bytes: Option<u64>,
}

impl Stats {
    /// Takes a figure from a line. Returns whether it was a line of this block.
    pub(crate) fn line(&mut self, line: &str) -> bool {
        let Some((label, value)) = line.split_once(':') else { return false };
        let figure = leading(value, Base::Decimal);
        let field = match label {
            "Number of files" => {
                let regular =
                    value.split_once("(reg: ").and_then(|(_, rest)| leading(rest.trim_end_matches(')'), Base::Decimal));
                self.regular = regular.or(self.regular);
                &mut self.entries
            }
            "Number of created files" => &mut self.created,
            "Number of deleted files" => &mut self.deleted,
            "Number of regular files transferred" | "Number of files transferred" => &mut self.transferred,
            "Total file size" => &mut self.total_bytes,
            "Total transferred file size" => &mut self.transferred_bytes,
            "Total bytes sent" | "Total sent" => &mut self.sent_bytes,
            "Literal data"
            | "Matched data"
            | "Unmatched data"
            | "File list size"
            | "File list generation time"
            | "File list transfer time"
            | "Total bytes received"
            | "Total received" => return true,
            _ => return false,
        };
        *field = figure;
        true
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_all_dialects_are_read() {
        let mut stats = Stats::default();
        for line in [
            "Number of files: 357,054 (reg: 127,330, dir: 200,455, link: 29,269)",
            "Number of files transferred: 44",
            "Total file size: 14.89G bytes",
            "Total transferred file size: 254016 B",
            "Total sent: 295421",
        ] {
            assert!(stats.line(line), "{line}");
        }
        assert_eq!((stats.entries, stats.regular), (Some(357_054), Some(127_330)));
        assert_eq!((stats.transferred, stats.total_bytes), (Some(44), Some(14_890_000_000)));
        assert_eq!((stats.transferred_bytes, stats.sent_bytes), (Some(254_016), Some(295_421)));
        assert!(!stats.line("Number of sheep: 3"));
    }
}
