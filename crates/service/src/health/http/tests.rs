use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

async fn serve(health: &Health) -> HealthServer {
    HealthServer::start(ANY, health.clone(), Metrics::install().unwrap()).await.unwrap()
}

/// The status and the body of the answer.
async fn ask(server: &HealthServer, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(server.local_addr()).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: here\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    // To its end: each connection serves one request.
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[tokio::test]
async fn a_process_that_waits_for_its_drive_is_alive_and_not_ready_and_one_whose_loop_ended_is_neither() {
    let health = Health::new();
    let server = serve(&health).await;
    assert_eq!(ask(&server, "/readyz").await, (200, r#"{"well":true}"#.to_owned()));
    let pipeline = health.turns("pipeline", Duration::from_secs(3600));
    let drive = health.needs("drive");
    drive.bad("no drive is mounted at /mnt/backup");
    let why = r#"{"well":false,"problems":[{"check":"drive","why":"no drive is mounted at /mnt/backup"}]}"#;
    assert_eq!(ask(&server, "/readyz").await, (503, why.to_owned()));
    assert_eq!(ask(&server, "/healthz").await, (200, r#"{"well":true}"#.to_owned()));
    drive.well();
    assert_eq!(ask(&server, "/readyz").await.0, 200);
    drop(pipeline);
    let (status, body) = ask(&server, "/healthz").await;
    assert_eq!(status, 503);
    assert!(body.contains("it has ended"), "{body}");
}

#[tokio::test]
async fn metrics_are_scraped_and_other_paths_are_not_there() {
    let server = serve(&Health::new()).await;
    let (status, text) = ask(&server, "/metrics").await;
    assert_eq!(status, 200);
    assert!(text.contains("strongroom_build_info{version="), "{text}");
    assert_eq!(ask(&server, "/").await.0, 404);
}

#[tokio::test]
async fn an_address_that_is_taken_is_named_with_its_key() {
    let server = serve(&Health::new()).await;
    let taken = HealthServer::start(server.local_addr(), Health::new(), Metrics::install().unwrap()).await;
    let said = taken.unwrap_err().to_string();
    assert!(said.starts_with(&format!("health.listen: cannot listen on {}", server.local_addr())), "{said}");
}

#[tokio::test]
async fn those_who_connect_and_say_nothing_do_not_keep_others_out_for_ever() {
    let server = serve(&Health::new()).await;
    let mut silent = Vec::new();
    for _ in 0..MAX_CONNECTIONS {
        silent.push(TcpStream::connect(server.local_addr()).await.unwrap());
    }
    let answered = tokio::time::timeout(Duration::from_secs(60), ask(&server, "/healthz")).await;
    assert_eq!(answered.expect("the silent are cut off").0, 200);
}

#[tokio::test]
async fn a_dropped_server_listens_no_more() {
    let server = serve(&Health::new()).await;
    let address = server.local_addr();
    drop(server);
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}
