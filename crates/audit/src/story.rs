//! The story of one subject.

use serde::Serialize;
use strongroom_eventlog::EventLog;
use strongroom_model::booking::Booking;
use strongroom_model::{
    BookingId, Fold, Partition, Position, Recorded, SiteId, Status, StreamName, partition_after, status_after,
};

use crate::booking_state::BookingState;
use crate::entry::EventEntry;
use crate::listed::each_stored;
use crate::page::{Horizon, PageCursor, PageRequest, ViewError};
use crate::replay_state::ReplayState;

/// A page of a subject's events, oldest first, and the subject's state at `as_of`.
///
/// The state is folded anew for each page: time by the stream's length, memory by the page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Story {
    /// Whose log it is.
    pub site: SiteId,
    /// The last position that is included.
    pub as_of: Option<Position>,
    /// The subject.
    pub subject: StreamName,
    /// Its status's label; `None`: the kind has none, or the last events are unreadable.
    pub status: Option<String>,
    /// What its next work is bound to.
    pub partition: Option<String>,
    /// Its number of events.
    pub total: u64,
    /// Events that cannot follow what came before.
    pub illegal: u64,
    /// Events that this version cannot read.
    pub unreadable: u64,
    /// The state of a booking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub booking: Option<BookingState>,
    /// This page's events.
    pub events: Vec<EventEntry>,
    /// The next page's cursor; `None`: this is the last page.
    pub next: Option<PageCursor>,
}

impl Story {
    /// Reads a page.
    ///
    /// # Errors
    /// The log has no event of it, does not reach `as_of`, or cannot be read.
    pub async fn read(log: &EventLog, subject: &StreamName, request: &PageRequest) -> Result<Self, ViewError> {
        let horizon = Horizon::of(log, request.as_of).await?;
        let mut teller = Teller::new(log.site(), subject, horizon, request);
        each_stored(log, subject, |stored| {
            let is_included = horizon.includes(stored.position);
            if is_included {
                let (entry, recorded) = EventEntry::of(stored)?;
                teller.take(entry, recorded.as_ref());
            }
            Ok(is_included)
        })
        .await?;
        if teller.story.total == 0 {
            let exists = !log.heads(std::slice::from_ref(subject)).await?.is_empty();
            let (site, subject, as_of) = (log.site().clone(), subject.clone(), request.as_of);
            return Err(ViewError::UnknownSubject { site, subject, as_of, exists });
        }
        Ok(teller.end())
    }
}

struct Teller {
    story: Story,
    after: Option<Position>,
    limit: usize,
    state: ReplayState,
    booking: Option<(BookingId, Booking)>,
    status: Option<Status>,
    partition: Option<Partition>,
}

impl Teller {
    fn new(site: &SiteId, subject: &StreamName, horizon: Horizon, request: &PageRequest) -> Self {
        let story = Story {
            site: site.clone(),
            as_of: horizon.as_of(),
            subject: subject.clone(),
            status: None,
            partition: None,
            total: 0,
            illegal: 0,
            unreadable: 0,
            booking: None,
            events: Vec::new(),
            next: None,
        };
        Self {
            story,
            after: request.after.map(|cursor| cursor.0),
            limit: request.entries(),
            state: ReplayState::default(),
            booking: subject.as_booking().map(|id| (id, Booking::default())),
            status: None,
            partition: None,
        }
    }

    fn take(&mut self, mut entry: EventEntry, recorded: Option<&Recorded>) {
        let story = &mut self.story;
        story.total += 1;
        match recorded {
            None => {
                story.unreadable += 1;
                (self.status, self.partition) = (None, None);
            }
            Some(recorded) => {
                entry.illegal = self.state.apply(recorded).err().map(|error| error.to_string());
                story.illegal += u64::from(entry.illegal.is_some());
                self.status = status_after(self.status.as_ref(), &recorded.event);
                self.partition = partition_after(self.partition.as_ref(), &recorded.event);
                if let Some((_, booking)) = self.booking.as_mut().filter(|_| entry.illegal.is_none()) {
                    // `state` drops what is known of a finished booking.
                    *booking = booking.clone().next(recorded).unwrap_or_else(|_| booking.clone());
                }
            }
        }
        if self.after.is_some_and(|after| entry.position <= after) {
            return;
        }
        if story.events.len() < self.limit {
            story.events.push(entry);
        } else if story.next.is_none() {
            story.next = story.events.last().map(|last| PageCursor(last.position));
        }
    }

    fn end(self) -> Story {
        let booking = self.booking.map(|(id, booking)| BookingState::of(&id, &booking));
        Story {
            status: self.status.map(|status| status.to_string()),
            partition: self.partition.map(|partition| partition.to_string()),
            booking,
            ..self.story
        }
    }
}
