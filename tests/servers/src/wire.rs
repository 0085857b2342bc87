//! A wire between a client and a server that can be cut, and lose what runs over it.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// As much as is carried at a time.
const CHUNK: usize = 16 * 1024;
/// How long a connection to the server may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long whoever waits for a fault to strike waits.
const STRIKE: Duration = Duration::from_secs(120);

/// A proxy on the loopback interface. It carries bytes as they come, until it is told otherwise.
/// Connections end with it.
#[derive(Debug)]
pub struct Wire {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What is to go wrong next, once.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fault {
    /// The first half of the server's next words comes through, then the wire breaks.
    HalfAReply,
    /// Once a client has said this, the server's answer is lost, and the wire breaks: whatever was
    /// asked for is done, and the client does not know.
    LostAnswer(Vec<u8>),
}

#[derive(Debug, Default)]
struct State {
    /// Where it leads to now, if not to where it did at first.
    server: Option<SocketAddr>,
    cut: bool,
    over: bool,
    fault: Option<Fault>,
    struck: u32,
    /// Both ends of every connection that is carried.
    carried: Vec<(u64, TcpStream, TcpStream)>,
    next: u64,
    /// How much longer whatever a client says takes.
    delay: Duration,
}

#[derive(Debug)]
struct Shared {
    server: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
}

impl Wire {
    pub fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("the loopback interface has a port left");
        let address = listener.local_addr().expect("a listener has an address");
        let shared = Arc::new(Shared { server, state: Mutex::default(), changed: Condvar::new() });
        let accepting = shared.clone();
        std::thread::spawn(move || accepting.accept(&listener));
        Self { address, shared }
    }

    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Breaks every connection, and lets no new one through until it is mended.
    pub fn cut(&self) {
        let mut state = self.shared.state();
        state.cut = true;
        state.break_all();
    }

    pub fn mend(&self) {
        self.shared.state().cut = false;
    }

    /// Leads to another server from now on. Connections to the one before stay, as long as that lives.
    pub fn lead_to(&self, server: SocketAddr) {
        self.shared.state().server = Some(server);
    }

    /// Carries whatever a client says only after that time: a server far away.
    pub fn lengthen(&self, delay: Duration) {
        self.shared.state().delay = delay;
    }

    /// Breaks every connection once; new ones get through.
    pub fn break_all(&self) {
        self.shared.state().break_all();
    }

    /// The server's next words, on whichever connection, come through by half; then that connection breaks.
    pub fn halve_the_next_reply(&self) {
        self.shared.state().fault = Some(Fault::HalfAReply);
    }

    /// What the server answers after a client has said this is lost, and that connection breaks. `said` must
    /// come in one piece, as a statement's text does.
    pub fn lose_the_answer_to(&self, said: impl Into<Vec<u8>>) {
        self.shared.state().fault = Some(Fault::LostAnswer(said.into()));
    }

    /// How many of the single faults have struck so far.
    pub fn struck(&self) -> u32 {
        self.shared.state().struck
    }

    /// Waits until that many of the single faults have struck.
    pub fn wait_until_struck(&self, times: u32) {
        let waiting = self.shared.changed.wait_timeout_while(self.shared.state(), STRIKE, |state| state.struck < times);
        let (state, _) = waiting.unwrap_or_else(PoisonError::into_inner);
        assert!(state.struck >= times, "the wire's fault {times} never struck");
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.over = true;
        state.break_all();
        drop(state);
        // Wakes the thread that accepts, which then sees that it is over.
        let _ = TcpStream::connect(self.address);
    }
}

impl State {
    fn break_all(&mut self) {
        for (_, client, server) in self.carried.drain(..) {
            sever(&client);
            sever(&server);
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(self: Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming() {
            if self.state().over {
                return;
            }
            let Ok(client) = client else { continue };
            let shared = self.clone();
            // A connection that breaks is what this is for.
            std::thread::spawn(move || shared.carry(client));
        }
    }

    fn carry(self: Arc<Self>, client: TcpStream) -> io::Result<()> {
        if self.state().cut {
            return Ok(());
        }
        let to = self.state().server.unwrap_or(self.server);
        let server = TcpStream::connect_timeout(&to, CONNECT)?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let lost = Arc::new(Mutex::new(false));
        let (asking, answering) = ((client.try_clone()?, server.try_clone()?), (server, client));
        let id = {
            let mut state = self.state();
            if state.cut || state.over {
                return Ok(());
            }
            let id = state.next;
            state.next += 1;
            let ends = (answering.1.try_clone()?, answering.0.try_clone()?);
            state.carried.push((id, ends.0, ends.1));
            id
        };
        let (up, lost_up) = (self.clone(), lost.clone());
        std::thread::spawn(move || up.questions(asking, &lost_up));
        let ended = self.answers(answering, &lost);
        self.state().carried.retain(|(carried, ..)| *carried != id);
        ended
    }

    fn questions(&self, (mut client, mut server): (TcpStream, TcpStream), lost: &Mutex<bool>) {
        let mut chunk = vec![0; CHUNK];
        while let Ok(length @ 1..) = client.read(&mut chunk) {
            let said = &chunk[..length];
            std::thread::sleep(self.delay());
            if self.strikes(|fault| matches!(fault, Fault::LostAnswer(wanted) if contains(said, wanted))) {
                *lost.lock().unwrap_or_else(PoisonError::into_inner) = true;
            }
            if server.write_all(said).is_err() {
                break;
            }
        }
        // The server may still have something to say.
        let _ = server.shutdown(Shutdown::Write);
    }

    fn answers(&self, (mut server, mut client): (TcpStream, TcpStream), lost: &Mutex<bool>) -> io::Result<()> {
        let mut chunk = vec![0; CHUNK];
        loop {
            let length = server.read(&mut chunk)?;
            if length == 0 {
                return client.shutdown(Shutdown::Write);
            }
            let halve = self.strikes(|fault| *fault == Fault::HalfAReply);
            if halve {
                client.write_all(&chunk[..length / 2])?;
            }
            if halve || *lost.lock().unwrap_or_else(PoisonError::into_inner) {
                sever(&client);
                sever(&server);
                return Ok(());
            }
            client.write_all(&chunk[..length])?;
        }
    }

    fn delay(&self) -> Duration {
        self.state().delay
    }

    /// Whether the fault that is set is this one; then it is set no more.
    fn strikes(&self, is_it: impl Fn(&Fault) -> bool) -> bool {
        let mut state = self.state();
        let strikes = state.fault.as_ref().is_some_and(is_it);
        if strikes {
            state.fault = None;
            state.struck += 1;
            self.changed.notify_all();
        }
        strikes
    }
}

fn contains(said: &[u8], wanted: &[u8]) -> bool {
    said.windows(wanted.len()).any(|window| window == wanted)
}

fn sever(end: &TcpStream) {
    // It may be severed already.
    let _ = end.shutdown(Shutdown::Both);
}

#[cfg(test)]
mod tests;
