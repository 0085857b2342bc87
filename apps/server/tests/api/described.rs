//! The API does exactly what its description says: schemathesis, an independent tester, sends what the
//! description allows and what it does not, each operation alone and one after the other, and holds
//! every answer against it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::rig::Rig;

/// The tester, from PyPI, in a folder of its own below cargo's.
const TESTER: &str = "schemathesis==4.32.5";

/// How many requests are made up for each operation: the whole takes less than a minute.
const EXAMPLES: &str = "8";

fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// The tester's program; it is installed where it is missing, by one test at a time.
fn tester() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(TESTER.replace("==", "-"));
    std::fs::create_dir_all(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let lock = std::fs::File::create(folder.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let (program, whole) = (folder.join("bin/st"), folder.join("whole"));
    // Its programs name the folder that they were installed to, which may have been moved since.
    let here = folder.display().to_string();
    if std::fs::read_to_string(&whole).unwrap_or_default() != here {
        // What an earlier run could not finish is begun anew.
        let _ = std::fs::remove_dir_all(&folder);
        let made = run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
        assert!(made.status.success(), "python3 -m venv (Debian: python3-venv): {}", detail(&made));
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", TESTER];
        let installed = run(Command::new(folder.join("bin/python")).args(pip));
        assert!(installed.status.success(), "pip install {TESTER}: {}", detail(&installed));
        std::fs::write(whole, here).unwrap();
    }
    program
}

fn detail(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_independent_tester_finds_no_answer_that_is_not_described() {
    let tester = tokio::task::spawn_blocking(tester).await.unwrap();
    let rig = Rig::start().await;
    for id in ["B-1", "B-2"] {
        rig.booking(id, "a.pdf", b"hours").await;
    }
    let mut command = Command::new(tester);
    command
        .arg("run")
        .arg(format!("{}/openapi.json", rig.server.url()))
        .args(["--header", &format!("Authorization: Bearer {}", rig.admin)])
        .args(["--checks", "all", "--phases", "examples,coverage,fuzzing,stateful"])
        .args(["--max-examples", EXAMPLES, "--max-time", "40", "--generation-deterministic", "--no-color"])
        .args(["--continue-on-failure", "--suppress-health-check", "all"])
        .current_dir(rig.dir.path());
    let output = tokio::task::spawn_blocking(move || run(&mut command)).await.unwrap();
    assert!(output.status.success(), "{}", detail(&output));
    // It has asked for something.
    assert!(detail(&output).contains("passed"), "{}", detail(&output));
    assert_eq!(rig.get("/healthz").await.status(), reqwest::StatusCode::OK);
}
