//! Copies a log, byte for byte, to another database.

use std::sync::Arc;

use strongroom_model::{Position, Recorded, SiteId};

use crate::error::LogError;
use crate::log::EventLog;
use crate::plan::{Copied, MAX_GROUP_BYTES};
use crate::stored::Stored;
use strongroom_proof::Head;
use strongroom_proof::merkle::{Frontier, leaf_hash};

/// Events per read and commit.
pub(crate) const BATCH: usize = 512;

/// Why a log was not copied completely. Copied events stay; a retry continues.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each is")]
pub enum CopyError {
    #[error("the log of {from} cannot be copied to the log of {to}: name two logs of one site")]
    OtherSite { from: SiteId, to: SiteId },
    #[error(
        "the log that is copied to has {events} events that are not the first of the one that is copied: name an empty database"
    )]
    NotItsBeginning { events: u64 },
    #[error("the copy of {events} events has another root than the log itself: run `strongroom log verify` on both")]
    OtherRoot { events: u64 },
    #[error("the log could not be read on")]
    Read(#[source] LogError),
    #[error("the copy could not be written on: try again, it goes on where it stopped")]
    Write(#[source] LogError),
}

impl EventLog {
    /// Copies this log to the same site's log in another database, which must be empty or hold this one's beginning: a
    /// stopped copy continues. Nobody should append to either meanwhile. Returns the common head; `progress` gets the
    /// number of copied events.
    ///
    /// # Errors
    /// The other log holds something else, or one of them failed.
    pub async fn copy_to(&self, other: &Self, mut progress: impl FnMut(u64)) -> Result<Head, CopyError> {
        if self.site() != other.site() {
            return Err(CopyError::OtherSite { from: self.site().clone(), to: other.site().clone() });
        }
        let mut tree = self.beginning(other).await?;
        loop {
            progress(tree.size());
            let events = self.read(Position(tree.size()), BATCH).await.map_err(CopyError::Read)?;
            if events.is_empty() {
                break;
            }
            let copies = events.into_iter().map(|stored| copied(stored, &mut tree)).collect::<Result<Vec<_>, _>>();
            store(other, copies.map_err(CopyError::Read)?).await.map_err(CopyError::Write)?;
        }
        let (ours, theirs) =
            (self.head().await.map_err(CopyError::Read)?, other.head().await.map_err(CopyError::Read)?);
        let copied = Head { size: tree.size(), root: tree.root() };
        if ours != copied || theirs != copied {
            return Err(CopyError::OtherRoot { events: tree.size() });
        }
        Ok(copied)
    }

    async fn beginning(&self, other: &Self) -> Result<Frontier, CopyError> {
        let there = other.head().await.map_err(CopyError::Write)?;
        let mut tree = Frontier::default();
        while tree.size() < there.size {
            let events = self.read(Position(tree.size()), BATCH).await.map_err(CopyError::Read)?;
            if events.is_empty() {
                break;
            }
            let left = usize::try_from(there.size - tree.size()).unwrap_or(usize::MAX);
            events.iter().take(left).for_each(|stored| tree.push(leaf_hash(stored.body.as_bytes())));
        }
        if (tree.size(), tree.root()) == (there.size, there.root) {
            Ok(tree)
        } else {
            Err(CopyError::NotItsBeginning { events: there.size })
        }
    }
}

fn copied(stored: Stored, tree: &mut Frontier) -> Result<Copied, LogError> {
    let position = stored.position;
    tree.push(leaf_hash(stored.body.as_bytes()));
    let recorded =
        Recorded::parse(&stored.body).map_err(|source| LogError::Undecodable { position, source: Arc::new(source) })?;
    Ok(Copied { recorded, body: stored.body })
}

pub(crate) async fn store(log: &EventLog, copies: Vec<Copied>) -> Result<(), LogError> {
    for group in groups(copies) {
        log.appender()?.copy(group).await?;
    }
    Ok(())
}

fn groups(copies: Vec<Copied>) -> Vec<Vec<Copied>> {
    let mut groups: Vec<Vec<Copied>> = Vec::new();
    let mut bytes = 0;
    for copy in copies {
        bytes += copy.body.len();
        match groups.last_mut() {
            Some(group) if bytes <= MAX_GROUP_BYTES => group.push(copy),
            _ => {
                bytes = copy.body.len();
                groups.push(vec![copy]);
            }
        }
    }
    groups
}
