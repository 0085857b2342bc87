//! Log lines on stderr, for people and for collectors. It is this very test program that
//! speaks: telemetry is set up once in a process.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use strongroom_service::{Config, telemetry};

/// Harmless by itself. The tests below let another process run only this one, as configured.
#[test]
fn says_two_things() {
    let Ok(settings) = std::env::var("STRONGROOM_TEST_TELEMETRY") else { return };
    let config = Config::from_text(&format!("[telemetry]\n{settings}"), Path::new(".")).unwrap();
    telemetry::init(&config.telemetry).unwrap();
    let span = tracing::info_span!("batch", stage = "fetch");
    span.in_scope(|| tracing::info!(files = 3, "fetched"));
    tracing::debug!("looked around");
    tracing::error!(target: "opentelemetry_sdk", "noise");
    assert!(telemetry::init(&config.telemetry).is_err(), "once");
}

/// What it says to stderr, and nothing that the test harness says.
fn said(settings: &str, environment: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "says_two_things", "--nocapture"]).env("STRONGROOM_TEST_TELEMETRY", settings);
    let output = command.env_remove("RUST_LOG").envs(environment.iter().copied()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    said
}

#[test]
fn lines_for_people_are_plain_and_of_the_level_and_above() {
    let said = said("level = \"info\"", &[]);
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains(" INFO batch{stage=\"fetch\"}: fetched files=3"), "{said}");
}

#[test]
fn lines_for_collectors_are_json_objects() {
    let said = said("level = \"info\"\nformat = \"json\"", &[]);
    let line: Value = serde_json::from_str(said.trim()).unwrap();
    assert_eq!((&line["message"], &line["files"], &line["level"]), (&"fetched".into(), &3.into(), &"INFO".into()));
    assert_eq!(line["span"]["stage"], "fetch");
}

#[test]
fn the_environment_goes_over_the_level_and_may_ask_for_the_libraries() {
    assert!(said("level = \"error\"", &[("RUST_LOG", "debug")]).contains("looked around"));
    assert!(said("level = \"error\"", &[("RUST_LOG", "opentelemetry=debug")]).contains("noise"));
}
