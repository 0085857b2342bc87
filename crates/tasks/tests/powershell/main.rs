//! The scripts for Windows are PowerShell as others' grammar reads it: tree-sitter's, from PyPI. They are not run here.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use strongroom_tasks::restore::{COLLECT_SCRIPT, RESTORE_SCRIPT};

/// From PyPI, in a folder of their own below cargo's.
const PACKAGES: [&str; 2] = ["tree-sitter==0.26.1", "tree-sitter-powershell==0.26.4"];

fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

fn detail(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The interpreter that has the packages; they are installed where they are missing, by one test at a time.
fn python() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tree-sitter-powershell-0.26.4");
    std::fs::create_dir_all(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let lock = std::fs::File::create(folder.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let (program, whole) = (folder.join("bin/python"), folder.join("whole"));
    let here = folder.display().to_string();
    if std::fs::read_to_string(&whole).unwrap_or_default() != here {
        // What an earlier run could not finish is begun anew.
        let _ = std::fs::remove_dir_all(&folder);
        let made = run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
        assert!(made.status.success(), "python3 -m venv (Debian: python3-venv): {}", detail(&made));
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        let installed = run(Command::new(&program).args(pip).args(PACKAGES));
        assert!(installed.status.success(), "pip install {PACKAGES:?}: {}", detail(&installed));
        std::fs::write(whole, here).unwrap();
    }
    program
}

/// Where the grammar stumbles, one line each.
fn errors(python: &Path, script: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("script.ps1");
    std::fs::write(&file, script).unwrap();
    let check = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/powershell/check.py");
    let output = run(Command::new(python).arg(check).arg(file));
    assert!(output.status.success(), "{}", detail(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_scripts_are_whole_powershell() {
    let python = python();
    for script in [COLLECT_SCRIPT, RESTORE_SCRIPT] {
        assert_eq!(errors(&python, script), "");
        // It looks: a script with a brace less is not whole.
        let last = script.rfind('}').unwrap();
        let broken = format!("{}{}", &script[..last], &script[last + 1..]);
        assert_ne!(errors(&python, &broken), "");
    }
}
