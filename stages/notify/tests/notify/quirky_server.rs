//! A mail server that follows the standard but in what a test has it do otherwise.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What it does at one point of the dialogue instead of what the standard says.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Do {
    /// Sends these bytes, with a line's end.
    Say(&'static [u8]),
    /// Sends these bytes as they are.
    SayRaw(&'static [u8]),
    /// Closes the connection.
    Close,
    /// Sends these bytes, then closes the connection.
    SayAndClose(&'static [u8]),
    /// Answers as usual after a while.
    Wait(Duration),
    /// Never answers.
    Hang,
}

/// The points: how a command begins, `greeting`, or `message` for the end of the message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quirk {
    pub(crate) at: &'static str,
    pub(crate) then: Do,
    /// How often at most; 0: always.
    pub(crate) times: u32,
}

#[derive(Debug, Default)]
struct Shared {
    used: Vec<u32>,
    mails: Vec<Vec<String>>,
    commands: Vec<String>,
}

/// A running server. Its threads end with the test's process.
#[derive(Debug, Clone)]
pub(crate) struct QuirkyServer {
    pub(crate) port: u16,
    quirks: &'static [Quirk],
    shared: Arc<Mutex<Shared>>,
}

impl QuirkyServer {
    pub(crate) fn start(quirks: &'static [Quirk]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Shared { used: vec![0; quirks.len()], ..Shared::default() };
        let server = Self { port, quirks, shared: Arc::new(Mutex::new(shared)) };
        let serving = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let serving = serving.clone();
                std::thread::spawn(move || serving.serve(stream));
            }
        });
        server
    }

    /// How many mails this recipient has.
    pub(crate) fn copies(&self, recipient: &str) -> usize {
        self.shared.lock().unwrap().mails.iter().filter(|to| to.iter().any(|one| one == recipient)).count()
    }

    /// The commands that it was sent, in order.
    pub(crate) fn commands(&self) -> Vec<String> {
        self.shared.lock().unwrap().commands.clone()
    }

    fn quirk(&self, point: &str) -> Option<Do> {
        let mut shared = self.shared.lock().unwrap();
        let is_due = |(number, quirk): &(usize, &Quirk)| {
            point.starts_with(quirk.at) && (quirk.times == 0 || shared.used[*number] < quirk.times)
        };
        let (number, quirk) = self.quirks.iter().enumerate().find(is_due)?;
        shared.used[number] += 1;
        Some(quirk.then)
    }

    /// Answers at one point. `None`: the connection is over. Else whether the answer was one of 2yz or 3yz.
    fn answer(&self, stream: &mut TcpStream, point: &str, usual: &[u8]) -> Option<bool> {
        let (bytes, end, then_close) = match self.quirk(point) {
            None => (usual, "\r\n", false),
            Some(Do::Say(bytes)) => (bytes, "\r\n", false),
            Some(Do::SayRaw(bytes)) => (bytes, "", false),
            Some(Do::SayAndClose(bytes)) => (bytes, "\r\n", true),
            Some(Do::Close) => return None,
            Some(Do::Wait(time)) => {
                std::thread::sleep(time);
                (usual, "\r\n", false)
            }
            Some(Do::Hang) => {
                std::thread::sleep(Duration::from_secs(3600));
                return None;
            }
        };
        stream.write_all(&[bytes, end.as_bytes()].concat()).ok()?;
        if then_close && point != "message" {
            return None;
        }
        Some(matches!(bytes.first(), Some(b'2' | b'3')))
    }

    fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let mut lines = BufReader::new(stream.try_clone().unwrap());
        self.answer(&mut stream, "greeting", b"220 mail.example.com ESMTP")?;
        let mut to = Vec::new();
        loop {
            let mut line = Vec::new();
            if lines.read_until(b'\n', &mut line).ok()? == 0 {
                return None;
            }
            let command = String::from_utf8_lossy(&line).trim_end().to_owned();
            self.shared.lock().unwrap().commands.push(command.clone());
            let usual: &[u8] = match command.split(' ').next() {
                Some("EHLO") => b"250-mail.example.com\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN",
                Some("DATA") => b"354 go ahead",
                Some("AUTH") => b"235 welcome",
                Some("QUIT") => b"221 bye",
                Some("HELO" | "MAIL" | "RCPT" | "RSET") => b"250 ok",
                _ => b"500 what",
            };
            let done = self.answer(&mut stream, &command, usual)?;
            match command.split(' ').next() {
                Some("MAIL" | "RSET") => to.clear(),
                Some("RCPT") if done => to.push(command["RCPT TO:<".len()..].trim_end_matches('>').to_owned()),
                Some("DATA") if done => self.message(&mut stream, &mut lines, &to)?,
                Some("QUIT") => return None,
                _ => {}
            }
        }
    }

    fn message(&self, stream: &mut TcpStream, lines: &mut BufReader<TcpStream>, to: &[String]) -> Option<()> {
        let mut message = Vec::new();
        loop {
            let mut line = Vec::new();
            if lines.read_until(b'\n', &mut line).ok()? == 0 {
                return None;
            }
            assert!(line.ends_with(b"\r\n"), "a line of a message ends with CRLF: {line:?}");
            if line == b".\r\n" {
                break;
            }
            message.extend(line);
        }
        assert!(!message.is_empty());
        // Kept before the answer, as a server does whose answer is lost.
        if self.answer(stream, "message", b"250 2.0.0 Ok: queued as Q1")? {
            self.shared.lock().unwrap().mails.push(to.to_vec());
        }
        Some(())
    }
}
