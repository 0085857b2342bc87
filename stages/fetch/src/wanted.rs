//! One file that is to come.

use strongroom_bus::Task;
use strongroom_drive::{Place, Received};
use strongroom_model::booking::Booking;
use strongroom_model::{BookingId, ByteCount, Digest, Month, SiteId};

/// A booking's file, as the server's record has it, and where it goes.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) booking: BookingId,
    pub(crate) size: ByteCount,
    pub(crate) digest: Digest,
    pub(crate) place: Place,
    /// An attempt before this one failed: something of it may lie on the drive.
    pub(crate) tried: bool,
    /// There is room for the whole of it on the drive.
    pub(crate) fits: bool,
}

/// A task, and the file that it asks for.
pub(crate) type Asked = (Task<Booking>, Wanted);

/// A file that has come.
#[derive(Debug)]
pub(crate) struct Come {
    pub(crate) received: Received,
    pub(crate) elapsed_ms: u64,
}

impl Wanted {
    /// What a task asks for; `None` where it is no booking that was enumerated.
    pub(crate) fn of(task: &Task<Booking>, site: &SiteId, month: Month) -> Option<Self> {
        let booking = task.stream.as_booking()?;
        let record = task.state.enumerated.as_ref()?;
        let place = Place {
            site: site.clone(),
            month,
            booking: booking.clone(),
            filename: record.filename.clone(),
            expected: record.digest.clone(),
            size: record.size_bytes,
        };
        let (size, digest, tried) = (record.size_bytes, record.digest.clone(), task.state.failures > 0);
        Some(Self { booking, size, digest, place, tried, fits: true })
    }
}
