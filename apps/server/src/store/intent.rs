//! Intents: what is about to happen to a file. Each is recorded before its file is touched and removed by the
//! transaction that records the result, so that whoever finds one of an ended session knows exactly which two places
//! to look at.
//!
//! Only an ended session's intent can be taken over, and from then on only the new session records the result. So two
//! that both believe to have claimed it do no harm: renaming and deleting twice is as good as once, and the second to
//! record finds that the intent is not its own.

use jiff::Timestamp;
use strongroom_model::{BookingId, DriveId, Month};

use super::booking::{Timesheet, stored_path, stored_size, taken_size};
use super::columns::columns;
use super::{Connection, OutsideText, Result, Sql, Store, from_us, list, parsed, query, to_us};
use crate::path::RelativePath;
use crate::unchanged::{Fingerprint, Stamp};

#[derive(Debug, Clone)]
pub(crate) struct Intent {
    pub(crate) booking: BookingId,
    /// Where the file is before.
    pub(crate) from: RelativePath,
    pub(crate) at: Timestamp,
    /// What the file must be for any change. An earlier version did not record it.
    pub(crate) file: Option<Fingerprint>,
    pub(crate) operation: Operation,
}

#[derive(Debug, Clone)]
pub(crate) enum Operation {
    /// A new file leaves its temporary name; `sign_off` is set for an import.
    Place { timesheet: Timesheet, sign_off: Option<Timestamp> },
    /// A marked booking's file moves to `archived/<month>/`.
    Move { to: RelativePath, month: Month },
    /// An approved purge deletes an archived file.
    Purge { purge: String },
    /// A file that a later upload replaced is deleted.
    Discard,
    /// A copy of an archived or purged booking's file goes to `to`. `replaces`: a damaged file there is put aside.
    Restore { to: RelativePath, drive: Option<DriveId>, replaces: bool },
}

const OF_SESSIONS: Sql = Sql::Each {
    sqlite: "SELECT * FROM intent WHERE session IN (SELECT value FROM json_each($1)) ORDER BY number",
    postgres: "SELECT * FROM intent WHERE session = ANY($1) ORDER BY number",
};
const TAKE_OVER: Sql = Sql::Each {
    sqlite: "UPDATE intent SET session = $2 WHERE session IN (SELECT value FROM json_each($1))",
    postgres: "UPDATE intent SET session = $2 WHERE session = ANY($1)",
};
/// The second condition is the index's own.
const CONCERNS: Sql = Sql::Each {
    sqlite: "SELECT EXISTS (SELECT 1 FROM intent WHERE from_path = $1) \
             OR EXISTS (SELECT 1 FROM intent WHERE to_path = $1 AND to_path IS NOT NULL)",
    postgres: "SELECT EXISTS (SELECT 1 FROM intent WHERE sha256(from_path) = sha256($1)) \
               OR EXISTS (SELECT 1 FROM intent WHERE sha256(to_path) = sha256($1) AND to_path IS NOT NULL)",
};

impl Store {
    pub(crate) async fn sessions_with_intents(&self) -> Result<Vec<String>> {
        let rows: Vec<(String,)> =
            query("SELECT DISTINCT session FROM intent").fetch_all(&mut self.reader().await?).await?;
        Ok(rows.into_iter().map(|(session,)| session).collect())
    }

    pub(crate) async fn take_over(&self, sessions: &[String], session: &str) -> Result<Vec<Intent>> {
        let mut db = self.begin().await?;
        let intents = query(OF_SESSIONS).bind(list(sessions)).fetch_all(&mut db).await?;
        query(TAKE_OVER).bind(list(sessions)).bind(session).execute(&mut db).await?;
        db.commit().await?;
        Ok(intents)
    }

    pub(crate) async fn own_moves(&self, session: &str) -> Result<Vec<Intent>> {
        let rows =
            query("SELECT * FROM intent WHERE session = $1 AND kind IN ('move', 'purge', 'restore') ORDER BY number");
        rows.bind(session).fetch_all(&mut self.reader().await?).await
    }

    pub(crate) async fn own_upload(&self, session: &str, booking: &BookingId) -> Result<Option<Intent>> {
        let row = query("SELECT * FROM intent WHERE session = $1 AND booking = $2 AND kind IN ('place', 'discard')");
        row.bind(session).bind(booking.as_str()).fetch_optional(&mut self.reader().await?).await
    }
}

/// Records an intent; false if the booking has one already.
pub(crate) async fn insert(db: &mut Connection, session: &str, intent: &Intent) -> Result<bool> {
    let fields = Fields::of(&intent.operation);
    let inserted = query(
        "INSERT INTO intent (session, kind, booking, from_path, to_path, at_us, month, purge, filename, size_bytes, \
         digest, signed_off_at_us, stamp, drive, replaces) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) \
         ON CONFLICT (booking) DO NOTHING",
    )
    .bind(session)
    .bind(fields.kind)
    .bind(intent.booking.as_str())
    .bind(intent.from.as_bytes())
    .bind(fields.to.map(RelativePath::as_bytes))
    .bind(to_us(intent.at))
    .bind(fields.month.map(|month| month.to_string()))
    .bind(fields.purge.map(str::to_owned))
    .bind(fields.timesheet.map(|timesheet| OutsideText::from(timesheet.filename.as_str())))
    .bind(intent.file.as_ref().map(|file| stored_size(file.size)))
    .bind(
        fields
            .timesheet
            .map(|timesheet| &timesheet.digest)
            .or(intent.file.as_ref().map(|file| &file.digest))
            .map(ToString::to_string),
    )
    .bind(fields.sign_off.map(to_us))
    .bind(intent.file.as_ref().and_then(|file| file.stamp.as_ref()).map(|stamp| stamp.as_str().to_owned()))
    .bind(fields.drive.map(|drive| drive.to_string()))
    .bind(fields.replaces.map(i64::from));
    Ok(inserted.execute(db).await? == 1)
}

/// Removes a booking's intent: its result is recorded, or will never be. False if it is not this session's any more.
pub(crate) async fn remove(db: &mut Connection, session: &str, booking: &BookingId) -> Result<bool> {
    let removed = query("DELETE FROM intent WHERE booking = $1 AND session = $2");
    Ok(removed.bind(booking.as_str()).bind(session).execute(db).await? == 1)
}

/// Whether an intent concerns a file at this path.
pub(crate) async fn concerns(db: &mut Connection, path: &RelativePath) -> Result<bool> {
    let (concerns,): (bool,) = query(CONCERNS).bind(path.as_bytes()).fetch_one(db).await?;
    Ok(concerns)
}

/// An operation as the table's columns.
#[derive(Default)]
struct Fields<'a> {
    kind: &'static str,
    to: Option<&'a RelativePath>,
    month: Option<Month>,
    purge: Option<&'a str>,
    timesheet: Option<&'a Timesheet>,
    sign_off: Option<Timestamp>,
    drive: Option<DriveId>,
    replaces: Option<bool>,
}

impl<'a> Fields<'a> {
    fn of(operation: &'a Operation) -> Self {
        match operation {
            Operation::Place { timesheet, sign_off } => Self {
                kind: "place",
                to: Some(&timesheet.path),
                timesheet: Some(timesheet),
                sign_off: *sign_off,
                ..Self::default()
            },
            Operation::Move { to, month } => {
                Self { kind: "move", to: Some(to), month: Some(*month), ..Self::default() }
            }
            Operation::Purge { purge } => Self { kind: "purge", purge: Some(purge), ..Self::default() },
            Operation::Discard => Self { kind: "discard", ..Self::default() },
            Operation::Restore { to, drive, replaces } => {
                Self { kind: "restore", to: Some(to), drive: *drive, replaces: Some(*replaces), ..Self::default() }
            }
        }
    }
}

columns! {
    struct IntentColumns for Intent {
        kind: String,
        booking: String,
        from_path: Vec<u8>,
        to_path: Option<Vec<u8>>,
        at_us: i64,
        month: Option<String>,
        purge: Option<String>,
        filename: Option<OutsideText>,
        size_bytes: Option<i64>,
        digest: Option<String>,
        signed_off_at_us: Option<i64>,
        stamp: Option<String>,
        drive: Option<String>,
        replaces: Option<i64>,
    }
}

impl TryFrom<IntentColumns> for Intent {
    type Error = sqlx::Error;

    fn try_from(row: IntentColumns) -> sqlx::Result<Self> {
        Ok(Self {
            booking: parsed(&row.booking)?,
            from: stored_path(&row.from_path)?,
            at: from_us(row.at_us)?,
            file: row.file()?,
            operation: row.operation()?,
        })
    }
}

impl IntentColumns {
    fn file(&self) -> sqlx::Result<Option<Fingerprint>> {
        let (Some(size), Some(digest)) = (self.size_bytes, &self.digest) else { return Ok(None) };
        let stamp = self.stamp.clone().map(Stamp::stored);
        Ok(Some(Fingerprint { size: taken_size(size), digest: parsed(digest)?, stamp }))
    }

    fn operation(self) -> sqlx::Result<Operation> {
        let to = self.to_path.map(|path| stored_path(&path)).transpose()?;
        Ok(match (self.kind.as_str(), to) {
            ("place", Some(path)) => {
                let OutsideText(filename) = present(self.filename)?;
                let (size, digest) = (taken_size(present(self.size_bytes)?), parsed(&present(self.digest)?)?);
                let sign_off = self.signed_off_at_us.map(from_us).transpose()?;
                Operation::Place { timesheet: Timesheet { filename, size, digest, path, stamp: None }, sign_off }
            }
            ("move", Some(to)) => Operation::Move { to, month: parsed(&present(self.month)?)? },
            ("purge", None) => Operation::Purge { purge: present(self.purge)? },
            ("discard", None) => Operation::Discard,
            ("restore", Some(to)) => Operation::Restore {
                to,
                drive: self.drive.map(|drive| parsed(&drive)).transpose()?,
                replaces: present(self.replaces)? != 0,
            },
            (kind, _) => return Err(sqlx::Error::Decode(format!("{kind:?} is not an intent").into())),
        })
    }
}

/// A column that the table's checks promise for the row's kind.
fn present<T>(column: Option<T>) -> sqlx::Result<T> {
    column.ok_or_else(|| sqlx::Error::Decode("an intent lacks a column of its kind".into()))
}
