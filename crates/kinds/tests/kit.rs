//! The built-in kinds against the conformance kit for plugins.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(unix)]

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use strongroom_plugin::host::Environment;
use strongroom_plugin::kit::{Kit, Patience, Status, Tried};

const PROGRAM: &str = env!("CARGO_BIN_EXE_kind");

async fn tried(kind: &str, config: Option<Value>) -> Tried {
    let folder = tempfile::tempdir_in(Path::new(PROGRAM).parent().unwrap()).unwrap();
    let kit = Kit {
        argv: vec![PROGRAM.into(), kind.into()],
        environment: Environment::of(std::env::vars_os()),
        folder: folder.path().to_owned(),
        config,
        secrets: BTreeMap::new(),
        before: None,
        patience: Patience::default(),
    };
    kit.run().await
}

fn numbers(tried: &Tried, status: Status) -> Vec<u8> {
    tried.cases.iter().filter(|case| case.status == status).map(|case| case.number).collect()
}

#[tokio::test]
async fn rsync_passes_the_kit() {
    let tried = tried("rsync", None).await;
    assert_eq!(numbers(&tried, Status::NotOk), [0_u8; 0], "{:#?}", tried.cases);
}

#[tokio::test]
async fn rclone_passes_the_kit() {
    let tried = tried("rclone", None).await;
    assert_eq!(numbers(&tried, Status::NotOk), [0_u8; 0], "{:#?}", tried.cases);
}

#[tokio::test]
async fn tasks_pass_the_kit() {
    // The kit's own files are no tasks.
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("etc")).unwrap();
    std::fs::write(root.path().join("etc/hostname"), "necro\n").unwrap();
    std::fs::write(root.path().join("etc/crontab"), "17 3 * * * root copy\n").unwrap();
    let tried = tried("tasks", Some(json!({"root": root.path(), "target": "{target}"}))).await;
    assert_eq!(numbers(&tried, Status::NotOk), [0_u8; 0], "{:#?}", tried.cases);
}

#[tokio::test]
async fn a_check_passes_what_the_kit_can_try() {
    let tried = tried("check", Some(json!({"argv": ["true"]}))).await;
    assert_eq!(numbers(&tried, Status::NotOk), [0_u8; 0], "{:#?}", tried.cases);
}
