//! The conformance kit, on the examples of docs/plugins and on what is left of them when a rule is broken.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(unix)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use strongroom_plugin::host::Environment;
use strongroom_plugin::kit::{Kit, Patience, Status, Tried};
use strongroom_plugin::protocol::{HostMessage, PluginMessage};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/plugins").join(name).canonicalize().unwrap()
}

async fn tried(argv: &[&Path], patience: Patience) -> Tried {
    let folder = tempfile::tempdir().unwrap();
    let kit = Kit {
        argv: argv.iter().map(OsString::from).collect(),
        environment: Environment::of(std::env::vars_os()),
        folder: folder.path().to_owned(),
        config: None,
        secrets: BTreeMap::new(),
        before: None,
        patience,
    };
    kit.run().await
}

fn numbers(tried: &Tried, status: Status) -> Vec<u8> {
    tried.cases.iter().filter(|case| case.status == status).map(|case| case.number).collect()
}

#[tokio::test]
async fn the_python_example_passes() {
    let tried = tried(&[Path::new("/usr/bin/python3"), &example("copy.py")], Patience::default()).await;
    assert_eq!(numbers(&tried, Status::NotOk), [0_u8; 0], "{:#?}", tried.cases);
    assert_eq!(numbers(&tried, Status::Skipped), [0_u8; 0]);
    assert!(tried.is_well() && tried.cases.len() == 30);
    assert!(tried.transcripts.iter().all(|transcript| !transcript.stdout.is_empty()));
}

#[tokio::test]
async fn the_shell_example_passes() {
    let tried = tried(&[Path::new("/bin/sh"), &example("dump.sh")], Patience::default()).await;
    assert_eq!(numbers(&tried, Status::NotOk), [0_u8; 0], "{:#?}", tried.cases);
    // It has no source folder, and no plan.
    assert_eq!(numbers(&tried, Status::Skipped), [18, 21, 22, 23, 26]);
}

fn page() -> String {
    std::fs::read_to_string(example("../plugins.md")).unwrap()
}

#[tokio::test]
async fn the_shortest_plugin_of_the_page_lacks_the_version_alone() {
    let page = page();
    let start = page.find("#!/bin/sh").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("none.sh");
    std::fs::write(&file, page[start..].split("```").next().unwrap()).unwrap();
    let tried = tried(&[Path::new("/bin/sh"), &file], Patience::default()).await;
    assert_eq!(numbers(&tried, Status::NotOk), [3], "{:#?}", tried.cases);
}

#[test]
fn the_messages_of_the_page_fit_the_schemas() {
    let page = page();
    let messages: Vec<_> = page.split("```json\n").skip(1).map(|part| part.split("```").next().unwrap()).collect();
    assert_eq!(messages.len(), 2);
    serde_json::from_str::<HostMessage>(messages[0]).unwrap();
    serde_json::from_str::<PluginMessage>(messages[1]).unwrap();
}

/// The Python example with some texts replaced by others.
async fn broken(changes: &[(&str, &str)]) -> Vec<u8> {
    broken_in(changes, Patience::default()).await
}

async fn broken_in(changes: &[(&str, &str)], patience: Patience) -> Vec<u8> {
    let mut text = std::fs::read_to_string(example("copy.py")).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{from:?} is not in the example");
        text = text.replace(from, to);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broken.py");
    std::fs::write(&file, text).unwrap();
    numbers(&tried(&[Path::new("/usr/bin/python3"), &file], patience).await, Status::NotOk)
}

#[tokio::test]
async fn a_plugin_that_speaks_badly_fails_the_cases_of_lines() {
    let failed = broken(&[
        ("encoding=\"utf-8\"", "encoding=\"utf-8-sig\""),
        ("os.dup2(2, 1)", "print(\"Welcome\", flush=True)"),
        (
            "say(\"result\", **answer(ask))",
            "say(\"log\", level=\"info\", text=\"x\" * 70000)\n    say(\"result\", **answer(ask))\n    say(\"progress\", files=1)",
        ),
        ("os._exit(0)", "os._exit(3)"),
    ])
    .await;
    // Whatever it was asked, it ended with code 3.
    assert_eq!(failed, [1, 3, 4, 5, 6, 7, 9, 11, 12, 13, 15]);
    assert_eq!(broken(&[("encoding=\"utf-8\"", "encoding=\"utf-8-sig\"")]).await, [10]);
}

#[tokio::test]
async fn a_plugin_that_does_not_understand_fails_the_cases_of_the_request() {
    let failed = broken(&[
        ("if 1 not in ask[\"protocol\"]:", "if False:"),
        ("return say(\"unsupported\")", "return say(\"result\", outcome=\"done\")"),
        ("\"type\": \"object\",\n        \"properties\"", "\"type\": \"objekt\",\n        \"properties\""),
        (
            "    found = problems(config)",
            "    found = []\n    if op == \"validate\":\n        config[\"source\"].strip()",
        ),
        ("            cancelled.set()\n", "            pass\n    cancelled.set()\n"),
        ("op, config = ask[\"op\"], ask.get(\"config\")", "op, config = ask[\"op\"], ask.get(\"config\")\n    if \"colour\" in ask:\n        raise ValueError(\"unknown field colour\")"),
    ])
    .await;
    assert_eq!(failed, [2, 3, 4, 5, 6, 8, 12, 13]);
}

#[tokio::test]
async fn a_plugin_that_is_careless_with_files_fails_the_cases_of_copying() {
    let failed = broken(&[
        ("total += os.path.getsize(here) if only_plan else copy(here, there)", "total += copy(here, there)"),
        ("if same(here, there):\n                counts[\"skipped\"] += 1\n                continue\n            total", "total"),
        ("if not os.path.isdir(target):", "os.makedirs(target, exist_ok=True)\n    if False:"),
        ("return dict(outcome=\"failed\", cause=\"source-missing\"", "return dict(outcome=\"nothing\", cause=\"source-missing\""),
        (
            "    counts, total = dict(seen=0, copied=0, skipped=0, failed=0), 0",
            "    counts, total = dict(seen=0, copied=0, skipped=0, failed=0), 0\n    if not os.listdir(source):\n        shutil.rmtree(target)",
        ),
        ("say(\"item\", outcome=\"failed\", code=code, message=error.strerror or str(error), **named(path))", "pass"),
        ("if error.errno in (errno.ENOSPC, errno.EDQUOT):\n", "if error.errno in (errno.ENOSPC, errno.EDQUOT):\n                return dict(outcome=\"done\", sentence=\"Done.\")\n"),
    ])
    .await;
    assert_eq!(failed, [18, 19, 20, 21, 22, 23, 27]);
}

#[tokio::test]
async fn a_plugin_that_proves_nothing_and_does_not_end_fails_the_cases_of_proof_and_end() {
    // Shorter than the pause that it makes.
    let short = Duration::from_secs(2);
    let patience = Patience { cancel: short, terminate: short / 2, stall: short, drain: short / 20 };
    let changes = [
        ("if digest(here) == digest(there):", "if True:"),
        ("\"may_delete\": False,", "\"may_delete\": False, \"secrets\": [\"password\"],"),
        (
            "    threading.Thread(target=watch, daemon=True).start()",
            "    import subprocess\n    print(ask[\"secrets\"], flush=True)\n    subprocess.Popen([\"sleep\", \"300\"], start_new_session=True)",
        ),
        ("signal.signal(signal.SIGTERM, lambda *_: cancelled.set())", "signal.signal(signal.SIGTERM, signal.SIG_IGN)"),
        (
            "        counts[\"seen\"] += 1\n        here, there = os.path.join(source, path), os.path.join(target, path)\n        try:\n            if same",
            "        counts[\"seen\"] += 1\n        here, there = os.path.join(source, path), os.path.join(target, path)\n        if path.endswith(\"299.bin\"):\n            import time; time.sleep(6)\n        try:\n            if same",
        ),
    ];
    let failed = broken_in(&changes, patience).await;
    assert_eq!(failed, [14, 16, 17, 24, 28, 29]);
}
