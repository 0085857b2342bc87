//! The table of truth, tried: each part of a site dies or is cut off in turn, and what each place says is compared with
//! the table in `docs/operations.md`. Nothing dead may look well anywhere.

mod look;
mod rules;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use strongroom_servers::Wire;
use strongroom_service::metrics::{METRICS, Metric};
use strongroom_tests::fleet::Fleet;
use strongroom_tests::program::Running;
use strongroom_tests::site::Site;
use strongroom_tests::smtp::MailServer;
use strongroom_tests::truth::{Cell, Dead, PLACES, ROWS, Row};
use strongroom_tests::wait;

use self::look::{Process, Scraped};

/// How long it may be until each place says what it should: the longest stated time is the broker's, 30 s, and as long
/// again until a mail goes out without it. Mails of one kind of alarm wait for each other, eight minutes before the
/// ninth, and a slow start has sent some already.
const TOLD_WITHIN: Duration = Duration::from_mins(10);
/// How much work waits for a worker that is dead.
const WAITING: usize = 3;
/// An hour, which no clock is ahead by that is right.
const AHEAD: &str = "3600";

/// Everything short, so that the whole table takes minutes.
const SETTINGS: [(&str, &str); 13] = [
    ("watch.every", "1s"),
    ("watch.no_worker_after", "2s"),
    ("watch.no_relay_after", "2s"),
    ("watch.log_away_after", "3s"),
    ("schedule.every", "2s"),
    ("schedule.grace", "5s"),
    ("retry.delays", "50ms,1s"),
    ("mail.summary", "run"),
    ("mail.smtp.host", "127.0.0.1"),
    ("mail.smtp.tls", "none"),
    ("mail.from", "Strongroom <strongroom@example.com>"),
    ("mail.to", "office@example.com"),
    ("clock", "clock"),
];

/// A site whose every process can be looked at.
struct Watched {
    fleet: Fleet,
    mails: MailServer,
    to_mails: Wire,
    processes: Vec<Process>,
    server: Option<Running>,
    _folder: tempfile::TempDir,
}

impl Watched {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mails = MailServer::start(&folder.path().join("mails"));
        let mut fleet = Fleet::shared();
        for (key, value) in SETTINGS {
            fleet.site.set(key, value);
        }
        let to_mails = Wire::to((Ipv4Addr::LOCALHOST, mails.port).into());
        fleet.site.set("mail.smtp.port", &to_mails.address().port().to_string());
        let server = fleet.server.take();
        let mut watched = Self { fleet, mails, to_mails, processes: Vec::new(), server, _folder: folder };
        watched.start_all();
        watched
    }

    fn start_all(&mut self) {
        for verb in ["relay", "enumerate", "fetch", "verify", "archive", "notify"] {
            self.start(verb);
        }
    }

    fn start(&mut self, verb: &'static str) {
        self.processes.push(Process::start(&self.fleet.site, verb));
    }

    /// Kills it, as the power cut does. It stays in the list, dead.
    fn kill(&mut self, verb: &str) {
        self.processes.iter_mut().filter(|process| process.verb == verb).for_each(Process::kill);
    }

    fn strike(&mut self, dead: Dead) {
        match dead {
            Dead::Process(verb) => {
                self.kill(verb);
                self.fleet.site.add_documents(WAITING);
            }
            Dead::Postgres => self.fleet.to_postgres.cut(),
            Dead::LogDisk => self.fleet.ledger.fill_the_disk(),
            Dead::RabbitMq => self.fleet.to_rabbitmq.cut(),
            Dead::DocumentServer => drop(self.server.take()),
            Dead::MailServer => {
                self.to_mails.cut();
                // A run's summary is to be mailed.
                self.fleet.site.add_documents(WAITING);
            }
            Dead::Drive => std::fs::rename(self.fleet.site.drive(), self.fleet.site.path("away")).unwrap(),
            Dead::Clock => std::fs::write(self.fleet.site.path("clock"), AHEAD).unwrap(),
        }
    }

    fn mend(&mut self, dead: Dead) {
        match dead {
            Dead::Process(verb) => {
                self.processes.retain(|process| process.verb != verb);
                self.start(verb);
            }
            Dead::Postgres => self.fleet.to_postgres.mend(),
            Dead::LogDisk => self.fleet.ledger.make_room(),
            Dead::RabbitMq => self.fleet.to_rabbitmq.mend(),
            Dead::DocumentServer => self.server = Some(serve(&self.fleet.site)),
            Dead::MailServer => self.to_mails.mend(),
            Dead::Drive => std::fs::rename(self.fleet.site.path("away"), self.fleet.site.drive()).unwrap(),
            Dead::Clock => std::fs::write(self.fleet.site.path("clock"), "0").unwrap(),
        }
    }

    /// Waits until nothing is the matter.
    fn until_well(&self) {
        let started = Instant::now();
        loop {
            let ended = self.fleet.site.call(["status"]).run();
            let ready = self.processes.iter().all(|process| process.readyz().starts_with("200"));
            if ended.code() == Some(0) && ready && !self.is_log_away() {
                return;
            }
            assert!(
                started.elapsed() < TOLD_WITHIN,
                "it does not get well: {}\n{:?}",
                ended.said(),
                self.processes.iter().map(Process::readyz).collect::<Vec<_>>()
            );
            wait::pause(started.elapsed());
        }
    }

    /// Whether who mails has not found yet that an outage of the log is over.
    fn is_log_away(&self) -> bool {
        let kept = std::fs::read_to_string(self.fleet.site.path("data/away.kestrel")).unwrap_or_default();
        kept.contains("\"since\"")
    }

    fn scrape(&self) -> Vec<Scraped> {
        self.processes.iter().map(Process::scrape).collect()
    }

    /// What keeps a row from being true, if something does.
    fn untrue(&self, row: &Row, before: &[Scraped], mails: usize) -> Option<String> {
        let site = &self.fleet.site;
        let of_dead = |process: &&Process| row.dead == Dead::Process(process.verb);
        let dead: Vec<_> = self.processes.iter().filter(of_dead).collect();
        for (place, cell) in PLACES.into_iter().zip(row.cells) {
            let said = match place {
                "`status`" | "`doctor`" => {
                    let ended = site.call([place.trim_matches('`')]).run();
                    // Whoever asks for a code alone must not take it for well.
                    if ended.code() == Some(0) {
                        return Some(format!("{place} ended with 0: {}", ended.said()));
                    }
                    ended.said()
                }
                "`/healthz`" if dead.is_empty() => look::all(&self.processes, Process::healthz),
                "`/healthz`" => look::all(dead.iter().copied(), Process::healthz),
                "`/readyz`" if dead.is_empty() => look::all(&self.processes, Process::readyz),
                "`/readyz`" => look::all(dead.iter().copied(), Process::readyz),
                "`/metrics`" => look::all(&self.processes, Process::metrics),
                "alert rule" => rules::firing(before, &self.scrape()),
                "journal" => look::all(&self.processes, |process| process.stderr()),
                _ => {
                    let all = self.mails.mailbox().mails();
                    let new = all.iter().skip(mails.min(all.len()));
                    let text = |mail: &strongroom_tests::mailbox::Mail| {
                        let subject = mail.header("Subject").unwrap_or_default();
                        format!("{subject}\n{}", mail.part("text/plain").replace('\n', " "))
                    };
                    new.map(text).collect::<Vec<_>>().join("\n")
                }
            };
            match cell {
                Cell::Says(what) if !says(&said, what) => {
                    return Some(format!("{place} does not say {what:?}: {said}"));
                }
                // A process that answers that it is well must be one that is.
                Cell::Silent(why) if why.starts_with("200") && !said.contains("200 ") => {
                    return Some(format!("{place} is not 200: {said}"));
                }
                _ => {}
            }
        }
        None
    }
}

/// Compares who records what with the table of metrics, by which it is tried which alert rules see that a process is gone.
fn recorded_as_the_table_says(scraped: &[Scraped]) {
    for Scraped { instance, series } in scraped {
        for series in series.iter().flat_map(BTreeMap::keys) {
            let name = series.split('{').next().unwrap_or_default();
            let is_of = |metric: &&Metric| {
                name.strip_prefix(metric.name).is_some_and(|end| ["", "_bucket", "_sum", "_count"].contains(&end))
            };
            let metric = METRICS.iter().find(is_of).unwrap_or_else(|| panic!("{name} is in no table"));
            assert!(metric.by.roles().contains(instance), "{instance} records {name}, and {:?} do", metric.by);
        }
    }
}

/// A document server on a host of its own, whose clock is right.
fn serve(site: &Site) -> Running {
    site.serve_as(site.call(["server"]).env("STRONGROOM_CLOCK", ""))
}

/// Whether a line says all of that, which ` … ` parts; of a metric, its name, a label and its value.
fn says(said: &str, what: &str) -> bool {
    let parts: Vec<&str> =
        if what.starts_with("strongroom_") { what.split(' ').collect() } else { what.split(" … ").collect() };
    let is_metric = what.starts_with("strongroom_");
    said.lines().any(|line| {
        let ends = !is_metric || line.rsplit(' ').next() == parts.last().copied();
        ends && parts.iter().all(|part| line.contains(part))
    })
}

#[test]
fn r8_nothing_dead_looks_well_anywhere() {
    let mut watched = Watched::new();
    for row in ROWS {
        watched.until_well();
        let (before, mails) = (watched.scrape(), watched.mails.mailbox().mails().len());
        recorded_as_the_table_says(&before);
        watched.strike(row.dead);
        let started = Instant::now();
        while let Some(untrue) = watched.untrue(&row, &before, mails) {
            let said = || look::all(&watched.processes, |process| process.stderr());
            assert!(started.elapsed() < TOLD_WITHIN, "{} is dead, and {untrue}\n{}", row.what, said());
            wait::pause(started.elapsed());
        }
        println!("{}: said everywhere after {:?}", row.what, started.elapsed());
        watched.mend(row.dead);
    }
    watched.until_well();
}
