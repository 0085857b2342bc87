//! A document server far away: each request takes a while longer.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// Listens before a server, and hands on what clients say only after that delay. Requests without a
/// body come in one piece, so that each is held up once. It listens for as long as the process lives.
pub(crate) fn before(server: SocketAddr, delay: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            // A server that has ended refuses, and its client sees the connection closed.
            let Ok(upstream) = TcpStream::connect(server) else { continue };
            for stream in [&client, &upstream] {
                stream.set_nodelay(true).unwrap();
            }
            let (back_from, back_to) = (upstream.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || hand_on(client, upstream, delay));
            std::thread::spawn(move || hand_on(back_from, back_to, Duration::ZERO));
        }
    });
    address
}

/// Until either side has ended.
fn hand_on(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        std::thread::sleep(delay);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    // The other direction learns of it by its own end.
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
