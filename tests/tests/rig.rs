//! The rig itself: a fault that does not happen would make a test pass for nothing.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use strongroom_tests::proxy::{Fault, Proxy, Response};
use strongroom_tests::site::address_in;

/// A server that answers every request with ten bytes, and counts them.
fn upstream() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let mut request = [0; 4096];
            if client.read(&mut request).unwrap_or(0) > 0 {
                counted.fetch_add(1, Ordering::SeqCst);
                client.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123456789").unwrap();
            }
        }
    });
    (address, count)
}

/// What a client gets through the proxy: everything until the connection ends.
fn ask(proxy: &Proxy) -> String {
    let address = address_in(&format!("{} ", proxy.url())).unwrap();
    let mut connection = TcpStream::connect(address).unwrap();
    connection.write_all(b"GET /file HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut answer = String::new();
    let _ = connection.read_to_string(&mut answer);
    answer
}

#[test]
fn each_fault_does_what_it_says() {
    let (address, asked) = upstream();
    let proxy = Proxy::start();
    proxy.forward_to(Some(address));
    assert!(ask(&proxy).ends_with("\r\n\r\n0123456789"));
    let faults = [
        (Fault::CutAfter(3), "content-length: 10\r\n\r\n012", 1),
        (Fault::FlipByte(0), "\r\n\r\n1123456789", 1),
        (Fault::Append(b"ab".to_vec()), "content-length: 12\r\n\r\n0123456789ab", 1),
        (Fault::status(503), "HTTP/1.1 503 As Ordered\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", 0),
        (Fault::Refuse, "", 0),
        (Fault::LoseAnswer, "", 1),
        (Fault::rewrite(|answer: &mut Response| answer.set_body("new")), "content-length: 3\r\n\r\nnew", 1),
    ];
    for (fault, end, reached) in faults {
        let name = format!("{fault:?}");
        let before = asked.load(Ordering::SeqCst);
        proxy.meddle("GET /file", Some(1), fault);
        let answer = ask(&proxy);
        assert!(answer.ends_with(end) && (answer.is_empty() == end.is_empty()), "{name}: {answer:?}");
        assert_eq!(asked.load(Ordering::SeqCst) - before, reached, "{name}: whether the server heard of it");
        assert!(ask(&proxy).ends_with("0123456789"), "{name} happens once");
    }
    assert_eq!(proxy.meddled(), 7);
}

#[test]
fn a_rule_meets_only_whom_it_names() {
    let (address, _) = upstream();
    let proxy = Proxy::start();
    proxy.forward_to(Some(address));
    proxy.meddle("POST ", None, Fault::Refuse);
    assert!(ask(&proxy).ends_with("0123456789"));
    proxy.meddle("/file", None, Fault::Refuse);
    assert_eq!(ask(&proxy), "");
    proxy.behave();
    assert!(ask(&proxy).ends_with("0123456789"));
    proxy.forward_to(None);
    assert_eq!(ask(&proxy), "", "no server is behind it");
}

#[test]
fn an_address_is_found_once_it_is_whole() {
    assert_eq!(address_in("listening on http://127.0.0.1:8400\n"), Some("127.0.0.1:8400".parse().unwrap()));
    assert_eq!(address_in("listening on http://127.0.0.1:84"), None, "the rest of the line is still to come");
    assert_eq!(address_in("127.0.0.1:0 then 127.0.0.1:1 "), Some("127.0.0.1:1".parse().unwrap()));
}
