//! The full job of many small files: embedded, on Postgres and RabbitMQ in one process, and there in
//! processes of their own.

use std::time::{Duration, Instant};

use strongroom_servers::target::{Asked, line};

use crate::cpu::Cpu;
use strongroom_tests::program::stop_all;

use crate::place::{Place, Servers, until};
use crate::setting;

/// How often each is measured, in turns. The machine is never still, and the kernel's part in a file costs more
/// once it has seen many: so the two of a round are held against each other, and the middle round counts.
const ROUNDS: usize = 3;
/// How much longer it may take on Postgres and RabbitMQ.
const RATIO: f64 = 2.0;

fn documents() -> usize {
    setting("STRONGROOM_BENCH_DOCUMENTS", 10_000)
}

#[derive(Debug, Clone, Copy)]
struct Took {
    time: Duration,
    cpu: Cpu,
}

impl Took {
    fn shown(self, what: &str) -> Self {
        println!("{what}: {:.2?}; {}", self.time, self.cpu);
        self
    }

    /// How many times as long as the other's, and how many times its processors' time.
    fn to(self, other: Self) -> (f64, f64) {
        let times = |ours: Duration, others: Duration| ours.as_secs_f64() / others.as_secs_f64();
        (times(self.time, other.time), times(self.cpu.without_server(), other.cpu.without_server()))
    }
}

/// `run --once`, embedded and on Postgres and RabbitMQ.
pub(crate) fn at_once(servers: &Servers) {
    let round = |_| {
        let embedded = once(Place::embedded()).shown("run --once, embedded");
        once(Place::on(servers)).shown("run --once, on servers").to(embedded)
    };
    let mut rounds: Vec<_> = (0..setting("STRONGROOM_BENCH_ROUNDS", ROUNDS)).map(round).collect();
    rounds.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (ratio, of_cpu) = rounds[rounds.len() / 2];
    println!("run --once, on servers to embedded: {of_cpu:.2} of the processors' time");
    let what = format!("the full job of {} small files on Postgres and RabbitMQ, to the embedded one", documents());
    line(&what, ratio, "of its time", Asked::AtMost(RATIO));
}

fn once(mut place: Place) -> Took {
    place.serve_small(documents());
    let (begin, used) = (Instant::now(), place.cpu());
    let mut run = place.site.call(["run", "--once", "--json"]).start();
    until("the run", || !run.is_running());
    let time = begin.elapsed();
    let ending = run.wait().expect_code(0).json();
    let cpu = place.cpu() - used;
    assert_eq!(ending["archived"], documents(), "{ending}");
    Took { time, cpu }
}

/// The same as processes of their own, from the first run's beginning until the last booking is archived.
pub(crate) fn workers(servers: &Servers) {
    let mut place = Place::on(servers);
    place.serve_small(documents());
    let verbs = ["relay", "fetch", "verify", "archive", "notify"];
    let mut workers: Vec<_> = verbs.iter().map(|verb| place.worker(&[verb])).collect();
    // They are about to take from their queues.
    until("the queues", || workers[1..].iter().all(|worker| worker.stderr().contains("consuming the queue")));
    let (begin, used) = (Instant::now(), place.cpu());
    workers.push(place.worker(&["enumerate"]));
    until("every booking to be archived", || {
        std::thread::sleep(Duration::from_millis(200));
        place.standing("archived") == documents()
    });
    Took { time: begin.elapsed(), cpu: place.cpu() - used }.shown("processes of their own");
    stop_all(workers);
}
