//! The built-in kinds against the conformance kit for plugins.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(unix)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use strongroom_plugin::host::Environment;
use strongroom_plugin::kit::{Kit, Patience, Status, Tried};
use strongroom_plugin::protocol::Secret;

const PROGRAM: &str = env!("CARGO_BIN_EXE_kind");
/// In place of robocopy.
const ROBOCOPY: &str = concat!("exec python3 ", env!("CARGO_MANIFEST_DIR"), "/tests/kinds/robocopy.py \"$@\"");

async fn tried(kind: &str, config: Option<Value>) -> Tried {
    tried_with(kind, config, |_| (BTreeMap::new(), None)).await
}

/// `prepared` makes what the kind needs in the kit's folder: its secrets, and what is run before each case.
async fn tried_with(
    kind: &str,
    config: Option<Value>,
    prepared: impl FnOnce(&Path) -> (BTreeMap<String, Secret>, Option<PathBuf>),
) -> Tried {
    let folder = tempfile::tempdir_in(Path::new(PROGRAM).parent().unwrap()).unwrap();
    let (secrets, before) = prepared(folder.path());
    let kit = Kit {
        argv: vec![PROGRAM.into(), kind.into()],
        environment: Environment::of(std::env::vars_os()),
        folder: folder.path().to_owned(),
        config,
        secrets,
        before,
        patience: Patience::default(),
    };
    kit.run().await
}

/// A program of our own.
fn script(path: PathBuf, text: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
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

/// With a repository in the target before each case.
#[tokio::test]
async fn restic_passes_the_kit() {
    let password = "the-kits-own-password";
    let prepared = |folder: &Path| {
        // Made once and copied: deriving the key is what takes long.
        let made = folder.join("repository");
        let init = format!(
            "[ -e {made} ] || RESTIC_PASSWORD={password} restic init -q -r {made}; mkdir -p \"$2\" && cp -R {made}/. \"$2\"",
            made = made.display()
        );
        let init = script(folder.join("init"), &init);
        (BTreeMap::from([("password".to_owned(), Secret::new(password))]), Some(init))
    };
    // Its cache is no part of the copy, and a part of so small a repository may have no pack.
    let cache = tempfile::tempdir().unwrap();
    let config = json!({
        "repository": "{target}", "sources": ["{source}"], "cache": cache.path(), "parts": 1, "restore_files": 3,
    });
    let tried = tried_with("restic", Some(config), prepared).await;
    assert_eq!(numbers(&tried, Status::NotOk), [0_u8; 0], "{:#?}", tried.cases);
    assert!(numbers(&tried, Status::Skipped).iter().all(|number| [23, 27].contains(number)), "{:#?}", tried.cases);
}

/// Its stand-in: this is what can be tried of it where there is no Windows.
#[tokio::test]
async fn robocopy_passes_the_kit() {
    let folder = tempfile::tempdir().unwrap();
    let stand_in = script(folder.path().join("robocopy"), ROBOCOPY);
    let config = json!({"source": "{source}", "target": "{target}", "delete": true, "executable": stand_in});
    let tried = tried("robocopy", Some(config)).await;
    assert_eq!(numbers(&tried, Status::NotOk), [0_u8; 0], "{:#?}", tried.cases);
    assert!(numbers(&tried, Status::Skipped).iter().all(|number| [23, 27].contains(number)), "{:#?}", tried.cases);
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
