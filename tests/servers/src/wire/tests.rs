use std::sync::mpsc;

use super::*;

/// A server that answers each line with the same line, and tells us what it heard.
fn echo() -> (SocketAddr, mpsc::Receiver<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (heard, hearing) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, heard) = (stream.unwrap(), heard.clone());
            std::thread::spawn(move || {
                let mut chunk = [0; 64];
                while let Ok(length @ 1..) = stream.read(&mut chunk) {
                    let said = String::from_utf8_lossy(&chunk[..length]).into_owned();
                    if heard.send(said).is_err() || stream.write_all(&chunk[..length]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    (address, hearing)
}

/// What comes back for that, up to the end of the connection or as much as was sent.
fn ask(stream: &mut TcpStream, words: &str) -> String {
    let mut answer = Vec::new();
    let mut chunk = [0; 64];
    if stream.write_all(words.as_bytes()).is_err() {
        return String::new();
    }
    while answer.len() < words.len() {
        match stream.read(&mut chunk) {
            Ok(length @ 1..) => answer.extend_from_slice(&chunk[..length]),
            _ => break,
        }
    }
    String::from_utf8(answer).unwrap()
}

#[test]
fn a_wire_carries_until_it_is_cut_and_again_once_it_is_mended() {
    let (server, _heard) = echo();
    let wire = Wire::to(server);
    let mut client = TcpStream::connect(wire.address()).unwrap();
    assert_eq!(ask(&mut client, "hello"), "hello");
    wire.cut();
    assert_eq!(ask(&mut client, "anybody there?"), "");
    let mut second = TcpStream::connect(wire.address()).unwrap();
    assert_eq!(ask(&mut second, "hello"), "");
    wire.mend();
    let mut third = TcpStream::connect(wire.address()).unwrap();
    assert_eq!(ask(&mut third, "hello"), "hello");
}

#[test]
fn half_a_reply_is_all_that_comes() {
    let (server, _heard) = echo();
    let wire = Wire::to(server);
    let mut client = TcpStream::connect(wire.address()).unwrap();
    wire.halve_the_next_reply();
    assert_eq!(ask(&mut client, "12345678"), "1234");
    wire.wait_until_struck(1);
    let mut again = TcpStream::connect(wire.address()).unwrap();
    assert_eq!(ask(&mut again, "12345678"), "12345678");
}

#[test]
fn what_was_asked_for_is_done_though_its_answer_is_lost() {
    let (server, heard) = echo();
    let wire = Wire::to(server);
    let mut client = TcpStream::connect(wire.address()).unwrap();
    wire.lose_the_answer_to("COMMIT");
    assert_eq!(ask(&mut client, "SELECT"), "SELECT");
    assert_eq!(ask(&mut client, "COMMIT"), "");
    assert_eq!((heard.recv().unwrap(), heard.recv().unwrap()), ("SELECT".to_owned(), "COMMIT".to_owned()));
    assert_eq!(wire.struck(), 1);
}
