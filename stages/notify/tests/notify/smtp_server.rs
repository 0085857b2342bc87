//! A mail server for tests: aiosmtpd, in a process of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// What the server is started with.
#[derive(Debug, Default)]
pub(crate) struct Options<'a> {
    /// The port; 0 or absent: any.
    pub(crate) port: u16,
    /// A certificate and its key (PEM): it demands STARTTLS.
    pub(crate) tls: Option<(PathBuf, PathBuf)>,
    /// It speaks TLS from the first byte instead.
    pub(crate) wrapped: bool,
    /// A user and a password that it demands.
    pub(crate) login: Option<(&'a str, &'a str)>,
    /// A recipient that it will not have.
    pub(crate) unknown: &'a str,
}

/// A running mail server, ended when this is dropped.
#[derive(Debug)]
pub(crate) struct SmtpServer {
    child: Child,
    inbox: TempDir,
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
    pub(crate) fn start(options: &Options<'_>) -> Self {
        let inbox = tempfile::tempdir().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/notify/smtp_server.py");
        let mut command = Command::new(python());
        command.arg(script).arg(inbox.path()).arg(options.port.to_string());
        if let Some((certificate, key)) = &options.tls {
            command.env("CERTIFICATE", certificate).env("KEY", key);
        }
        if options.wrapped {
            command.env("WRAPPED", "yes");
        }
        if let Some((user, password)) = options.login {
            command.env("LOGIN_USER", user).env("LOGIN_PASSWORD", password);
        }
        command.env("UNKNOWN", options.unknown);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().parse().expect("the mail server says its port");
        Self { child, inbox, port }
    }

    /// The mails that it took, in order.
    pub(crate) fn mails(&self) -> Vec<String> {
        let mut paths: Vec<_> =
            std::fs::read_dir(self.inbox.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
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
