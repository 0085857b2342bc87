//! The whole system as `deploy/compose` describes it, but as processes beside each other instead of
//! containers: its roles and users, its configuration, its secrets for each service, its commands.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use strongroom_servers::{Postgres, RabbitMq};
use strongroom_tests::audit::files_below;
use strongroom_tests::program::{Call, Running, stop_all};
use strongroom_tests::site::address_in;
use strongroom_tests::wait;

use crate::{compose, postgres, rabbitmq, tree};

const DOCUMENTS: usize = 20;

/// The host that all containers are, with the servers that are not ours.
struct Host {
    folder: tempfile::TempDir,
    /// `deploy/compose`, where the passwords were made.
    compose: PathBuf,
    /// The file as compose reads it.
    file: Value,
    postgres: Postgres,
    rabbitmq: RabbitMq,
    /// Where the document server listens, once it does.
    server: Option<SocketAddr>,
    _copy: tempfile::TempDir,
}

impl Host {
    fn new() -> Self {
        let (copy, compose) = compose::set_up();
        let postgres = Postgres::start();
        let mut init = Command::new(compose.join("postgres-init.sh"));
        init.env("ROLES", tree::path("postgres/roles.sql")).env("LOGINS", compose.join("secrets/postgres-logins"));
        tree::succeeds(postgres::at(&postgres, &mut init));
        let rabbitmq = RabbitMq::start();
        rabbitmq::import(&rabbitmq, &compose.join("secrets/rabbitmq-users"));
        let folder = tempfile::tempdir().unwrap();
        for volume in ["documents", "drives/backup", "tokens"] {
            fs::create_dir_all(folder.path().join("srv").join(volume)).unwrap();
        }
        let file = compose::resolved(&compose);
        Self { folder, compose, file, postgres, rabbitmq, server: None, _copy: copy }
    }

    /// A service's own place: the configuration as it sees it, and its secrets, with paths and
    /// addresses of this host.
    fn place(&self, service: &str) -> PathBuf {
        let folder = self.folder.path();
        let place = folder.join(service);
        fs::create_dir_all(place.join("secrets")).unwrap();
        for (target, source) in compose::secrets(&self.file["services"][service]) {
            let secret = fs::read_to_string(self.compose.join("secrets").join(source)).unwrap();
            let secret = secret
                .replace("@postgres/", &format!("@{}/", self.postgres.address()))
                .replace("@rabbitmq/", &format!("@{}/", self.rabbitmq.address()));
            put(&place.join("secrets").join(target), &secret);
        }
        // There is no mail server: mails go to a folder.
        let config = tree::read("compose/strongroom.toml");
        let (before, after) = config.split_once("[mail.smtp]").unwrap();
        let config = format!("{before}{}", &after[after.find("[server]").unwrap()..])
            .replace("/run/secrets", place.join("secrets").to_str().unwrap())
            .replace("/var/lib/strongroom", place.join("state").to_str().unwrap())
            .replace("/srv/", &format!("{}/", folder.join("srv").display()))
            .replace("0.0.0.0:8400", "127.0.0.1:0");
        let config = match self.server {
            Some(address) => config.replace("server:8400", &address.to_string()),
            None => config,
        };
        put(&place.join("strongroom.toml"), &config);
        place
    }

    /// The program as a service runs it, with other arguments where there are some.
    fn call(&self, service: &str, args: &[&str]) -> Call {
        let place = self.place(service);
        let own = compose::texts(&self.file["services"][service]["command"]);
        Call::new(&place, if args.is_empty() { own.as_slice() } else { args })
    }

    fn run(&self, service: &str, args: &[&str]) {
        self.call(service, args).run().expect_code(0);
    }

    /// The one-off service that makes the token is a line for the shell.
    fn make_token(&self) {
        let place = self.place("token");
        let line = compose::texts(&self.file["services"]["token"]["command"])[0];
        let line = line.replace("/srv/", &format!("{}/", self.folder.path().join("srv").display()));
        let program = strongroom_tests::program::path();
        let path = format!("{}:/usr/bin:/bin", program.parent().unwrap().display());
        for _ in 0..2 {
            tree::succeeds(Command::new("/bin/sh").args(["-c", &line]).current_dir(&place).env("PATH", &path));
        }
    }

    fn make_documents(&self) -> PathBuf {
        let folder = self.folder.path().join("scans");
        fs::create_dir(&folder).unwrap();
        for number in 0..DOCUMENTS {
            fs::write(folder.join(format!("B-{number}.pdf")), format!("timesheet {number}")).unwrap();
        }
        folder
    }
}

/// Leaves a file alone that is as it should be: somebody may be reading it.
fn put(path: &Path, text: &str) {
    if fs::read_to_string(path).is_ok_and(|found| found == text) {
        return;
    }
    fs::write(path, text).unwrap();
}

/// Each process with no more than its own rights in Postgres and RabbitMQ: the rights are enough.
#[test]
fn everything_goes_through_with_the_least_rights() {
    let mut host = Host::new();
    for once in ["migrate", "migrate", "topology"] {
        host.run(once, &[]);
    }
    let mut server = host.call("server", &[]).start();
    host.server = Some(server.until_said("its address", address_in));
    host.make_token();
    let scans = host.make_documents();
    host.run("server", &["server", "import", scans.to_str().unwrap()]);
    host.run("tool", &["drive", "init", "--same-disk", "--in-memory", "--label", "blue 1"]);
    let services = ["relay", "fetch", "fetch", "verify", "archive", "notify"];
    let mut workers: Vec<_> = services.map(|service| host.call(service, &[]).start()).into();
    host.run("enumerate", &["enumerate", "--once"]);
    wait::until_true("every booking to be archived", || {
        assert!(workers.iter_mut().all(Running::is_running), "a worker ended");
        let status = host.call("tool", &["status", "--json"]).run().json();
        status["bookings"]["archived"] == DOCUMENTS
    });
    host.run("tool", &["log", "verify"]);
    assert!(
        files_below(&host.folder.path().join("srv/drives/backup/main")).len() > DOCUMENTS,
        "the files and their manifest"
    );
    stop_all(workers);
    server.stop();
}
