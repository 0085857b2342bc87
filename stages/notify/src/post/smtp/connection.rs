use std::io;
use std::time::Duration;

use data_encoding::BASE64;
use strongroom_service::config::Tls;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::failure::SmtpFailure;
use super::reply::Reply;
use super::tls::Protection;
use super::{SmtpSettings, hello};

/// Per address.
const CONNECT: Duration = Duration::from_secs(30);
/// Nothing depends on it.
const GOODBYE: Duration = Duration::from_secs(1);

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection, protected and logged in as configured.
pub(super) struct Connection {
    stream: BufReader<Box<dyn Stream>>,
    features: Features,
    /// When all replies must have arrived.
    deadline: Instant,
}

/// Extensions that we use from an EHLO reply (RFC 5321, section 4.1.1.1).
#[derive(Debug, Default)]
struct Features {
    starttls: bool,
    utf8_addresses: bool,
    plain: bool,
    login: bool,
}

impl Connection {
    /// Connects, protects the connection as configured, and logs in.
    pub(super) async fn open(settings: &SmtpSettings, tls: Option<&Protection>) -> Result<Self, SmtpFailure> {
        let deadline = Instant::now() + settings.patience;
        let tcp = within(deadline, connect(&settings.host, settings.port)).await?;
        let name = hello::name(settings.hello.as_deref(), tcp.local_addr().ok().map(|address| address.ip()));
        let stream: Box<dyn Stream> = match (settings.tls, tls) {
            (Tls::Tls, Some(tls)) => Box::new(within(deadline, tls.protect(tcp)).await?),
            _ => Box::new(tcp),
        };
        let mut connection = Self { stream: BufReader::new(stream), features: Features::default(), deadline };
        let greeting = connection.reply().await?;
        SmtpFailure::unless(greeting.is_done(), "the greeting", greeting)?;
        connection.greet(&name).await?;
        if let (Tls::Starttls, Some(tls)) = (settings.tls, tls) {
            connection = connection.starttls(tls).await?;
            connection.greet(&name).await?;
        }
        if let Some((user, password)) = &settings.login {
            connection.log_in(user, password.reveal()).await?;
        }
        Ok(connection)
    }

    /// Whether addresses beyond ASCII are allowed (RFC 6531).
    pub(super) const fn takes_utf8_addresses(&self) -> bool {
        self.features.utf8_addresses
    }

    pub(super) fn allow(&mut self, patience: Duration) {
        self.deadline = Instant::now() + patience;
    }

    /// Sends a command line and reads its reply.
    pub(super) async fn command(&mut self, line: &str) -> Result<Reply, SmtpFailure> {
        self.write(format!("{line}\r\n").as_bytes()).await?;
        self.reply().await
    }

    /// Sends a message after `DATA`; its reply follows.
    pub(super) async fn message(&mut self, bytes: &[u8]) -> Result<(), SmtpFailure> {
        self.write(&transparent(bytes)).await
    }

    pub(super) async fn reply(&mut self) -> Result<Reply, SmtpFailure> {
        Ok(within(self.deadline, Reply::read(&mut self.stream)).await?)
    }

    /// Some servers never answer QUIT.
    pub(super) async fn quit(mut self) {
        let _ = tokio::time::timeout(GOODBYE, self.write(b"QUIT\r\n")).await;
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), SmtpFailure> {
        let stream = &mut self.stream;
        let written = async {
            stream.write_all(bytes).await?;
            stream.flush().await
        };
        Ok(within(self.deadline, written).await?)
    }

    /// Falls back to `HELO` (RFC 5321, section 4.1.4).
    async fn greet(&mut self, name: &str) -> Result<(), SmtpFailure> {
        let mut reply = self.command(&format!("EHLO {name}")).await?;
        if matches!(reply.code, 500 | 502) {
            reply = self.command(&format!("HELO {name}")).await?;
        }
        if !reply.is_done() && reply.is_permanent() {
            return Err(SmtpFailure::Hello { name: name.to_owned(), reply });
        }
        SmtpFailure::unless(reply.is_done(), "EHLO", reply.clone())?;
        self.features = Features::of(&reply);
        Ok(())
    }

    /// RFC 3207. Plaintext received after the consent must not count as a reply within TLS.
    async fn starttls(mut self, tls: &Protection) -> Result<Self, SmtpFailure> {
        if !self.features.starttls {
            return Err(SmtpFailure::NoStarttls);
        }
        let reply = self.command("STARTTLS").await?;
        SmtpFailure::unless(reply.is_done(), "STARTTLS", reply)?;
        if !self.stream.buffer().is_empty() {
            return Err(SmtpFailure::Io(io::Error::other("the server sent more than its consent to STARTTLS")));
        }
        let protected = within(self.deadline, tls.protect(self.stream.into_inner())).await?;
        Ok(Self { stream: BufReader::new(Box::new(protected)), features: Features::default(), deadline: self.deadline })
    }

    /// RFC 4954 with PLAIN (RFC 4616) or LOGIN.
    async fn log_in(&mut self, user: &str, password: &str) -> Result<(), SmtpFailure> {
        let encode = |text: &str| BASE64.encode(text.as_bytes());
        let reply = if self.features.plain || !self.features.login {
            self.command(&format!("AUTH PLAIN {}", encode(&format!("\0{user}\0{password}")))).await?
        } else {
            let mut reply = self.command("AUTH LOGIN").await?;
            for answer in [user, password] {
                if reply.is_intermediate() {
                    reply = self.command(&encode(answer)).await?;
                }
            }
            reply
        };
        // Only the code: servers may repeat what they received, the password.
        if reply.is_done() { Ok(()) } else { Err(SmtpFailure::Login { code: reply.code }) }
    }
}

impl Features {
    fn of(reply: &Reply) -> Self {
        let mut features = Self::default();
        // The first line is the server's name.
        for line in reply.lines.iter().skip(1) {
            let line = line.to_ascii_uppercase();
            // Some servers write `AUTH=LOGIN` for old clients.
            let mut words = line.split([' ', '=']);
            match words.next() {
                Some("STARTTLS") => features.starttls = true,
                Some("SMTPUTF8") => features.utf8_addresses = true,
                Some("AUTH") => {
                    for mechanism in words {
                        features.plain |= mechanism == "PLAIN";
                        features.login |= mechanism == "LOGIN";
                    }
                }
                _ => {}
            }
        }
        features
    }
}

/// Tries the host's addresses in turn.
async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in tokio::net::lookup_host((host, port)).await? {
        match tokio::time::timeout(CONNECT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

async fn within<T>(deadline: Instant, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout_at(deadline, work).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Dot-stuffing, CRLF and the final dot (RFC 5321, section 4.5.2).
fn transparent(message: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(message.len() + 64);
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        if line.first() == Some(&b'.') {
            wire.push(b'.');
        }
        let text = line.strip_suffix(b"\n").map_or(line, |line| line.strip_suffix(b"\r").unwrap_or(line));
        wire.extend_from_slice(text);
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b".\r\n");
    wire
}
