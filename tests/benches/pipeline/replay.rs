//! A log of a million events, replayed: how long it takes, and how much memory.

use std::path::Path;
use std::time::{Duration, Instant};

use strongroom_eventlog::EventLog;
use strongroom_model::event::{
    Archived, BackedUp, CopyProven, Enumerated, Fetched, ReadBack, RunEnumerated, RunRequested, SyncMethod, Trigger,
};
use strongroom_model::{
    Algorithm, BookingId, ByteCount, CustodyId, Digest, DriveId, Event, EventId, Expected, NewEvent, RunId, StreamName,
    Version,
};
use strongroom_servers::target::{Asked, line};
use strongroom_tests::site::Site;

pub(crate) const EVENTS: u64 = 1_000_000;
/// How many with `--quick`, which shows that it works and not how fast.
pub(crate) const QUICK_EVENTS: u64 = 20_000;
const MAX_SECONDS: f64 = 10.0;
const MAX_MIB: f64 = 200.0;
/// In one append.
const BATCH: usize = 2_000;
/// When everything happens.
const TIME: &str = "2026-11-20T23:00:00Z";
/// As many bookings as a run takes.
const BOOKINGS_OF_RUN: u64 = 100;

/// What a replay took.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) time: Duration,
    pub(crate) peak_mib: f64,
    pub(crate) stdout: String,
}

impl Measured {
    fn is_met(&self) -> bool {
        self.time.as_secs_f64() <= MAX_SECONDS && self.peak_mib <= MAX_MIB
    }
}

/// Whether the replay took no more than what was asked for.
pub(crate) fn million(is_quick: bool) -> bool {
    let events = if is_quick { QUICK_EVENTS } else { EVENTS };
    let site = Site::new();
    let began = Instant::now();
    let events = fill(&site.path("data/log.sqlite"), events);
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    println!("a log of {events} events written in {:.1?}; {processors} processors", began.elapsed());
    let end = (events - 1).to_string();
    let state = replayed(&site, &["replay", "--as-of", &end, "--summary"]);
    assert!(state.stdout.contains(&events.to_string()), "the counts at the end");
    let what = |unit: &str| format!("{unit} of replaying {events} events");
    line(&what("time"), state.time.as_secs_f64(), "s", Asked::AtMost(MAX_SECONDS));
    line(&what("memory"), state.peak_mib, "MiB", Asked::AtMost(MAX_MIB));
    let told = replayed(&site, &["replay", "--as-of", &end]);
    println!("the same with a sentence for each event: {:.1?}, {:.0} MiB", told.time, told.peak_mib);
    state.is_met()
}

/// Runs the program on the site's log.
pub(crate) fn replayed(site: &Site, args: &[&str]) -> Measured {
    let began = Instant::now();
    let mut running = site.call(args).start();
    let mut peak_mib: f64 = 0.0;
    while running.is_running() {
        peak_mib = peak_mib.max(peak_of(running.id()).unwrap_or_default());
        std::thread::sleep(Duration::from_millis(5));
    }
    let time = began.elapsed();
    Measured { time, peak_mib, stdout: running.wait().expect_code(0).stdout }
}

fn peak_of(process: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(peak.trim().trim_end_matches(" kB").parse::<f64>().ok()? / 1024.0)
}

/// Appends at least that many events of runs whose bookings are archived and copied to a second drive: the log's size.
pub(crate) fn fill(log: &Path, events: u64) -> u64 {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let log = EventLog::open_sqlite(log, &"kestrel".parse().unwrap()).await.unwrap();
        let mut size = log.head().await.unwrap().size;
        let drives = [DriveId::random(), DriveId::random()];
        let (mut run, mut waiting) = (0, Vec::new());
        while size + (waiting.len() as u64) < events {
            waiting.extend(of_run(run, drives));
            run += 1;
            if waiting.len() >= BATCH - 5 * BOOKINGS_OF_RUN as usize {
                log.append(std::mem::take(&mut waiting)).await.unwrap();
                size = log.head().await.unwrap().size;
            }
        }
        if !waiting.is_empty() {
            log.append(waiting).await.unwrap();
        }
        let size = log.head().await.unwrap().size;
        log.close().await;
        size
    })
}

/// The events of one run.
struct OfRun {
    id: RunId,
    events: Vec<NewEvent>,
}

impl OfRun {
    fn add(&mut self, stream: StreamName, version: u64, event: Event) {
        let expected = version.checked_sub(1).map_or(Expected::New, |last| Expected::After(Version(last)));
        self.events.push(NewEvent {
            id: EventId::new(TIME.parse().unwrap()),
            stream,
            expected,
            time: TIME.parse().unwrap(),
            actor: "worker@bench".parse().unwrap(),
            cause: None,
            run: Some(self.id),
            event,
        });
    }

    /// Five events, in two streams.
    fn add_booking(&mut self, number: u64, drives: [DriveId; 2]) {
        let booking: BookingId = format!("B-{number}").parse().unwrap();
        let (size_bytes, month) = (ByteCount(8_000 + number % 1_000), "2026-11".parse().unwrap());
        let sha256 = Digest::of(Algorithm::Sha256, format!("timesheet {number}").as_bytes());
        let filename = format!("timesheet {number}.pdf");
        let path = format!("kestrel/2026-11/data/{booking}/{filename}");
        let stream = StreamName::booking(&booking);
        let fetched = Fetched {
            drive: drives[0],
            path: path.clone(),
            month,
            size_bytes,
            sha256: sha256.clone(),
            in_flight: sha256.clone(),
            sync: SyncMethod::Fsync,
            resumed_from_bytes: ByteCount(0),
            elapsed_ms: 12,
        };
        let (drive, digest, read_back) = (drives[0], sha256.clone(), ReadBack::Direct);
        let proven =
            BackedUp { drive, path: path.clone(), month, size_bytes, sha256: sha256.clone(), digest, read_back };
        let archived = Archived { month, path: format!("archived/2026-11/{booking}/{filename}") };
        let (digest, signed_off_at) = (sha256.clone(), TIME.parse().unwrap());
        let taken = Enumerated { filename, size_bytes, digest, signed_off_at };
        self.add(stream.clone(), 0, Event::TimesheetEnumerated(taken));
        self.add(stream.clone(), 1, Event::TimesheetFetched(fetched));
        self.add(stream.clone(), 2, Event::TimesheetBackedUp(proven));
        self.add(stream, 3, Event::TimesheetArchived(archived));
        let made = CopyProven {
            booking: booking.clone(),
            drive: drives[1],
            from: Some(drives[0]),
            path,
            quarantined: None,
            read_back,
            request: CustodyId::new(TIME.parse().unwrap()),
            sha256: sha256.clone(),
            size_bytes,
        };
        self.add(StreamName::copy(drives[1], &booking, &sha256), 0, Event::CopyMade(made));
    }
}

/// A run, and all that happens to its bookings.
fn of_run(run: u64, drives: [DriveId; 2]) -> Vec<NewEvent> {
    let mut of = OfRun { id: RunId::new(TIME.parse().unwrap()), events: Vec::new() };
    let stream = StreamName::run(of.id);
    let requested = RunRequested { oldest: 100, trigger: Trigger::Schedule };
    of.add(stream.clone(), 0, Event::RunRequested(requested));
    let enumerated = RunEnumerated {
        enumerated: BOOKINGS_OF_RUN,
        forgotten: 0,
        claimed: 0,
        listed: BOOKINGS_OF_RUN,
        rejected: Vec::new(),
        unusable: 0,
        waiting: BOOKINGS_OF_RUN,
        zero_reason: None,
    };
    of.add(stream, 1, Event::RunEnumerated(enumerated));
    for number in run * BOOKINGS_OF_RUN..(run + 1) * BOOKINGS_OF_RUN {
        of.add_booking(number, drives);
    }
    of.events
}
