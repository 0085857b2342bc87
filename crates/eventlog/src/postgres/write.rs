//! Writing: each group in one statement, in the writer's turn.
//!
//! A writer first takes its turn, a lock that all of a site's writers queue at, and learns the log's end; then it
//! appends what has gathered, by compare and swap on the head. So no transaction is open while this process computes,
//! nobody starves, and a writer that hangs in its turn only makes the others write without turns for a while.
//!
//! Callers' expected versions are trusted first. If the database refuses the group, they are looked up and the group
//! is planned again.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::postgres::{PgConnection, PgDatabaseError, PgSeverity};
use strongroom_model::{EventId, Position, SiteId, StreamName, Version};
use strongroom_service::{fault, kill_point};
use tokio::time::Instant;
use uuid::Uuid;

use super::place::{Place, timely};
use super::rebuild::rebuild;
use super::{LOCK_NOT_AVAILABLE, RESTRICT_VIOLATION, UNIQUE_VIOLATION, passes, state};
use crate::appender::{Grouping, WriteError};
use crate::error::LogError;
use crate::plan::{Before, Group, Known, Plan};
use crate::reading::{column, frontier_of};
use crate::stream_head::Moved;

/// Column by column, in the order of `put_streams`. A macro, since each kind of query is another type.
macro_rules! bind_heads {
    ($query:expr, $moved:expr) => {{
        let heads = || $moved.iter().map(|moved| &moved.head);
        $query
            .bind(heads().map(|head| head.stream.to_string()).collect::<Vec<_>>())
            .bind(heads().map(|head| head.stream.kind().name()).collect::<Vec<_>>())
            .bind(heads().map(|head| head.stream.kind().is_listed()).collect::<Vec<_>>())
            .bind(heads().map(|head| $crate::reading::column(head.first_position.0)).collect::<Vec<_>>())
            .bind(heads().map(|head| $crate::reading::column(head.position.0)).collect::<Vec<_>>())
            .bind(heads().map(|head| $crate::reading::column(head.version.0)).collect::<Vec<_>>())
            .bind(heads().map(|head| head.next.map(|next| next.stage.name())).collect::<Vec<_>>())
            .bind(
                heads()
                    .map(|head| head.next.and_then(|next| next.not_before).map(|due| due.as_microsecond()))
                    .collect::<Vec<_>>(),
            )
            .bind(heads().map(|head| head.status.as_ref().map(|status| status.as_str())).collect::<Vec<_>>())
            .bind(heads().map(|head| head.partition.as_ref().map(|partition| partition.as_str())).collect::<Vec<_>>())
    }};
}
pub(super) use bind_heads;

/// How long to retry while the server starts or stops.
const RETRY_FOR: Duration = Duration::from_secs(30);
/// The first pause between retries, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How long to write without turns after waiting for one timed out: another writer hangs in its turn.
const WITHOUT_TURN: Duration = Duration::from_secs(60);
/// How often a group is planned again after a lost race; in a turn there are none.
const MAX_TRIES: usize = 32;

/// Only the appender's task has it and is never cancelled.
#[derive(Debug)]
pub(crate) struct PostgresWriter {
    place: Place,
    pub(super) site: SiteId,
    /// Absent after an error, which leaves the connection in an unknown state.
    pub(super) connection: Option<PgConnection>,
    /// The next group's turn and connection.
    turn: Option<Turn>,
    turnless_until: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// Expected versions and new ids are trusted; wrong only after a lost race or a mistake.
    Callers,
    /// Streams and ids are looked up.
    Nobody,
}

/// All but the first changed nothing, and the group is planned again.
enum Outcome {
    Stored,
    LateForTheHead,
    Refused,
}

#[derive(Debug)]
struct Turn {
    connection: PgConnection,
    before: Before,
    /// Whether others wait for us.
    held: bool,
}

impl PostgresWriter {
    /// A commit costs a round trip and a sync whatever it holds, so nobody is waited for: while one group is on its
    /// way, the next gathers.
    pub(crate) const GROUPING: Grouping = Grouping { max_events: 1024, gather: Duration::ZERO };

    pub(super) const fn new(place: Place, site: SiteId, connection: PgConnection) -> Self {
        Self { place, site, connection: Some(connection), turn: None, turnless_until: None }
    }

    /// Waits for our turn; what gathers meanwhile joins the group.
    pub(crate) async fn take_turn(&mut self) -> Result<(), WriteError> {
        self.turn = Some(self.ask(&[], &[]).await?);
        Ok(())
    }

    pub(crate) async fn write<'a>(&mut self, group: &Group<'a>) -> Result<Plan<'a>, WriteError> {
        let mut trust = Trust::Callers;
        for _ in 0..MAX_TRIES {
            // An error from here on drops the connection and its turn.
            let Turn { mut connection, before, held } = self.turn_for(group, trust).await?;
            let plan = Plan::new(before, group)?;
            // No append is refused on trust.
            let doubtful = trust == Trust::Callers && plan.verdicts.iter().any(Result::is_err);
            if doubtful || plan.rows.is_empty() {
                if held {
                    timely(end_turn(&mut connection, &self.site)).await?;
                }
                self.connection = Some(connection);
                if !doubtful {
                    return Ok(plan);
                }
                trust = Trust::Nobody;
                continue;
            }
            let outcome = append(&mut connection, &self.site, held, trust, &plan).await?;
            self.connection = Some(connection);
            match outcome {
                Outcome::Stored => return Ok(plan),
                Outcome::LateForTheHead => {}
                Outcome::Refused => trust = Trust::Nobody,
            }
        }
        Err(LogError::Crowded.into())
    }

    async fn turn_for(&mut self, group: &Group<'_>, trust: Trust) -> Result<Turn, WriteError> {
        match trust {
            Trust::Callers => {
                let turn = match self.turn.take() {
                    Some(turn) => turn,
                    None => self.ask(&[], &[]).await?,
                };
                Ok(Turn { before: Before { streams: None, ..turn.before }, ..turn })
            }
            Trust::Nobody => {
                let streams: Vec<String> = group.streams().into_iter().map(ToString::to_string).collect();
                let ids: Vec<Uuid> = group.ids().map(|id| id.0).collect();
                self.ask(&streams, &ids).await
            }
        }
    }

    /// Takes a turn and reads the head and the known streams and ids. Nothing is stored, so it is retried.
    async fn ask(&mut self, streams: &[String], ids: &[Uuid]) -> Result<Turn, WriteError> {
        let deadline = Instant::now() + RETRY_FOR;
        let mut pause = FIRST_PAUSE;
        loop {
            let held = self.turnless_until.is_none_or(|until| until <= Instant::now());
            let tried = async {
                let mut connection = self.connected().await?;
                let rows = take_turn(&mut connection, &self.site, streams, ids, held).await?;
                Ok::<_, sqlx::Error>((connection, rows))
            };
            match tried.await {
                Ok((connection, rows)) => return Ok(Turn { connection, before: before(rows)?, held }),
                Err(error) if state(&error).as_deref() == Some(LOCK_NOT_AVAILABLE) => {
                    tracing::warn!(site = %self.site, "another writer has held the append lock of this site too long: appending without it");
                    self.turnless_until = Some(Instant::now() + WITHOUT_TURN);
                }
                Err(error) if passes(&error) && Instant::now() < deadline => {
                    tracing::warn!(%error, "the event log's database does not answer: trying again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub(super) async fn connected(&mut self) -> Result<PgConnection, sqlx::Error> {
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None => self.place.connect().await,
        }
    }

    /// In one transaction; returns the number of streams.
    pub(crate) async fn rebuild_streams(&mut self) -> Result<u64, LogError> {
        let mut connection = self.connected().await?;
        let streams = rebuild(&mut connection, &self.site).await?;
        self.connection = Some(connection);
        Ok(streams)
    }

    pub(crate) async fn close(self) {
        if let Some(connection) = self.connection
            && let Err(error) = connection.close().await
        {
            tracing::debug!(%error, "the connection to the event log was not closed in order");
        }
    }
}

/// A row of `take_turn`: the head (version and frontier), a stream (name, first position and version) or an id.
type Found = (Option<String>, Option<i64>, Option<i64>, Option<Uuid>, Option<Vec<u8>>);

pub(super) async fn ask_for_the_head(connection: &mut PgConnection, site: &SiteId) -> Result<Before, WriteError> {
    Ok(before(take_turn(connection, site, &[], &[], false).await?)?)
}

async fn take_turn(
    connection: &mut PgConnection,
    site: &SiteId,
    streams: &[String],
    ids: &[Uuid],
    in_turn: bool,
) -> Result<Vec<Found>, sqlx::Error> {
    let query = sqlx::query_as("SELECT name, first_position, version, id, frontier FROM take_turn($1, $2, $3, $4)");
    let query = query.bind(site.as_str()).bind(streams).bind(ids).bind(in_turn);
    timely(query.fetch_all(connection)).await
}

fn before(rows: Vec<Found>) -> Result<Before, LogError> {
    let mut frontier = Err(LogError::Damaged { position: Position(0), reason: "the site's head is missing" });
    let (mut streams, mut ids) = (HashMap::new(), HashSet::new());
    for row in rows {
        match row {
            (_, _, Some(size), _, Some(bytes)) => frontier = frontier_of(size, &bytes),
            (_, _, _, Some(id), _) => ids.extend([EventId(id)]),
            (Some(name), Some(first), Some(version), ..) => {
                let version = Version(version.unsigned_abs());
                let known = Known { first_position: Position(first.unsigned_abs()), version };
                streams.extend(name.parse::<StreamName>().ok().map(|name| (name, known)));
            }
            _ => {}
        }
    }
    Ok(Before { frontier: frontier?, streams: Some(streams), ids })
}

async fn end_turn(connection: &mut PgConnection, site: &SiteId) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT end_turn($1)").bind(site.as_str()).execute(connection).await.map(drop)
}

/// If we stop in it, Postgres keeps the group as a whole or not at all; no caller was answered yet.
async fn append(
    connection: &mut PgConnection,
    site: &SiteId,
    in_turn: bool,
    trust: Trust,
    plan: &Plan<'_>,
) -> Result<Outcome, WriteError> {
    kill_point!("eventlog.before-commit");
    if let Some(fault) = fault!("eventlog.commit-not-done") {
        return Err(WriteError::Unknown(sqlx::Error::Io(fault.error()).into()));
    }
    let stored = match timely(call(&mut *connection, site, in_turn, plan)).await {
        Ok(stored) => stored,
        Err(error) if trust == Trust::Callers && is_refusal(&error) => return Ok(Outcome::Refused),
        Err(error) => return Err(write_error(error)),
    };
    kill_point!("eventlog.after-commit");
    if let Some(fault) = fault!("eventlog.commit-done") {
        return Err(WriteError::Unknown(sqlx::Error::Io(fault.error()).into()));
    }
    Ok(if stored { Outcome::Stored } else { Outcome::LateForTheHead })
}

/// Returns whether the head was as planned; otherwise nothing was stored.
pub(super) async fn call(
    connection: &mut PgConnection,
    site: &SiteId,
    in_turn: bool,
    plan: &Plan<'_>,
) -> Result<bool, sqlx::Error> {
    let rows = &plan.rows;
    let mut heads: Vec<&Moved> = plan.heads.values().collect();
    // In the index's order.
    heads.sort_unstable_by_key(|moved| moved.head.position);
    let query = sqlx::query_scalar(
        "SELECT append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)",
    );
    let query = query
        .bind(site.as_str())
        .bind(in_turn)
        .bind(column(plan.frontier.size() - rows.len() as u64))
        .bind(plan.frontier.to_bytes())
        .bind(rows.iter().map(|row| row.recorded.stream.to_string()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| column(row.recorded.version.0)).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.recorded.id.0).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.recorded.event.type_name()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.recorded.time.as_microsecond()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.body.as_ref()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.leaf_hash.as_slice()).collect::<Vec<_>>());
    let keeps: Vec<bool> = heads.iter().map(|moved| moved.keeps).collect();
    bind_heads!(query, heads).bind(keeps).fetch_one(connection).await
}

/// A version or an id is taken, or the version before is missing.
fn is_refusal(error: &sqlx::Error) -> bool {
    matches!(state(error).as_deref(), Some(UNIQUE_VIOLATION | RESTRICT_VIOLATION))
}

/// An error that the server reports of a statement undoes it. Any other, such as the server's own end, may follow the
/// commit.
fn write_error(error: sqlx::Error) -> WriteError {
    let reported = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
    match reported.map(PgDatabaseError::severity) {
        Some(PgSeverity::Error) => error.into(),
        _ => WriteError::Unknown(error.into()),
    }
}
