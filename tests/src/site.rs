//! A whole site in one folder: a document server, a drive, a log and mails.

use std::ffi::OsStr;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::mailbox::Mailbox;
use crate::program::{Call, Running};
use crate::proxy::Proxy;

/// The smallest and the largest document that [`Site::add_documents`] makes, in bytes.
const SIZES: std::ops::RangeInclusive<usize> = 1..=40_000;

/// The configuration of every site. Retries come at once, so that tests are quick; the rest is
/// as it is shipped.
const CONFIG: &str = r#"
site = "kestrel"
time_zone = "Europe/Berlin"

[source]
token_file = "backup.token"
connect_timeout = "2s"
read_timeout = "2s"

[drive]
root = "drive"
reserve = "1MiB"

# Not every machine builds on a plain disk.
[verify]
require = "cached"

[retry]
delays = ["50ms", "200ms"]
wait_once = "5s"
"#;

/// One site, gone when this is dropped.
#[derive(Debug)]
pub struct Site {
    folder: PathBuf,
    drive: PathBuf,
    documents: PathBuf,
    settings: Vec<(String, String)>,
    _temporary: Option<TempDir>,
    /// Between the program and its document server.
    pub proxy: Proxy,
}

impl Default for Site {
    fn default() -> Self {
        Self::new()
    }
}

impl Site {
    /// A configured site with an initialised drive and a token, and nothing in it.
    pub fn new() -> Self {
        let site = Self::without_drive();
        fs::create_dir(site.drive()).unwrap();
        site.call(["drive", "init", "--same-disk", "--in-memory", "--label", "blue 1"]).run().expect_code(0);
        site
    }

    /// A site with its document server, on which that many documents wait.
    pub fn served(documents: usize) -> (Self, Running) {
        let site = Self::new();
        site.add_documents(documents);
        let server = site.serve();
        (site, server)
    }

    /// The same, after a run that has archived them.
    pub fn archived(documents: usize) -> (Self, Running) {
        let (site, server) = Self::served(documents);
        site.run_once().run().expect_code(0);
        (site, server)
    }

    /// A site before the drive is set up, or there.
    pub fn without_drive() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        fs::write(temporary.path().join("strongroom.toml"), CONFIG).unwrap();
        let mut site = Self::opened(temporary.path());
        site._temporary = Some(temporary);
        let create = ["server", "token", "create", "--name", "backup-1", "--scope", "backup", "--out", "backup.token"];
        site.call(create).run().expect_code(0);
        site
    }

    /// A site that something else has made, such as the demo; its folder stays.
    pub fn opened(folder: &Path) -> Self {
        let proxy = Proxy::start();
        let config = Call::new(folder, ["config", "show", "--json"]).run().expect_code(0).json();
        let path = |value: &serde_json::Value| folder.join(value.as_str().unwrap());
        let mut site = Self {
            folder: folder.to_owned(),
            drive: path(&config["drive"]["root"]),
            documents: path(&config["server"]["documents"]),
            settings: Vec::new(),
            _temporary: None,
            proxy,
        };
        site.set("source.url", &site.proxy.url());
        site.set("server.listen", "127.0.0.1:0");
        site
    }

    /// Sets a key for every later call, such as `drive.reserve`.
    pub fn set(&mut self, key: &str, value: &str) {
        let variable = format!("STRONGROOM_{}", key.replace('.', "_").to_uppercase());
        self.settings.retain(|(known, _)| *known != variable);
        self.settings.push((variable, value.to_owned()));
    }

    pub fn settings(&self) -> &[(String, String)] {
        &self.settings
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub fn drive(&self) -> &Path {
        &self.drive
    }

    pub fn documents(&self) -> &Path {
        &self.documents
    }

    /// The program with these arguments, in the site's folder.
    pub fn call(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Call {
        let call = Call::new(&self.folder, args);
        self.settings.iter().fold(call, |call, (name, value)| call.env(name, value))
    }

    pub fn run_once(&self) -> Call {
        self.call(["run", "--once"])
    }

    /// A document server that answers, behind the proxy. Killed when it is dropped.
    pub fn serve(&self) -> Running {
        self.serve_as(self.call(["server"]))
    }

    /// The same, from a call of one's own.
    pub fn serve_as(&self, call: Call) -> Running {
        let mut server = call.start();
        let address = server.until_said("its address", address_in);
        self.proxy.forward_to(Some(address));
        server
    }

    /// Puts that many documents into a folder and imports it: each becomes a booking that is signed off.
    pub fn add_documents(&self, count: usize) {
        let folder = self.make_documents(count);
        self.call([OsStr::new("server"), OsStr::new("import"), folder.as_os_str()]).run().expect_code(0);
    }

    /// A new folder with that many documents, the same at every call but for the folder's name.
    pub fn make_documents(&self, count: usize) -> PathBuf {
        let folder = self.path(&format!("inbox-{:08x}", fastrand::u32(..)));
        fs::create_dir(&folder).unwrap();
        let mut random = fastrand::Rng::with_seed(7);
        for number in 0..count {
            let size = random.usize(SIZES);
            let bytes: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(size).collect();
            fs::write(folder.join(format!("timesheet-{number:04}.pdf")), bytes).unwrap();
        }
        folder
    }

    /// Changes an event in the log's file past the database's own refusals, as someone with root could.
    pub fn tamper(&self, statement: &str) {
        let script = "import sqlite3, sys\n\
            log = sqlite3.connect('data/log.sqlite')\n\
            for (name,) in log.execute(\"SELECT name FROM sqlite_schema WHERE type = 'trigger'\").fetchall():\n\
            \x20   log.execute(f'DROP TRIGGER \"{name}\"')\n\
            assert log.execute(sys.argv[1]).rowcount == 1\n\
            log.commit()\n";
        let output =
            Command::new("python3").args(["-c", script, statement]).current_dir(&self.folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Moves the log's files into a new folder of that name, as the manual says.
    pub fn put_the_log_aside(&self, name: &str) {
        let aside = self.path(name);
        fs::create_dir(&aside).unwrap();
        for entry in fs::read_dir(self.path("data")).unwrap().flatten() {
            if entry.file_name().to_string_lossy().starts_with("log") {
                fs::rename(entry.path(), aside.join(entry.file_name())).unwrap();
            }
        }
    }

    pub fn mailbox(&self) -> Mailbox {
        Mailbox::new(&self.path("data/mail"))
    }

    /// `strongroom status --json`, whether or not something needs a person.
    pub fn status(&self) -> serde_json::Value {
        self.call(["status", "--json"]).run().json()
    }

    /// What the document server, asked by itself with the site's token, answers as JSON.
    pub fn get(&self, path: &str) -> serde_json::Value {
        self.proxy.ask(&format!("GET {path}"), &self.token("backup.token"), &[]).unwrap().json()
    }

    /// Uploads a timesheet and signs it off, as the client's staff would. Any step that fails ends it;
    /// to do all again does no harm.
    pub fn upload(&self, booking: &str, filename: &str, bytes: &[u8]) -> std::io::Result<()> {
        if !self.path("upload.token").exists() {
            let create = ["server", "token", "create", "--name", "staff", "--scope", "upload", "--out", "upload.token"];
            self.call(create).run().expect_code(0);
        }
        let timesheet = format!("PUT /v1/bookings/{booking}/timesheet?filename={filename}");
        let steps = [
            ("POST /v1/bookings".to_owned(), format!("{{\"id\":\"{booking}\"}}").into_bytes()),
            (timesheet, bytes.to_vec()),
            (format!("POST /v1/bookings/{booking}/sign-off"), Vec::new()),
        ];
        for (request, body) in steps {
            let answer = self.proxy.ask(&request, &self.token("upload.token"), &body)?;
            let status = answer.head.split(' ').nth(1).unwrap_or_default().to_owned();
            // 409: an earlier try came as far as that.
            if !status.starts_with('2') && status != "409" {
                return Err(std::io::Error::other(format!("{request}: {}", String::from_utf8_lossy(&answer.body))));
            }
        }
        Ok(())
    }

    fn token(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap().trim().to_owned()
    }

    /// Every site's every month's folder on the drive.
    pub fn months(&self) -> Vec<PathBuf> {
        self.folders_of_sites().into_iter().filter(|path| !is_temporary(path)).collect()
    }

    /// Every month's folder that has not got its name yet.
    pub fn drafts(&self) -> Vec<PathBuf> {
        self.folders_of_sites().into_iter().filter(|path| is_temporary(path)).collect()
    }

    fn folders_of_sites(&self) -> Vec<PathBuf> {
        let sites = folders_in(&self.drive).into_iter().filter(|path| !path.ends_with(".strongroom"));
        sites.flat_map(|site| folders_in(&site)).collect()
    }
}

/// Whether it is named as what a start sweeps.
fn is_temporary(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".strongroom."))
}

/// The folders right below that one; none where it does not exist.
fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.is_dir() && !path.is_symlink()).collect()
}

/// The first address of this host with a port in a text.
pub fn address_in(text: &str) -> Option<SocketAddr> {
    let mut starts = text.match_indices("127.0.0.1:").map(|(at, _)| &text[at..]);
    starts.find_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ':').unwrap_or(rest.len());
        let address: SocketAddr = rest[..end].parse().ok()?;
        (address.port() != 0 && end < rest.len()).then_some(address)
    })
}
