//! `systemctl list-timers --all -o json`.

use jiff::Timestamp;
use serde::Deserialize;

use crate::problem::Problem;
use crate::text::decode;
use crate::watch::LastRun;

/// A timer as systemd lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedTimer {
    /// `backup.timer`.
    pub unit: String,
    /// What it starts.
    pub activates: Vec<String>,
    /// The next start.
    pub next: Option<Timestamp>,
    /// When it last started something. `passed` and `left` are left out: what they count from differs between versions.
    pub last_run: LastRun,
}

/// Instants are microseconds since 1970; no start is null, 0, absent, or the greatest number there is.
#[derive(Deserialize)]
struct Row {
    unit: Option<String>,
    next: Option<serde_json::Number>,
    last: Option<serde_json::Number>,
    activates: Option<Activates>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Activates {
    One(String),
    Several(Vec<String>),
}

/// Reads the list.
///
/// # Errors
///
/// Older versions print a table in spite of `-o json`: that is said. Other text is not read either.
pub fn read_list_timers(bytes: &[u8]) -> Result<Vec<ListedTimer>, Problem> {
    let text = decode(bytes, None)?.text;
    if text.trim_start().starts_with("NEXT") || text.contains("timers listed.") {
        return Err(Problem::Lossy("this systemctl prints timers as a table only: collect `systemctl show '*.timer'`"));
    }
    let rows: Vec<Row> = serde_json::from_str(&text).map_err(|error| Problem::TimersJson(error.to_string()))?;
    Ok(rows.into_iter().filter_map(listed).collect())
}

fn listed(row: Row) -> Option<ListedTimer> {
    let instant = |number: Option<serde_json::Number>| {
        let micros = i64::try_from(number?.as_u64()?).ok().filter(|micros| *micros > 0)?;
        Timestamp::from_microsecond(micros).ok()
    };
    let last_run = match &row.last {
        Some(number) if number.as_u64() == Some(0) => LastRun::Never,
        None => LastRun::Unknown("the list does not contain a last start".to_owned()),
        Some(_) => instant(row.last.clone())
            .map_or_else(|| LastRun::Unknown("the list's last start is not an instant".to_owned()), LastRun::At),
    };
    let activates = match row.activates {
        Some(Activates::One(unit)) => vec![unit],
        Some(Activates::Several(units)) => units,
        None => Vec::new(),
    };
    Some(ListedTimer { unit: row.unit?, activates, next: instant(row.next), last_run })
}
