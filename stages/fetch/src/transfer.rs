use strongroom_bus::Task;
use strongroom_drive::{Destination, Received};
use strongroom_model::booking::Booking;
use strongroom_model::{Month, SiteId};

/// A booking's file by the server's record, and its destination.
#[derive(Debug, Clone)]
pub(crate) struct Transfer {
    pub(crate) place: Destination,
    /// An earlier attempt failed: part of it may be on the drive.
    pub(crate) is_retry: bool,
    /// The drive has room for it.
    pub(crate) fits: bool,
}

pub(crate) type Pending = (Task<Booking>, Transfer);

/// A downloaded file, not yet durable.
#[derive(Debug)]
pub(crate) struct Downloaded {
    pub(crate) received: Received,
    pub(crate) elapsed_ms: u64,
}

impl Transfer {
    /// `None` if its booking was never enumerated.
    pub(crate) fn of(task: &Task<Booking>, site: &SiteId, month: Month) -> Option<Self> {
        let record = task.state.enumerated.as_ref()?;
        let place = Destination {
            site: site.clone(),
            month,
            booking: task.stream.as_booking()?,
            filename: record.filename.clone(),
            expected: record.digest.clone(),
            size: record.size_bytes,
        };
        Some(Self { place, is_retry: task.state.failures > 0, fits: true })
    }
}
