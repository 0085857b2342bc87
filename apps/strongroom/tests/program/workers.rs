//! Each part as a process of its own, over a broker and a database.

use std::path::{Path, PathBuf};
use std::process::Command;

use strongroom_servers::{Database, Vhost, postgres, rabbitmq};

use crate::demo::demo;
use crate::rig::{Ended, Running, free_address, get, program, until};

/// The demo's site, moved to a database and a broker by the two settings.
pub(crate) struct Fleet {
    here: PathBuf,
    database: Database,
    vhost: Vhost,
    _folder: tempfile::TempDir,
    _server: Running,
}

impl Fleet {
    pub(crate) fn new() -> Self {
        let folder = demo("1");
        let here = folder.path().join("here");
        let server = Running::start(&mut program(&here, &["server"]));
        let fleet =
            Self { here, database: postgres().database(), vhost: rabbitmq().vhost(), _folder: folder, _server: server };
        fleet.run(&["log", "migrate"]).expect(0);
        fleet.run(&["log", "copy"]).expect(0);
        fleet
    }

    fn program(&self, args: &[&str]) -> Command {
        let mut command = program(&self.here, args);
        command.env("STRONGROOM_LOG_URL", &self.database.url).env("STRONGROOM_BROKER_URL", &self.vhost.amqp_url);
        command
    }

    fn run(&self, args: &[&str]) -> Ended {
        self.program(args).output().unwrap().into()
    }

    pub(crate) fn start(&self, args: &[&str]) -> Running {
        Running::start(&mut self.program(args))
    }

    fn import(&self, name: &str, number: usize) {
        let folder = self.here.join(name);
        std::fs::create_dir(&folder).unwrap();
        for n in 0..number {
            std::fs::write(folder.join(format!("{name}-{n}.pdf")), format!("{name} {n}")).unwrap();
        }
        self.run(&["server", "import", name]).expect(0);
    }

    fn archived(&self) -> u64 {
        self.run(&["status", "--json"]).json()["bookings"]["archived"].as_u64().unwrap()
    }

    fn until_archived(&self, number: u64) {
        until("the work to be done", || (self.archived() == number).then_some(()));
    }

    fn count(&self, kind: &str) -> usize {
        self.run(&["log", "export"]).stdout.matches(&format!("\"type\":\"strongroom.{kind}\"")).count()
    }
}

#[test]
fn each_part_is_a_process_and_any_of_them_may_be_killed() {
    let fleet = Fleet::new();
    fleet.import("first", 20);
    let verbs: [&[&str]; 7] =
        [&["relay"], &["relay"], &["fetch"], &["fetch", "--concurrency", "2"], &["archive"], &["notify"], &["verify"]];
    let mut workers: Vec<Running> = verbs.iter().map(|verb| fleet.start(verb)).collect();
    let once = fleet.run(&["enumerate", "--once"]).expect(0);
    assert_eq!((once.stdout.as_str(), once.stderr.as_str()), ("", ""), "cron has nothing to mail");
    fleet.until_archived(21);

    fleet.import("second", 20);
    let enumerates: Vec<Running> =
        (0..2).map(|_| Running::start(fleet.program(&["enumerate"]).env("STRONGROOM_SCHEDULE_EVERY", "1s"))).collect();
    // One of each pair, and the only one that proves.
    for number in [6, 2, 0] {
        drop(workers.remove(number));
    }
    workers.push(fleet.start(&["verify", "--drive", "drive"]));
    fleet.until_archived(41);
    for worker in workers.into_iter().chain(enumerates) {
        assert_eq!(worker.stop(), Some(0));
    }
    for event in ["enumerated", "fetched", "backed-up", "archived"] {
        assert_eq!(fleet.count(&format!("timesheet.{event}.v1")), 41, "{event}");
    }
    fleet.run(&["log", "verify"]).expect(0);
    fleet.run(&["queue", "parked"]).expect(0);
}

#[test]
fn run_does_everything_over_the_broker_as_well() {
    let fleet = Fleet::new();
    fleet.import("first", 5);
    let ending = fleet.run(&["run", "--once", "--json"]).expect(0).json();
    assert_eq!((&ending["archived"], &ending["ok"]), (&5.into(), &true.into()), "{ending}");
    let doctor = fleet.run(&["doctor"]).expect(0).stdout;
    assert!(doctor.contains("takes our login, and has the site's 8 queues"), "{doctor}");
    assert!(doctor.contains("parked messages   none"), "{doctor}");
}

#[test]
fn what_is_asked_of_a_drive_is_done_by_the_worker_of_its_host_and_another_goes_on_where_that_died() {
    let fleet = Fleet::new();
    fleet.import("first", 20);
    fleet.run(&["run", "--once"]).expect(0);
    std::fs::create_dir(fleet.here.join("second")).unwrap();
    fleet.run(&["drive", "init", "second", "--same-disk", "--in-memory", "--label", "blue 2"]).expect(0);
    let _relay = fleet.start(&["relay"]);
    let asked = fleet.run(&["drive", "copy", "--to", "second", "--detach"]).expect(0).stdout;
    assert!(asked.contains("is requested"), "{asked}");
    // It dies with the copies on the drive, and nothing of them in the log.
    let mut dies = Running::start(fleet.program(&["custody"]).env("STRONGROOM_KILL_AT", "custody.copies-listed:1"));
    until("the worker to die", || dies.0.try_wait().unwrap());
    assert_eq!(fleet.count("copy.made.v1"), 0);

    let worker = fleet.start(&["custody"]);
    until("the copies to be made", || (fleet.count("custody.finished.v1") == 1).then_some(()));
    assert_eq!(fleet.count("copy.made.v1"), 21);
    let drives = fleet.run(&["drive", "list", "--json"]).expect(0).json();
    let held: Vec<_> = drives.as_array().unwrap().iter().map(|drive| (&drive["files"], &drive["damaged"])).collect();
    assert_eq!(held, [(&21.into(), &0.into()); 2], "{drives}");

    // The worker's own drive, and one that no worker is at: then the verb does the work.
    for drive in ["drive", "second"] {
        let verified = fleet.run(&["drive", "verify", drive]).expect(0).stdout;
        assert!(verified.contains("21 files as proven"), "{drive}: {verified}");
    }
    assert_eq!(worker.stop(), Some(0));
    fleet.run(&["log", "verify"]).expect(0);
    fleet.run(&["queue", "parked"]).expect(0);
}

#[test]
fn a_worker_says_whether_it_is_ready() {
    let fleet = Fleet::new();
    std::fs::rename(fleet.here.join("drive"), fleet.here.join("away")).unwrap();
    let address = free_address();
    let worker = fleet.start(&["fetch", "--listen", &address]);
    let ask = |path: &str| get(&address, path);
    until("the worker to miss its drive", || ask("/readyz").filter(|told| told.contains("\"check\":\"drive\"")));
    assert!(ask("/healthz").unwrap().starts_with("HTTP/1.1 200"), "it waits, and is alive");
    // It is unready before its first look, too: the alarm shows that it has looked.
    until("the alarm to be raised", || (fleet.count("alarm.raised.v1") == 1).then_some(()));
    std::fs::rename(fleet.here.join("away"), fleet.here.join("drive")).unwrap();
    let _relay = fleet.start(&["relay"]);
    until("the worker to be ready", || ask("/readyz").filter(|told| told.starts_with("HTTP/1.1 200")));
    let metrics = ask("/metrics").unwrap();
    assert!(metrics.contains("strongroom_broker_connected{role=\"consume\"} 1"), "{metrics}");
    assert_eq!(worker.stop(), Some(0));
    assert_eq!(fleet.count("alarm.raised.v1"), 1);
    assert_eq!(fleet.count("alarm.cleared.v1"), 1);
}

#[test]
fn a_worker_without_a_broker_says_what_to_set() {
    let folder = demo("1");
    let here: &Path = &folder.path().join("here");
    for verb in ["relay", "enumerate", "fetch", "verify", "archive", "notify"] {
        let refused = crate::rig::run(here, &[verb]).expect(1).stderr;
        assert!(refused.contains("broker.url") && refused.contains("next:"), "{verb}: {refused}");
    }
}
