//! A mail server (aiosmtpd), that refuses where a test wants it to.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::mailbox::Mailbox;

/// A running mail server, ended when this is dropped.
#[derive(Debug)]
pub struct MailServer {
    child: Child,
    folder: PathBuf,
    /// The port on 127.0.0.1 that it listens on.
    pub port: u16,
}

impl MailServer {
    /// Takes mails without TLS and login, and keeps them in `folder`.
    pub fn start(folder: &Path) -> Self {
        Self::start_with(folder, &[])
    }

    /// Demands STARTTLS with that certificate and key (PEM files), then that login.
    pub fn start_protected(folder: &Path, certificate: &Path, key: &Path, user: &str, password: &str) -> Self {
        Self::start_with(folder, &[certificate.to_str().unwrap(), key.to_str().unwrap(), user, password])
    }

    fn start_with(folder: &Path, args: &[&str]) -> Self {
        fs::create_dir_all(folder).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/smtp.py");
        // The system's own interpreter: a package of Debian's is not seen by another one.
        let python =
            ["/usr/bin/python3", "python3"].into_iter().find(|path| Path::new(path).exists()).unwrap_or("python3");
        let mut command = Command::new(python);
        command.arg(script).arg(folder).args(args).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("python3 starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().parse().expect("the mail server says its port: is python3-aiosmtpd installed?");
        Self { child, folder: folder.to_owned(), port }
    }

    /// Answers every mail with that, such as `451 4.3.0 later`; `drop` takes it and says nothing.
    pub fn refuse(&self, reply: &str) {
        fs::write(self.folder.join("refuse"), reply).unwrap();
    }

    pub fn accept(&self) {
        fs::remove_file(self.folder.join("refuse")).unwrap();
    }

    pub fn mailbox(&self) -> Mailbox {
        Mailbox::new(&self.folder)
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
