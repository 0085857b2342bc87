//! Shell scripts.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;
use std::thread;

use crate::tree;

#[test]
fn every_script_is_sound() {
    let example = vec!["../docs/plugins/dump.sh".to_owned()];
    let scripts = [tree::files_like("", ".sh"), tree::files_like("debian/", ""), example].concat();
    for file in scripts {
        let shell = if tree::read(&file).starts_with("#!/bin/bash\n") { "bash" } else { "sh" };
        tree::succeeds(tree::tool(shell, shell).args(["-n", &file]));
        tree::succeeds(tree::tool("shellcheck", "shellcheck").arg(&file));
    }
}

/// Answers one request with that status; the port where it does.
fn answers(status: &'static str) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        // To its end: an answer that is sent before may never arrive.
        let lines: Vec<_> =
            BufReader::new(&client).lines().map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
        let path = lines[0].split(' ').nth(1).unwrap();
        let status = if path == "/healthz" { status } else { "404 Not Found" };
        client.write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes()).unwrap();
    });
    port
}

fn is_healthy(args: &[&str]) -> bool {
    Command::new(tree::path("docker/healthy.sh")).args(args).output().unwrap().status.success()
}

#[test]
fn a_process_is_healthy_where_it_says_so() {
    assert!(is_healthy(&[&answers("200 OK").to_string()]));
    assert!(!is_healthy(&[&answers("503 Service Unavailable").to_string()]));
    assert!(!is_healthy(&[&answers("200 OK").to_string(), "/elsewhere"]));
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    assert!(!is_healthy(&[&nobody.to_string()]), "nobody listens there any more");
}
