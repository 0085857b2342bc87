//! The machines of a site that has only jobs, each with a configuration and a data folder of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use strongroom_model::{Event, Recorded};
use strongroom_servers::{Database, RabbitMq, Vhost, postgres};
use strongroom_tests::fleet::{Turn, turn};
use strongroom_tests::mailbox::Mailbox;
use strongroom_tests::program::{Call, Running};
use strongroom_tests::wait::until;
use tempfile::TempDir;

/// A plugin; see there for what a test can have it do.
const COPY: &str = include_str!("../../../src/copy.sh");
/// Every machine's, before its own lines.
const SHARED: &str = "site = \"office\"\ntime_zone = \"UTC\"\n\
    [watch]\nevery = \"1s\"\nmonitor_every = \"1s\"\nno_worker_after = \"2s\"\nhost_silent_after = \"15s\"\njob_grace = \"5m\"\n\
    [retry]\ndelays = [\"50ms\", \"200ms\"]\n";

/// A site, its log and its broker.
pub(super) struct Site {
    folder: TempDir,
    database: Database,
    vhost: Vhost,
    _turn: Turn,
}

/// A machine of a site: a folder with its configuration.
pub(super) struct Machine<'a> {
    site: &'a Site,
    folder: PathBuf,
    /// Its name in the configuration; the system has the same name for all.
    pub(super) name: &'static str,
}

impl Site {
    pub(super) fn on(rabbitmq: &RabbitMq) -> Self {
        let turn = turn();
        let (database, vhost) = (postgres().database(), rabbitmq.vhost());
        let site = Self { folder: tempfile::tempdir().unwrap(), database, vhost, _turn: turn };
        site.machine("setup").call(&["log", "migrate"]).run().expect_code(0);
        site
    }

    /// A machine without jobs.
    pub(super) fn machine(&self, name: &'static str) -> Machine<'_> {
        self.machine_with(name, "")
    }

    /// A machine with a job of its own name, whose settings are these beside its source and target. Its target is set up.
    pub(super) fn host(&self, name: &'static str, settings: &str) -> Machine<'_> {
        let program = self.folder.path().join(name).join("copy.sh");
        let host = self.machine_with(
            name,
            &format!(
                "[transfer]\nhost = \"{name}\"\npatience = \"1s\"\n[[job]]\nname = \"{name}-documents\"\nkind = \"plugin\"\n\
                 program = [\"{}\"]\nsource = \"source\"\ntarget = \"disk/documents\"\nmax_age = \"30d\"\n{settings}\n",
                program.display()
            ),
        );
        fs::create_dir(host.path("source")).unwrap();
        fs::create_dir(host.path("disk")).unwrap();
        fs::write(host.path("source/a.txt"), name).unwrap();
        fs::write(&program, COPY).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        host.call(&["target", "init", "disk", "--label", name]).run().expect_code(0);
        host
    }

    fn machine_with(&self, name: &'static str, settings: &str) -> Machine<'_> {
        let folder = self.folder.path().join(name);
        fs::create_dir(&folder).unwrap();
        let (log, broker) = (&self.database.url, &self.vhost.amqp_url);
        let text = format!("{SHARED}[log]\nurl = \"{log}\"\n[broker]\nurl = \"{broker}\"\n{settings}");
        fs::write(folder.join("strongroom.toml"), text).unwrap();
        Machine { site: self, folder, name }
    }

    /// How far every machine's clock is ahead, in seconds.
    pub(super) fn set_clock(&self, seconds: u64) {
        let next = self.folder.path().join("clock.next");
        fs::write(&next, seconds.to_string()).unwrap();
        fs::rename(next, self.clock()).unwrap();
    }

    fn clock(&self) -> PathBuf {
        self.folder.path().join("clock")
    }

    pub(super) fn queues(&self) -> Vec<(String, u64)> {
        self.vhost.queues()
    }

    pub(super) fn waits_in(&self, stage: &str, host: &str) -> u64 {
        let name = format!("strongroom.office.{stage}.{host}.v1");
        self.queues().into_iter().find(|(queue, _)| *queue == name).map_or(0, |(_, messages)| messages)
    }
}

impl Machine<'_> {
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(super) fn call(&self, args: &[&str]) -> Call {
        let clock = self.site.clock();
        Call::new(&self.folder, args).env("STRONGROOM_CLOCK", clock.to_str().unwrap())
    }

    pub(super) fn start(&self, verb: &str) -> Running {
        self.call(&[verb]).start()
    }

    pub(super) fn job(&self) -> String {
        format!("{}-documents", self.name)
    }

    /// Asks for a run of its job, which a worker is to do.
    pub(super) fn request_run(&self) {
        self.call(&["job", "run", &self.job(), "--detach"]).run().expect_code(0);
    }

    /// How the job of that host stands, as this machine sees it.
    pub(super) fn state_of(&self, host: &Machine<'_>) -> String {
        let listed = self.call(&["job", "list", "--json"]).run();
        let jobs: Value = serde_json::from_str(&listed.stdout).unwrap_or_default();
        let jobs = jobs.as_array().cloned().unwrap_or_default();
        let job = jobs.into_iter().find(|job| job["name"] == host.job()).unwrap_or_default();
        job["state"].as_str().unwrap_or_default().to_owned()
    }

    /// Has the tool of its job's next run wait.
    pub(super) fn hold(&self) {
        fs::write(self.path("source.wait"), "").unwrap();
    }

    pub(super) fn release(&self) {
        fs::remove_file(self.path("source.wait")).unwrap();
    }

    /// How often the tool of its job was started.
    pub(super) fn starts(&self) -> usize {
        fs::read_to_string(self.path("source.starts")).unwrap_or_default().lines().count()
    }

    /// The tool that waits, once it was started for that time.
    pub(super) fn tool(&self, start: usize) -> Tool {
        until("the tool to start", || (self.starts() >= start).then_some(()));
        Tool(fs::read_to_string(self.path("source.tool")).unwrap().trim().parse().unwrap())
    }

    pub(super) fn events(&self) -> Vec<Recorded> {
        let exported = self.call(&["log", "export"]).run().expect_code(0).stdout;
        exported.lines().map(|line| Recorded::parse(line).unwrap()).collect()
    }

    /// Alarms that are raised, as `kind.subject`.
    pub(super) fn alarms(&self) -> Vec<String> {
        let listed = self.call(&["list", "alarms", "--json"]).run().json();
        let alarms = listed["items"].as_array().unwrap().iter().filter(|alarm| alarm["cleared"].is_null());
        let of = |alarm: &Value, key: &str| alarm[key].as_str().unwrap_or_default().to_owned();
        alarms.map(|alarm| format!("{}.{}", of(alarm, "kind"), of(alarm, "subject"))).collect()
    }

    pub(super) fn is_raised(&self, alarm: &str) -> bool {
        self.alarms().iter().any(|raised| raised == alarm)
    }

    pub(super) fn mailbox(&self) -> Mailbox {
        Mailbox::new(&self.path("data/mail"))
    }

    pub(super) fn copy(&self) -> Option<String> {
        fs::read_to_string(self.path("disk/documents/a.txt")).ok()
    }
}

/// How often an alarm was raised, and how often cleared.
pub(super) fn times(events: &[Recorded], stream: &str) -> (usize, usize) {
    let of_it = || events.iter().filter(|event| event.stream.id() == stream).map(|event| &event.event);
    let raised = of_it().filter(|event| matches!(event, Event::AlarmRaised(_))).count();
    (raised, of_it().filter(|event| matches!(event, Event::AlarmCleared(_))).count())
}

/// A process of a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tool(u32);

impl Tool {
    /// Whether it still does something: who died and was not waited for does not.
    pub(super) fn is_running(self) -> bool {
        let stat = fs::read_to_string(Path::new("/proc").join(self.0.to_string()).join("stat")).unwrap_or_default();
        let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
        state.is_some_and(|state| state != 'Z')
    }
}
