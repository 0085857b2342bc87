//! A mail server for tests: aiosmtpd, in a process of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What the server is started with.
#[derive(Debug, Default)]
pub(crate) struct Options<'a> {
    /// The port; 0 or absent: any.
    pub(crate) port: u16,
    /// A certificate and its key (PEM): it demands STARTTLS.
    pub(crate) tls: Option<(&'a Path, &'a Path)>,
    /// It speaks TLS from the first byte instead.
    pub(crate) wrapped: bool,
    /// A user and a password that it demands.
    pub(crate) login: Option<(&'a str, &'a str)>,
    /// Its reply to every mail, such as `451 4.3.0 later`.
    pub(crate) reply: &'a str,
    /// A recipient that it will not have.
    pub(crate) unknown: &'a str,
}

/// A running mail server, ended when this is dropped.
#[derive(Debug)]
pub(crate) struct SmtpServer {
    child: Child,
    folder: PathBuf,
    pub(crate) port: u16,
}

/// The interpreter that knows aiosmtpd: the system's own, or the first in the path.
fn python() -> &'static str {
    let knows = |python: &&str| {
        let mut command = Command::new(python);
        command.args(["-c", "import aiosmtpd"]).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    ["/usr/bin/python3", "python3"]
        .into_iter()
        .find(knows)
        .expect("the tests need a mail server: `sudo apt-get install python3-aiosmtpd`")
}

impl SmtpServer {
    /// A server that keeps its mails in `folder`.
    pub(crate) fn start(folder: &Path, options: &Options<'_>) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/notify/smtp_server.py");
        let mut command = Command::new(python());
        command.arg(script).arg(folder).arg(options.port.to_string());
        if let Some((certificate, key)) = options.tls {
            command.env("CERTIFICATE", certificate).env("KEY", key);
        }
        if options.wrapped {
            command.env("WRAPPED", "yes");
        }
        if let Some((user, password)) = options.login {
            command.env("LOGIN_USER", user).env("LOGIN_PASSWORD", password);
        }
        command.env("REPLY", options.reply).env("UNKNOWN", options.unknown);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().parse().expect("the mail server says its port");
        Self { child, folder: folder.to_owned(), port }
    }

    /// The mails that it took, in order.
    pub(crate) fn mails(&self) -> Vec<String> {
        let mut paths: Vec<_> = std::fs::read_dir(&self.folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "eml"));
        paths.sort();
        paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
