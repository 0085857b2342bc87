//! The table at a log's end.

use crate::number::{Base, integer, scaled};

/// A label of any language is short.
const MAX_LABEL_CHARS: usize = 30;

/// One row of the table, by position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Row {
    /// In the source.
    pub total: u64,
    /// Copied, or created.
    pub copied: u64,
    /// There already, or excluded.
    pub skipped: u64,
    /// A file on one side, a folder on the other.
    pub mismatched: u64,
    /// Not copied.
    pub failed: u64,
    /// Only in the target.
    pub extras: u64,
}

/// The three rows that are always there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Folders.
    pub folders: Row,
    /// Files.
    pub files: Row,
    /// Bytes; rounded to the digits that are printed, unless `/BYTES` was given.
    pub bytes: Row,
}

/// Gathers three rows that follow each other. File names cannot imitate them: lines that name files begin with
/// a tab, and three of them in a row would need a colon in each name.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    rows: [Row; 3],
    count: usize,
}

impl Rows {
    /// The table, once its third row is there.
    pub(crate) fn line(&mut self, line: &str) -> Option<Summary> {
        let Some(row) = row(line) else {
            self.count = 0;
            return None;
        };
        self.rows[self.count] = row;
        self.count += 1;
        if self.count < 3 {
            return None;
        }
        self.count = 0;
        let [folders, files, bytes] = self.rows;
        Some(Summary { folders, files, bytes })
    }
}

/// `label : six numbers`, columns of any width; a size may be two words.
fn row(line: &str) -> Option<Row> {
    let (label, rest) = line.split_once(':')?;
    let is_label = !label.trim().is_empty() && !label.contains(['\t', '\\', '/']);
    if !is_label || label.trim().chars().count() > MAX_LABEL_CHARS || line.starts_with('\t') {
        return None;
    }
    let mut words = rest.split_whitespace().peekable();
    let mut value = || {
        let figure = words.next()?;
        let unit = words.next_if(|word| word.len() == 1 && word.starts_with(|c: char| c.is_ascii_alphabetic()));
        match unit.and_then(|unit| unit.chars().next()) {
            Some(unit) => scaled(figure, unit, Base::Binary),
            None => integer(figure),
        }
    };
    let row = Row {
        total: value()?,
        copied: value()?,
        skipped: value()?,
        mismatched: value()?,
        failed: value()?,
        extras: value()?,
    };
    words.next().is_none().then_some(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_any_width_and_language_are_read_by_their_order() {
        let mut rows = Rows::default();
        assert_eq!(rows.line("Verzeich.:        25        24         1         0         0         0"), None);
        assert_eq!(rows.line("  文件 : 164282499072 164282499072 0 0 3002 6"), None);
        let summary = rows.line("    Bytes:  45.476 g  844.3 k         0         0         0     1.5 t");
        assert_eq!(summary.map(|summary| summary.files.failed), Some(3_002));
        assert_eq!(summary.map(|summary| summary.bytes.copied), Some(864_563));
        assert_eq!(summary.map(|summary| summary.bytes.extras), Some(1_649_267_441_664));
    }

    #[test]
    fn what_is_not_a_row_begins_the_table_anew() {
        let mut rows = Rows::default();
        let row = "Files : 1 2 3 4 5 6";
        for line in [row, row, "\t  New File \t\t 5\t1 2 3 4 5 6 scan.pdf", row, row] {
            assert_eq!(rows.line(line), None);
        }
        assert!(rows.line(row).is_some());
        for line in
            ["Times : 0:00:49 0:00:00 0:00:00 0:00:48", "Files : 1 2 3 4 5", "Files : 1 2 3 4 5 6 7", ": 1 2 3 4 5 6"]
        {
            assert!(super::row(line).is_none(), "{line}");
        }
    }
}
