//! Lists of bookings: index scans, however many bookings there are.

use jiff::Timestamp;
use strongroom_model::BookingId;
use strongroom_model::wire::ServerState;

use super::{Booking, select_booking, state_name};
use crate::store::{Result, Sql, Store, query, to_us};

/// SQLite gets the index's name: with statistics of many archived bookings it prefers another.
pub(crate) const WAITING: Sql = Sql::Each {
    sqlite: select_booking!(
        "INDEXED BY booking_waiting WHERE state = 'signed-off' AND (signed_off_at_us, id) > ($1, $2) \
         ORDER BY signed_off_at_us, id LIMIT $3"
    ),
    postgres: select_booking!(
        "WHERE state = 'signed-off' AND (signed_off_at_us, id) > ($1, $2) ORDER BY signed_off_at_us, id LIMIT $3"
    ),
};
pub(crate) const LIST_ALL: Sql = Sql::Same(select_booking!("WHERE id > $1 ORDER BY id LIMIT $2"));
pub(crate) const LIST_STATE: Sql = Sql::Same(select_booking!("WHERE state = $3 AND id > $1 ORDER BY id LIMIT $2"));
pub(crate) const LATEST_MOVES: Sql = Sql::Each {
    sqlite: select_booking!("INDEXED BY booking_moved WHERE state = 'archived' ORDER BY moved_at_us DESC LIMIT $1"),
    postgres: select_booking!("WHERE state = 'archived' ORDER BY moved_at_us DESC LIMIT $1"),
};

impl Store {
    /// The oldest signed-off bookings that are not backed up.
    pub(crate) async fn waiting(&self, limit: u32, after: Option<(Timestamp, &BookingId)>) -> Result<Vec<Booking>> {
        let (us, id) = after.map_or((i64::MIN, ""), |(time, id)| (to_us(time), id.as_str()));
        query(WAITING).bind(us).bind(id).bind(limit).fetch_all(&mut self.reader().await?).await
    }

    /// By id, of one state or of all.
    pub(crate) async fn list(
        &self,
        state: Option<ServerState>,
        after: Option<&BookingId>,
        limit: u32,
    ) -> Result<Vec<Booking>> {
        let after = after.map_or("", BookingId::as_str);
        let rows = match state {
            None => query(LIST_ALL).bind(after).bind(limit),
            Some(state) => query(LIST_STATE).bind(after).bind(limit).bind(state_name(state)),
        };
        rows.fetch_all(&mut self.reader().await?).await
    }

    pub(crate) async fn tally(&self, state: ServerState) -> Result<u64> {
        let tally = query("SELECT bookings FROM tally WHERE state = $1").bind(state_name(state));
        let (count,): (i64,) = tally.fetch_one(&mut self.reader().await?).await?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    pub(crate) async fn latest_moves(&self, limit: u32) -> Result<Vec<Booking>> {
        query(LATEST_MOVES).bind(limit).fetch_all(&mut self.reader().await?).await
    }
}
