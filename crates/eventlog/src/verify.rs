//! Recomputes everything that a log says about itself. This part knows what must hold; a database supplies its rows,
//! by position.

mod damage;

use jiff::Timestamp;
use serde::Deserialize;
use strongroom_model::envelope::EnvelopeError;
use strongroom_model::event::DecodeError;
use strongroom_model::text::printable;
use strongroom_model::{EventId, Position, Recorded, StreamName, Version};

pub use self::damage::{Damage, Fault};
use crate::error::LogError;
use crate::projection::decisive;
use crate::stream_head::StreamHead;
use strongroom_proof::Head;
use strongroom_proof::merkle::{Frontier, Hash, leaf_hash};

/// A verification's result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// The log's head.
    pub head: Head,
    /// Events checked.
    pub events: u64,
    /// The size of the checked events.
    pub bytes: u64,
    /// Events of unknown types: only their bytes were verified.
    pub unknown: u64,
    /// The first fault, if any.
    pub damage: Option<Damage>,
}

#[derive(Debug)]
pub(crate) struct RawRow {
    pub(crate) position: Position,
    pub(crate) stream: String,
    pub(crate) version: i64,
    pub(crate) id: String,
    pub(crate) type_name: String,
    pub(crate) time_us: i64,
    pub(crate) body: Vec<u8>,
    pub(crate) leaf_hash: Vec<u8>,
    /// The position of its stream's previous version.
    pub(crate) previous: Option<Position>,
    /// Whether it is its stream's last, by version.
    pub(crate) is_last: bool,
    /// Its stream's first position; for a stream's last event only.
    pub(crate) first: Option<Position>,
    /// The last decisive event before it; for a stream's last event that is not decisive.
    pub(crate) decisive: Option<String>,
    /// Its stream's projection, or why it is unreadable; for a stream's last event only.
    pub(crate) head: Option<Result<StreamHead, String>>,
}

/// Why a verification ended early.
pub(crate) enum Stop {
    Damage(Damage),
    Storage(sqlx::Error),
}

impl From<Damage> for Stop {
    fn from(damage: Damage) -> Self {
        Self::Damage(damage)
    }
}

impl From<sqlx::Error> for Stop {
    fn from(error: sqlx::Error) -> Self {
        Self::Storage(error)
    }
}

/// The attributes that columns repeat.
#[derive(Debug, Deserialize)]
struct Attributes {
    position: Position,
    version: Version,
    id: EventId,
    subject: StreamName,
    #[serde(rename = "type")]
    type_name: String,
    time: Timestamp,
    source: String,
}

#[derive(Debug)]
pub(crate) struct Walker {
    source: String,
    /// Absent where it does not fit its size.
    frontier: Option<Frontier>,
    head: Head,
    earlier: Vec<Head>,
    /// The size up to which an earlier head proves the log unchanged.
    confirmed: u64,
    tree: Frontier,
    bytes: u64,
    unknown: u64,
    /// The first wrong projection. Reported last: if a stream's last event is gone, the one before it only looks like
    /// one.
    projection: Option<Damage>,
}

impl Walker {
    pub(crate) fn new(site: &str, earlier: &[Head]) -> Self {
        let mut earlier = earlier.to_vec();
        earlier.sort_by_key(|head| std::cmp::Reverse(head.size));
        Self {
            source: format!("/sites/{site}"),
            frontier: None,
            head: Head { size: 0, root: Frontier::default().root() },
            earlier,
            confirmed: 0,
            tree: Frontier::default(),
            bytes: 0,
            unknown: 0,
            projection: None,
        }
    }

    pub(crate) const fn next(&self) -> Position {
        Position(self.tree.size())
    }

    pub(crate) fn begin(&mut self, head: Option<(i64, Vec<u8>)>) -> Result<(), Damage> {
        let (size, frontier) = head.ok_or(Damage { position: Position(0), fault: Fault::Head })?;
        let size = size.unsigned_abs();
        self.frontier = Frontier::from_bytes(size, &frontier);
        self.head = Head { size, root: self.frontier.as_ref().map_or([0; 32], Frontier::root) };
        Ok(())
    }

    /// Takes the next rows; `false`: there were none.
    pub(crate) fn take(&mut self, rows: &[RawRow]) -> Result<bool, Damage> {
        rows.iter().try_for_each(|row| self.step(row))?;
        Ok(!rows.is_empty())
    }

    fn step(&mut self, row: &RawRow) -> Result<(), Damage> {
        let position = self.next();
        let damage = |fault| Damage { position, fault };
        self.pass_earlier_heads()?;
        if row.position != position {
            return Err(damage(Fault::Missing));
        }
        let hash = leaf_hash(&row.body);
        if row.leaf_hash != hash {
            return Err(damage(Fault::ChangedBytes));
        }
        self.check_columns(row).map_err(damage)?;
        self.check_stream(row).map_err(damage)?;
        self.push(hash, row.body.len());
        Ok(())
    }

    fn push(&mut self, hash: Hash, bytes: usize) {
        self.tree.push(hash);
        self.bytes += bytes as u64;
    }

    fn pass_earlier_heads(&mut self) -> Result<(), Damage> {
        while let Some(head) = self.earlier.pop_if(|head| head.size == self.tree.size()) {
            if head.root != self.tree.root() {
                return Err(Damage { position: Position(self.confirmed), fault: Fault::EarlierHead(head.size) });
            }
            self.confirmed = head.size;
        }
        Ok(())
    }

    fn check_columns(&self, row: &RawRow) -> Result<(), Fault> {
        let attributes: Attributes =
            serde_json::from_slice(&row.body).map_err(|error| Fault::NoEvent(error.to_string()))?;
        if attributes.position != row.position {
            return Err(Fault::Misplaced(attributes.position));
        }
        let columns = [
            ("stream", attributes.subject.to_string() == row.stream),
            ("version", i64::try_from(attributes.version.0) == Ok(row.version)),
            ("id", attributes.id.to_string() == row.id),
            ("type", attributes.type_name == row.type_name),
            ("time_us", attributes.time.as_microsecond() == row.time_us),
            ("source (its site)", attributes.source == self.source),
        ];
        columns.into_iter().find(|(_, same)| !same).map_or(Ok(()), |(name, _)| Err(Fault::Column(name)))
    }

    fn check_stream(&mut self, row: &RawRow) -> Result<(), Fault> {
        let stream: StreamName = row.stream.parse().map_err(|_| Fault::Column("stream"))?;
        let follows = match row.version {
            0 => row.previous.is_none(),
            _ => row.previous.is_some_and(|previous| previous < row.position),
        };
        if !follows {
            return Err(Fault::WrongVersion(stream, Version(row.version.unsigned_abs())));
        }
        let body = std::str::from_utf8(&row.body).map_err(|error| Fault::NoEvent(error.to_string()))?;
        let recorded = match Recorded::parse(body) {
            Ok(recorded) => recorded,
            Err(EnvelopeError::Decode(DecodeError::UnknownType(_))) => {
                self.unknown += 1;
                return Ok(());
            }
            Err(error) => return Err(Fault::NoEvent(error.to_string())),
        };
        if !row.is_last {
            return Ok(());
        }
        // A damaged one was reported at its own position; a newer version's says nothing here.
        let Ok(decisive) = decisive(&recorded, row.decisive.as_deref()) else { return Ok(()) };
        let expected = StreamHead::of(row.first.unwrap_or(row.position), &recorded, decisive.as_ref());
        match &row.head {
            Some(Ok(head)) if *head == expected => {}
            _ => {
                let damage = Damage { position: row.position, fault: Fault::Projection(stream) };
                self.projection.get_or_insert(damage);
            }
        }
        Ok(())
    }

    pub(crate) fn finish(&mut self) -> Result<(), Damage> {
        let damaged = Damage { position: Position(self.head.size), fault: Fault::Head };
        let head = &self.frontier.take().ok_or(damaged)?;
        self.pass_earlier_heads()?;
        let position = self.next();
        if self.tree.size() < head.size() {
            return Err(Damage { position, fault: Fault::Missing });
        }
        if self.tree.size() > head.size() {
            return Err(Damage { position: Position(head.size()), fault: Fault::BeyondHead });
        }
        if let Some(range) = self.tree.first_difference(head) {
            return Err(Damage { position: Position(range.start), fault: Fault::Root(Position(range.end)) });
        }
        match self.earlier.first() {
            Some(cut) => Err(Damage { position, fault: Fault::CutOff(cut.size) }),
            None => self.projection.take().map_or(Ok(()), Err),
        }
    }

    /// `is_damage`: whether stored data is wrong, rather than unreadable just now.
    pub(crate) fn report(
        &self,
        walked: Result<(), Stop>,
        is_damage: fn(&sqlx::Error) -> bool,
    ) -> Result<Verification, LogError> {
        let damage = match walked {
            Ok(()) => None,
            Err(Stop::Damage(damage)) => Some(damage),
            Err(Stop::Storage(error)) if is_damage(&error) => {
                Some(Damage { position: self.next(), fault: Fault::Unreadable(error.to_string()) })
            }
            Err(Stop::Storage(error)) => return Err(error.into()),
        };
        let (head, events) = (self.head, self.tree.size());
        Ok(Verification { head, events, bytes: self.bytes, unknown: self.unknown, damage })
    }
}

/// Each projected stream has its last event, except the one that was `found`; the converse is checked on the way.
pub(crate) fn no_stray(found: Option<(String, i64)>) -> Result<(), Damage> {
    let Some((name, at)) = found else { return Ok(()) };
    Err(Damage { position: Position(at.unsigned_abs()), fault: Fault::UnknownStream(printable(&name, 160)) })
}
