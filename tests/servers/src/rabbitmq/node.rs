//! One node.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::epmd::Epmd;
use super::http::Http;
use crate::port;
use crate::supervisor::{PATIENCE, Supervisor, command, new_folder};

/// Debian's programs without the wrapper that insists on a user of its own.
const PROGRAMS: &str = "/usr/lib/rabbitmq/bin";
/// What a client says first (AMQP 0-9-1, section 4.2.2).
const HELLO: &[u8] = b"AMQP\x00\x00\x09\x01";

/// For tests: no spinning on two cores, a small log of what queues were told, and timers that
/// are looked at each second.
const ERLANG: &str = "+sbwt none +sbwtdcpu none +sbwtdio none +S 2:2 -rabbit channel_tick_interval 1000 \
                      -kernel inet_dist_use_interface {127,0,0,1}";
/// No room is needed for what tests put there, and none to spare on small machines.
const FOR_TESTS: [(&str, &str); 6] = [
    ("disk_free_limit.absolute", "50MB"),
    ("vm_memory_high_watermark.relative", "0.6"),
    ("raft.wal_max_size_bytes", "32000000"),
    ("management_agent.disable_metrics_collector", "true"),
    ("log.console", "true"),
    ("log.console.level", "warning"),
];

/// A node that can be started and ended any number of times.
#[derive(Debug)]
pub(super) struct Node {
    setup: Setup,
    supervisor: Mutex<Supervisor>,
    /// Lives for as long as any of its nodes.
    _epmd: Arc<Epmd>,
}

#[derive(Debug, Clone)]
pub(super) struct Setup {
    folder: PathBuf,
    pub(super) name: String,
    epmd_port: u16,
    amqp_port: u16,
    http_port: u16,
    erlang_port: u16,
}

impl Setup {
    /// A folder, a name and ports that nobody has.
    pub(super) fn new(epmd: &Epmd) -> Self {
        let amqp_port = port::free();
        Self {
            folder: new_folder("strongroom-rabbitmq-"),
            name: format!("strongroom-{amqp_port}@localhost"),
            epmd_port: epmd.port,
            amqp_port,
            http_port: port::free(),
            erlang_port: port::free(),
        }
    }

    /// What every program of this node is told.
    fn tell(&self, program: &str) -> Command {
        let path = Path::new(PROGRAMS).join(program);
        assert!(path.exists(), "{program} is not installed: run `apt-get install rabbitmq-server`");
        let mut command = command(path);
        let in_folder = |name: &str| self.folder.join(name);
        command
            .env("HOME", &self.folder)
            // Nobody starts a port mapper but ourselves.
            .env("ERL_EPMD_PORT", self.epmd_port.to_string())
            .env("ERL_FLAGS", "-start_epmd false")
            .env("RABBITMQ_NODENAME", &self.name)
            .env("RABBITMQ_DIST_PORT", self.erlang_port.to_string())
            .env("RABBITMQ_CONF_ENV_FILE", in_folder("env.conf"))
            .env("RABBITMQ_CONFIG_FILE", in_folder("rabbitmq.conf"))
            .env("RABBITMQ_ADVANCED_CONFIG_FILE", in_folder("advanced.config"))
            .env("RABBITMQ_GENERATED_CONFIG_DIR", in_folder("generated"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", in_folder("plugins"))
            .env("RABBITMQ_MNESIA_BASE", in_folder("data"))
            .env("RABBITMQ_LOG_BASE", in_folder("logs"))
            .env("RABBITMQ_PID_FILE", in_folder("pid"))
            .env("RABBITMQ_LOGS", "-")
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", ERLANG);
        command
    }

    fn write(&self, cookie: &str, settings: &[(&str, &str)]) {
        let own = [
            ("listeners.tcp.1".to_owned(), format!("127.0.0.1:{}", self.amqp_port)),
            ("management.tcp.ip".to_owned(), "127.0.0.1".to_owned()),
            ("management.tcp.port".to_owned(), self.http_port.to_string()),
        ];
        let usual = FOR_TESTS.iter().filter(|(name, _)| !settings.iter().any(|(other, _)| other == name));
        let lines = own.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let lines: String = lines
            .chain(usual.copied())
            .chain(settings.iter().copied())
            .map(|(name, value)| format!("{name} = {value}\n"))
            .collect();
        let texts =
            [("rabbitmq.conf", lines.as_str()), ("plugins", "[rabbitmq_management]."), (".erlang.cookie", cookie)];
        let owner = std::fs::metadata(&self.folder).expect("the folder was just made");
        for (name, text) in texts {
            let path = self.folder.join(name);
            std::fs::write(&path, text).expect("the folder can be written to");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).expect("the file is ours");
            std::os::unix::fs::chown(&path, Some(owner.uid()), Some(owner.gid())).expect("the file may be given away");
        }
    }

    /// Whether this node, and not somebody else, answers behind the port: a broker names its
    /// cluster in the first thing that it says, and a cluster is named for its first node.
    fn answers(&self) -> bool {
        let ask = || -> std::io::Result<Vec<u8>> {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.amqp_port))?;
            stream.set_read_timeout(Some(Duration::from_secs(5)))?;
            stream.write_all(HELLO)?;
            let mut said = vec![0; 4096];
            let length = stream.read(&mut said)?;
            said.truncate(length);
            Ok(said)
        };
        ask().is_ok_and(|said| said.windows(11).any(|words| words == b"strongroom-"))
    }
}

impl Node {
    pub(super) fn start(epmd: &Arc<Epmd>, settings: &[(&str, &str)]) -> Self {
        port::on_free_ones(|| {
            let node = Self::prepare(epmd, Setup::new(epmd), "strongroom", settings);
            if node.begin() {
                return Some(node);
            }
            node.must_have_met_another();
            None
        })
    }

    pub(super) fn prepare(epmd: &Arc<Epmd>, setup: Setup, cookie: &str, settings: &[(&str, &str)]) -> Self {
        setup.write(cookie, settings);
        let supervisor = Supervisor::new(&setup.folder, "KILL", &setup.tell("rabbitmq-server"));
        Self { setup, supervisor: Mutex::new(supervisor), _epmd: epmd.clone() }
    }

    /// Starts it, and waits until it answers; `false`: it ended instead.
    pub(super) fn begin(&self) -> bool {
        let mut supervisor = self.supervisor();
        supervisor.start();
        supervisor.wait_until(|| self.setup.answers())
    }

    /// That it ended instead of answering is to be expected only where a port was taken after all.
    pub(super) fn must_have_met_another(&self) {
        let said = self.said();
        let met = ["eaddrinuse", "port_conflict", "already_used"].iter().any(|word| said.contains(word));
        assert!(met, "rabbitmq does not start:\n{said}");
    }

    fn supervisor(&self) -> MutexGuard<'_, Supervisor> {
        self.supervisor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn name(&self) -> &str {
        &self.setup.name
    }

    pub(super) fn lives(&self) -> bool {
        self.supervisor().lives()
    }

    pub(super) fn said(&self) -> String {
        self.supervisor().said()
    }

    pub(super) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.setup.amqp_port).into()
    }

    pub(super) fn http(&self) -> Http {
        Http { address: (Ipv4Addr::LOCALHOST, self.setup.http_port).into() }
    }

    /// Ends it by a signal, and waits until nobody listens: what was killed does so for a
    /// moment longer than the program that started it.
    pub(super) fn end(&self, signal: &str) {
        self.supervisor().end(signal);
        let begin = Instant::now();
        while TcpStream::connect(self.address()).is_ok() {
            assert!(begin.elapsed() < PATIENCE, "rabbitmq does not end:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(super) fn start_again(&self) {
        let begin = Instant::now();
        while !self.begin() {
            self.end("KILL");
            // What was killed holds its ports for a moment longer.
            assert!(begin.elapsed() < PATIENCE, "rabbitmq does not start again:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub(super) fn forget(&self) {
        let data = self.setup.folder.join("data");
        let begin = Instant::now();
        while data.exists() {
            // A killed node may still write for a moment.
            let removed = std::fs::remove_dir_all(&data);
            assert!(begin.elapsed() < PATIENCE, "{} cannot be removed: {removed:?}", data.display());
        }
    }

    pub(super) fn ctl(&self, args: &[&str]) -> String {
        let mut command = self.setup.tell("rabbitmqctl");
        let output = command.arg("--quiet").args(args).output().expect("an installed program runs");
        let (said, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "rabbitmqctl {args:?} failed:\n{said}{complaint}");
        said.trim_end().to_owned()
    }
}
