//! How much memory each worker takes, at its worst: with many bookings waiting, and with one large file.

use std::fs::{self, File};
use std::time::{Duration, Instant};

use strongroom_eventlog::EventLog;
use strongroom_model::event::Enumerated;
use strongroom_model::{Algorithm, ByteCount, Digest, Event, EventId, Expected, NewEvent, StreamName};
use strongroom_servers::target::{Asked, line};
use strongroom_tests::program::Running;

use strongroom_tests::program::stop_all;

use crate::place::{Place, Servers, until};
use crate::setting;

/// How much a worker may take, in MiB.
const MAX_MIB: f64 = 100.0;
/// How many bookings go all the way while the others wait.
const THROUGH: usize = 1_000;
/// How long the workers are watched after that: longer than anything that they do now and then.
const WATCHED: Duration = Duration::from_secs(45);

/// A worker, and the most that it has taken.
struct Watched {
    verb: &'static str,
    running: Running,
}

impl Watched {
    fn start(place: &Place, verb: &'static str) -> Self {
        Self { verb, running: place.worker(&[verb]) }
    }

    fn tell(&self, beside: &str) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.running.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux tells a process's peak");
        let peak_kib: f64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        line(&format!("memory of {} with {beside}", self.verb), peak_kib / 1024.0, "MiB", Asked::AtMost(MAX_MIB));
    }
}

fn told_and_ended(workers: Vec<Watched>, beside: &str) {
    workers.iter().for_each(|worker| worker.tell(beside));
    stop_all(workers.into_iter().map(|worker| worker.running).collect());
}

/// With a million bookings that are enumerated, and whose files nobody has: their turn comes after those of
/// the few that go all the way.
pub(crate) fn backlog(servers: &Servers) {
    let waiting = setting("STRONGROOM_BENCH_BACKLOG", 1_000_000);
    let mut place = Place::on(servers);
    place.site.set("mail.summary", "run");
    place.serve_small(THROUGH);
    let mut workers = vec![Watched::start(&place, "relay")];
    place.site.call(["enumerate", "--once"]).run().expect_code(0);
    let begin = Instant::now();
    fill(&place.database().url, waiting);
    println!("{waiting} bookings enumerated in {:.1?}", begin.elapsed());
    workers.extend(["enumerate", "fetch", "verify", "archive", "notify"].map(|verb| Watched::start(&place, verb)));
    until("the first bookings to be archived", || place.standing("archived") >= THROUGH);
    std::thread::sleep(WATCHED);
    told_and_ended(workers, &format!("{waiting} bookings waiting"));
}

fn fill(url: &str, bookings: usize) {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let log = EventLog::open_postgres(url, &"kestrel".parse().unwrap()).await.unwrap();
        let events: Vec<NewEvent> = (0..bookings).map(event).collect();
        for some in events.chunks(1_000) {
            log.append(some.to_vec()).await.unwrap();
        }
        log.close().await;
    });
}

fn event(n: usize) -> NewEvent {
    let time = "2026-11-20T23:00:00Z".parse().unwrap();
    NewEvent {
        id: EventId::new(time),
        stream: StreamName::booking(&format!("waiting-{n}").parse().unwrap()),
        expected: Expected::New,
        time,
        actor: "enumerate@bench".parse().unwrap(),
        cause: None,
        run: None,
        event: Event::TimesheetEnumerated(Enumerated {
            filename: format!("timesheet {n}.pdf"),
            size_bytes: ByteCount(8_000),
            digest: Digest::of(Algorithm::Sha256, b"a timesheet"),
            signed_off_at: time,
        }),
    }
}

/// With one large file, which is zeros: what a file holds changes nothing.
pub(crate) fn large(servers: &Servers) {
    let gib = setting("STRONGROOM_BENCH_GIB", 10);
    let mut place = Place::on(servers);
    place.site.set("server.largest_upload", &format!("{}GiB", gib + 1));
    place.serve(|folder| {
        let file = File::create(folder.join("large.pdf")).unwrap();
        file.set_len((gib as u64) << 30).unwrap();
    });
    let verbs = ["relay", "enumerate", "fetch", "verify", "archive", "notify"];
    let begin = Instant::now();
    let workers: Vec<_> = verbs.into_iter().map(|verb| Watched::start(&place, verb)).collect();
    until("the large file to be archived", || {
        std::thread::sleep(Duration::from_secs(1));
        place.standing("archived") == 1
    });
    println!("a file of {gib} GiB went all the way in {:.1?}", begin.elapsed());
    told_and_ended(workers, &format!("a file of {gib} GiB"));
}
