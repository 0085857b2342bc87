use std::io::{self, Cursor, Read, Write};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::protocol::{Counts, Describe, Item, ItemOutcome, Level, Outcome, Problem, Progress, Report, Request};

/// Copies nothing, and waits for its cancellation if the configuration says so.
struct Sample;

impl Plugin for Sample {
    fn describe(&self) -> Describe {
        Describe {
            name: "sample".to_owned(),
            version: "0.1.0".to_owned(),
            operations: ["describe", "validate", "run"].map(ToOwned::to_owned).to_vec(),
            ..Describe::default()
        }
    }

    fn validate(&self, request: &Request, _: &Speaker) -> Vec<Problem> {
        if request.config["source"].is_string() {
            return Vec::new();
        }
        vec![Problem {
            pointer: "/source".to_owned(),
            message: "no folder".to_owned(),
            next_step: "name one".to_owned(),
        }]
    }

    fn run(&self, request: &Request, speaker: &Speaker) -> Report {
        if request.config["wait"] == true && speaker.cancelled().wait(Duration::from_secs(60)) {
            return Report::new(Outcome::Cancelled, "Cancelled.");
        }
        speaker.progress(Progress { files: 1, ..Progress::default() });
        speaker.log(Level::Info, "one line\nthat is two");
        speaker.item(Item::new("a", ItemOutcome::Skipped));
        speaker.state(json!({"part": 2}));
        Report::new(Outcome::Done, "Done.").counts(Counts { seen: 1, skipped: 1, ..Counts::default() }, 0)
    }
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn said(stdin: impl Read + Send + 'static) -> (Vec<Value>, u8) {
    let out = Shared::default();
    let code = serve(&Sample, stdin, out.clone(), Cancelled::new());
    let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
    (text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), code)
}

fn answer(request: &Value) -> (Vec<Value>, u8) {
    said(Cursor::new(format!("{request}\n")))
}

fn types(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["type"].as_str().unwrap()).collect()
}

#[test]
fn hello_comes_first_and_one_result_last() {
    let (lines, code) = answer(&json!({"type": "request", "protocol": [1], "op": "run", "colour": "red"}));
    assert_eq!((types(&lines), code), (vec!["hello", "progress", "log", "item", "state", "result"], 0));
    assert_eq!(lines[4]["state"], json!({"part": 2}));
}

#[test]
fn another_version_and_an_unknown_operation_are_unsupported() {
    let (lines, code) = answer(&json!({"type": "request", "protocol": [99], "op": "run"}));
    assert_eq!((lines, code), (vec![json!({"type": "unsupported", "protocol": [1]})], 0));
    for op in ["frobnicate", "verify"] {
        let (lines, code) = answer(&json!({"type": "request", "protocol": [1, 99], "op": op}));
        assert_eq!((lines, code), (vec![json!({"type": "unsupported"})], 0));
    }
}

#[test]
fn what_is_no_request_ends_with_a_usage_error() {
    for text in ["", "\n", "help\n", "{\"type\":\"cancel\"}\n", "{\"type\":\"request\",\"protocol\":1,\"op\":\"run\"}"]
    {
        assert_eq!(said(Cursor::new(text)).1, 64, "{text:?}");
    }
    assert_eq!(said(io::repeat(b'x')).1, 64);
}

#[test]
fn a_bad_configuration_is_a_problem_with_a_pointer() {
    let (lines, _) = answer(&json!({"type": "request", "protocol": [1], "op": "validate", "config": {"source": 7}}));
    assert_eq!((&lines[1]["outcome"], &lines[1]["cause"]), (&json!("failed"), &json!("config-invalid")));
    assert_eq!(lines[1]["problems"][0]["pointer"], "/source");
    let (lines, _) = answer(&json!({"type": "request", "protocol": [1], "op": "validate", "config": {"source": "/a"}}));
    assert_eq!(lines[1]["outcome"], "done");
}

#[test]
fn describe_lists_the_operations() {
    let (lines, _) = answer(&json!({"type": "request", "protocol": [1], "op": "describe"}));
    assert_eq!(lines[1]["describe"]["operations"], json!(["describe", "validate", "run"]));
}

/// Standard input that a host keeps open.
struct Open(mpsc::Receiver<Vec<u8>>);

impl Read for Open {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Ok(bytes) = self.0.recv() else { return Ok(0) };
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }
}

#[test]
fn a_cancel_line_cancels_and_other_lines_do_not() {
    let (host, stdin) = mpsc::channel();
    host.send(b"{\"type\":\"request\",\"protocol\":[1],\"op\":\"run\",\"config\":{\"wait\":true}}\n".to_vec()).unwrap();
    host.send(b"{\"type\":\"later\"}\nnonsense\n{\"type\":\"cancel\",\"reason\":\"stop\"}\n".to_vec()).unwrap();
    let (lines, code) = said(Open(stdin));
    assert_eq!((lines[1]["outcome"].as_str(), code), (Some("cancelled"), 0));
    drop(host);
}

#[test]
fn the_end_of_standard_input_does_not_cancel() {
    let cancelled = Cancelled::new();
    let out = Shared::default();
    let asked = "{\"type\":\"request\",\"protocol\":[1],\"op\":\"run\"}";
    assert_eq!(serve(&Sample, Cursor::new(asked), out.clone(), cancelled.clone()), 0);
    assert!(!cancelled.wait(Duration::from_millis(50)));
    assert!(String::from_utf8_lossy(&out.0.lock().unwrap()).contains("\"outcome\":\"done\""));
}

/// A host that has gone.
struct Gone;

impl Write for Gone {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_plugin_whose_host_has_gone_is_cancelled() {
    let cancelled = Cancelled::new();
    let asked = "{\"type\":\"request\",\"protocol\":[1],\"op\":\"run\",\"config\":{\"wait\":true}}";
    assert_eq!(serve(&Sample, Cursor::new(asked), Gone, cancelled.clone()), 0);
    assert!(cancelled.is_set());
}
