//! Events of copies, of acts on drives and of purges.

use strongroom_model::event::{
    Act, CopyDamaged, CopyProven, CopyRestored, CustodyAdvanced, CustodyCancelled, CustodyFinished, CustodyRequested,
    Found, MountedDrive, PurgeAdvanced, PurgeApproved, PurgeFinished, PurgeProposed, PurgeRefused, PurgeRequested,
    PurgeTally, ReadBack, Selection, Tally,
};
use strongroom_model::{
    Algorithm, BookingId, ByteCount, CustodyId, Digest, Event, Position, PurgeId, StageName, StreamName,
};

use crate::sample::{at, drive, failed, held};

fn booking(n: usize) -> BookingId {
    format!("B-{n}").parse().unwrap()
}

fn digest() -> Digest {
    Digest::of(Algorithm::Sha256, b"a timesheet")
}

fn act(n: usize) -> CustodyId {
    CustodyId(format!("00000000-0000-7000-8000-{n:012}").parse().unwrap())
}

/// A copy of a booking, on one of two drives.
pub(crate) fn copy(n: usize) -> StreamName {
    StreamName::copy(drive(n % 2), &booking(n), &digest())
}

pub(crate) fn custody(n: usize) -> StreamName {
    StreamName::custody(act(n))
}

pub(crate) fn purge(n: usize) -> StreamName {
    StreamName::purge(&format!("P-{n}").parse::<PurgeId>().unwrap())
}

/// One of the events that a copy's stream may have.
pub(crate) fn of_copy(n: usize, which: usize) -> Event {
    let (drive, path) = (drive(n % 2), format!("acme/2026-11/data/B-{n}/x.pdf"));
    let proven = CopyProven {
        booking: booking(n),
        drive,
        from: None,
        path: path.clone(),
        quarantined: None,
        read_back: ReadBack::Direct,
        request: act(n),
        sha256: digest(),
        size_bytes: ByteCount(7),
    };
    match which % 5 {
        0 => Event::CopyMade(proven),
        1 => Event::CopyProven(proven),
        2 => Event::CopyRepaired(proven),
        3 => Event::CopyDamaged(CopyDamaged {
            booking: booking(n),
            drive,
            found: Found::Missing,
            path,
            request: act(n),
            sha256: digest(),
            size_bytes: ByteCount(7),
        }),
        _ => Event::CopyRestored(CopyRestored {
            booking: booking(n),
            drive,
            path,
            request: act(n),
            sha256: digest(),
            to: "/srv/restored/x.pdf".to_owned(),
        }),
    }
}

/// One of the events that an act's stream may have.
pub(crate) fn of_custody(n: usize, which: usize) -> Event {
    let mounted = MountedDrive { drive: drive(n % 2), path: "/mnt/blue".to_owned() };
    match which % 8 {
        0 | 1 => Event::CustodyRequested(CustodyRequested {
            act: Act::Verify { drive: mounted, which: Selection::All },
            until: Position(9),
        }),
        2 | 3 => Event::CustodyAdvanced(CustodyAdvanced { next: Position(9), tally: Tally::default() }),
        4 => Event::CustodyFinished(CustodyFinished { tally: Tally::default() }),
        5 => Event::CustodyCancelled(CustodyCancelled { reason: "not now".to_owned() }),
        6 => Event::WorkAttemptFailed(failed(StageName::Custody, Some(at(n as i64 * 100)))),
        _ => Event::WorkHeld(hold(StageName::Custody, n)),
    }
}

/// One of the events that a purge's stream may have.
pub(crate) fn of_purge(n: usize, which: usize) -> Event {
    match which % 9 {
        0 | 1 => Event::PurgeProposed(PurgeProposed {
            bookings: 2,
            ids_sha256: digest().hex(),
            proposed_by: "mara".to_owned(),
            size_bytes: ByteCount(14),
        }),
        2 => Event::PurgeApproved(PurgeApproved { approved_at: at(1), approved_by: "oke".to_owned() }),
        3 => Event::PurgeRequested(PurgeRequested { drives_needed: 2 }),
        4 => Event::PurgeAdvanced(PurgeAdvanced { next: 1, tally: PurgeTally::default() }),
        5 => Event::PurgeFinished(PurgeFinished { tally: PurgeTally::default() }),
        6 => Event::PurgeRefused(PurgeRefused { reason: "too early".to_owned(), refused_by: "oke".to_owned() }),
        7 => Event::WorkAttemptFailed(failed(StageName::Purge, Some(at(n as i64 * 100)))),
        _ => Event::WorkFailed(failed(StageName::Purge, None)),
    }
}

fn hold(stage: StageName, n: usize) -> strongroom_model::event::Held {
    match held(stage, at(n as i64 * 100)) {
        Event::TimesheetHeld(held) => held,
        other => panic!("{other:?}"),
    }
}
