//! Tables for spreadsheets and for other programs: CSV (RFC 4180, UTF-8, line feeds) and JSON with the same columns. The
//! same input always gives the same bytes.

mod definitions;
mod parts;
mod status;
#[cfg(test)]
mod tests;

use serde::Serialize;

pub use self::definitions::{ActionRow, DefinitionRow, TriggerRow};
pub use self::status::{SimpleStatusRow, StatusTableRow};
use crate::collection::Collection;
use crate::watch::Verdict;

/// What the site agreed on and remembers of a task.
#[derive(Debug, Clone, Default)]
pub struct Agreed {
    /// Codes that count as success.
    pub success: Vec<u32>,
    /// Why it raises no alert.
    pub quiet: Option<String>,
    /// When it was first collected.
    pub first_seen: Option<jiff::Timestamp>,
    /// When its definition last changed.
    pub last_changed: Option<jiff::Timestamp>,
}

/// Every table of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tables {
    /// `definitions`.
    pub definitions: Vec<DefinitionRow>,
    /// `triggers`.
    pub triggers: Vec<TriggerRow>,
    /// `actions`.
    pub actions: Vec<ActionRow>,
    /// `status`.
    pub status: Vec<StatusTableRow>,
    /// `task-status`, as old readers know it.
    pub task_status: Vec<SimpleStatusRow>,
}

/// Makes all tables. `verdicts` and `agreed` go with the collection's entries, one each.
#[must_use]
pub fn tables(collection: &Collection, verdicts: &[Verdict], agreed: &[Agreed]) -> Tables {
    let nothing = Agreed::default();
    let mut tables =
        Tables { definitions: vec![], triggers: vec![], actions: vec![], status: vec![], task_status: vec![] };
    for (index, entry) in collection.entries.iter().enumerate() {
        tables.definitions.push(definitions::definition(collection, entry));
        tables.triggers.extend(definitions::triggers(collection, entry));
        tables.actions.extend(definitions::actions(collection, entry));
        if let Some(verdict) = verdicts.get(index) {
            let agreed = agreed.get(index).unwrap_or(&nothing);
            tables.status.push(status::status(collection, entry, verdict, agreed));
            tables.task_status.push(status::simple(collection, entry, verdict));
        }
    }
    tables
}

impl Tables {
    /// The files that a collection's report consists of, by name.
    #[must_use]
    pub fn files(&self) -> Vec<(&'static str, Vec<u8>)> {
        vec![
            ("definitions.csv", csv(&self.definitions)),
            ("definitions.json", json(&self.definitions)),
            ("triggers.csv", csv(&self.triggers)),
            ("triggers.json", json(&self.triggers)),
            ("actions.csv", csv(&self.actions)),
            ("actions.json", json(&self.actions)),
            ("status.csv", csv(&self.status)),
            ("status.json", json(&self.status)),
            ("task-status.csv", csv(&self.task_status)),
            ("task-status.json", json(&self.task_status)),
        ]
    }
}

/// Rows with a header. An empty table is its header.
fn csv<R: Serialize + Default>(rows: &[R]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().has_headers(true).from_writer(Vec::new());
    let is_empty = rows.is_empty();
    let blank = [R::default()];
    for row in if is_empty { &blank } else { rows } {
        writer.serialize(row).expect("a row has text and numbers only, and memory takes them");
    }
    let bytes = writer.into_inner().expect("memory takes what is flushed to it");
    let header = bytes.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    if is_empty { bytes[..header].to_vec() } else { bytes }
}

fn json<R: Serialize>(rows: &[R]) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(rows).expect("a row has text and numbers only");
    bytes.push(b'\n');
    bytes
}
