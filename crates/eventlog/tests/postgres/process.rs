//! Many writers in several processes on one site, and a reader that follows them.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use strongroom_eventlog::EventLog;
use strongroom_model::Position;
use tokio::time::timeout;

use crate::sample::{PATIENCE, database, event, holds, open};

const PROCESSES: usize = 4;
const WRITERS_EACH: usize = 4;
/// They append until the log has so many events.
const EVENTS: u64 = 1600;

async fn append_until_full(log: EventLog) -> u64 {
    for appended in 1.. {
        if log.append(vec![event()]).await.unwrap()[0].position.0 >= EVENTS {
            return appended;
        }
    }
    unreachable!("it ends when the log is full")
}

/// Says when it is ready, waits for a line, then how many events each writer appended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the test below runs it in processes of its own"]
async fn child_appends_until_the_log_is_full() {
    let url = std::env::var("TEST_LOG").unwrap();
    let logs = join_all((0..WRITERS_EACH).map(|_| open(&url))).await;
    println!("\nready");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    let counts = join_all(logs.into_iter().map(|log| tokio::spawn(append_until_full(log)))).await;
    for count in counts {
        println!("\nappended {}", count.unwrap());
    }
}

fn spawn(url: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "process::child_appends_until_the_log_is_full"])
        .env("TEST_LOG", url)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Lets the processes begin at once; what each of their writers appended.
fn run(url: &str) -> Vec<u64> {
    let mut children: Vec<_> = (0..PROCESSES).map(|_| spawn(url)).collect();
    let mut message: Vec<_> =
        children.iter_mut().map(|child| BufReader::new(child.stdout.take().unwrap()).lines()).collect();
    for lines in &mut message {
        assert!(lines.any(|line| line.unwrap() == "ready"));
    }
    for child in &mut children {
        writeln!(child.stdin.take().unwrap(), "go").unwrap();
    }
    let counts = message.into_iter().flatten().filter_map(|line| line.unwrap().strip_prefix("appended ")?.parse().ok());
    let counts = counts.collect();
    children.iter_mut().for_each(|child| assert!(child.wait().unwrap().success()));
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r4_sixteen_writers_in_four_processes_share_one_log_and_a_reader_skips_nothing() {
    let database = database().await;
    let log = open(&database.url).await;
    let tail = log.tail(Position(0)).take(EVENTS as usize).map(|event| event.unwrap().position.0);
    let tail = tokio::spawn(timeout(PATIENCE, tail.collect::<Vec<_>>()));
    let url = database.url.clone();
    let counts = tokio::task::spawn_blocking(move || run(&url)).await.unwrap();
    assert_eq!(tail.await.unwrap().unwrap(), (0..EVENTS).collect::<Vec<_>>());
    holds(&log, counts.iter().sum()).await;
    assert_eq!(counts.len(), PROCESSES * WRITERS_EACH);
    // They queue up, so each gets about a sixteenth; a quarter of that is not starving.
    let fair = EVENTS / counts.len() as u64;
    assert!(counts.iter().all(|count| *count >= fair / 4), "of {fair} each: {counts:?}");
}
