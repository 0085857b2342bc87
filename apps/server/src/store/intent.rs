//! Intents: what is about to happen to a file. Each is recorded before its file is touched
//! and removed by the transaction that records the result, so that whoever finds one whose
//! session is over knows exactly which two places to look at.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};
use strongroom_model::{BookingId, ByteCount, Month};

use super::booking::{Timesheet, stored_path, stored_size};
use super::{Connection, Result, Store, from_us, json_list, parsed, to_us};
use crate::path::RelativePath;

/// What is about to happen to a booking's file.
#[derive(Debug, Clone)]
pub(crate) struct Intent {
    pub(crate) booking: BookingId,
    /// Where the file is before.
    pub(crate) from: RelativePath,
    pub(crate) at: Timestamp,
    pub(crate) deed: Deed,
}

/// The kinds of intents.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    /// A new file leaves its temporary name; `sign_off` is set for one that is imported.
    Place { timesheet: Timesheet, sign_off: Option<Timestamp> },
    /// A marked booking's file goes to `archived/<month>/`.
    Move { to: RelativePath, month: Month },
    /// An archived booking's file is deleted by an approved purge.
    Purge { purge: String },
    /// A file that a later upload replaced is deleted.
    Discard,
}

impl Store {
    /// The intents of sessions other than these.
    pub(crate) async fn intents_but_of(&self, sessions: &[String]) -> Result<Vec<Intent>> {
        let query = "SELECT * FROM intent WHERE session NOT IN (SELECT value FROM json_each(?1)) ORDER BY number";
        Ok(sqlx::query_as(query).bind(json_list(sessions)).fetch_all(&mut *self.reader().await?).await?)
    }

    /// The intents of one session that concern moves and purges.
    pub(crate) async fn own_moves(&self, session: &str) -> Result<Vec<Intent>> {
        let query = "SELECT * FROM intent WHERE session = ?1 AND kind IN ('move', 'purge') ORDER BY number";
        Ok(sqlx::query_as(query).bind(session).fetch_all(&mut *self.reader().await?).await?)
    }

    /// The intent of one session that concerns this booking's upload.
    pub(crate) async fn own_upload(&self, session: &str, booking: &BookingId) -> Result<Option<Intent>> {
        let query = "SELECT * FROM intent WHERE session = ?1 AND booking = ?2 AND kind IN ('place', 'discard')";
        let row = sqlx::query_as(query).bind(session).bind(booking.as_str());
        Ok(row.fetch_optional(&mut *self.reader().await?).await?)
    }
}

/// Records an intent; gives whether there was none for the booking yet.
pub(crate) async fn insert(db: &mut Connection, session: &str, intent: &Intent) -> Result<bool> {
    let fields = Fields::of(&intent.deed);
    let inserted = sqlx::query(
        "INSERT INTO intent (session, kind, booking, from_path, to_path, at_us, month, purge, filename, size_bytes, \
         digest, signed_off_at_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
         ON CONFLICT (booking) DO NOTHING",
    )
    .bind(session)
    .bind(fields.kind)
    .bind(intent.booking.as_str())
    .bind(intent.from.as_bytes())
    .bind(fields.to.map(RelativePath::as_bytes))
    .bind(to_us(intent.at))
    .bind(fields.month.map(|month| month.to_string()))
    .bind(fields.purge)
    .bind(fields.timesheet.map(|timesheet| timesheet.filename.as_str()))
    .bind(fields.timesheet.map(|timesheet| stored_size(timesheet.size)))
    .bind(fields.timesheet.map(|timesheet| timesheet.digest.to_string()))
    .bind(fields.sign_off.map(to_us))
    .execute(db)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Removes a booking's intent: what it announced is recorded, or will never be.
pub(crate) async fn remove(db: &mut Connection, booking: &BookingId) -> Result<()> {
    sqlx::query("DELETE FROM intent WHERE booking = ?1").bind(booking.as_str()).execute(db).await?;
    Ok(())
}

/// Whether a file at this path is in someone's hands.
pub(crate) async fn concerns(db: &mut Connection, path: &RelativePath) -> Result<bool> {
    let query = "SELECT EXISTS (SELECT 1 FROM intent WHERE from_path = ?1) \
                 OR EXISTS (SELECT 1 FROM intent WHERE to_path = ?1 AND to_path NOT NULL)";
    Ok(sqlx::query_scalar(query).bind(path.as_bytes()).fetch_one(db).await?)
}

/// A deed as the table's columns.
#[derive(Default)]
struct Fields<'a> {
    kind: &'static str,
    to: Option<&'a RelativePath>,
    month: Option<Month>,
    purge: Option<&'a str>,
    timesheet: Option<&'a Timesheet>,
    sign_off: Option<Timestamp>,
}

impl<'a> Fields<'a> {
    fn of(deed: &'a Deed) -> Self {
        match deed {
            Deed::Place { timesheet, sign_off } => Self {
                kind: "place",
                to: Some(&timesheet.path),
                timesheet: Some(timesheet),
                sign_off: *sign_off,
                ..Self::default()
            },
            Deed::Move { to, month } => Self { kind: "move", to: Some(to), month: Some(*month), ..Self::default() },
            Deed::Purge { purge } => Self { kind: "purge", purge: Some(purge), ..Self::default() },
            Deed::Discard => Self { kind: "discard", ..Self::default() },
        }
    }
}

impl FromRow<'_, SqliteRow> for Intent {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        let to = || stored_path(row.try_get("to_path")?);
        let deed = match row.try_get("kind")? {
            "place" => {
                let timesheet = Timesheet {
                    filename: row.try_get("filename")?,
                    size: ByteCount(u64::try_from(row.try_get::<i64, _>("size_bytes")?).unwrap_or_default()),
                    digest: parsed(row.try_get("digest")?)?,
                    path: to()?,
                };
                let sign_off: Option<i64> = row.try_get("signed_off_at_us")?;
                Deed::Place { timesheet, sign_off: sign_off.map(from_us).transpose()? }
            }
            "move" => Deed::Move { to: to()?, month: parsed(row.try_get("month")?)? },
            "purge" => Deed::Purge { purge: row.try_get("purge")? },
            _ => Deed::Discard,
        };
        Ok(Self {
            booking: parsed(row.try_get("booking")?)?,
            from: stored_path(row.try_get("from_path")?)?,
            at: from_us(row.try_get("at_us")?)?,
            deed,
        })
    }
}
