//! Implementations by others, from PyPI, that ours are compared with.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// An interpreter that has these packages, such as `cronsim==2.8`, in a folder of its own below `folder`, which is
/// `CARGO_TARGET_TMPDIR`. They are installed where they are missing, by one test at a time.
pub fn python(folder: &Path, packages: &[&str]) -> PathBuf {
    let folder = folder.join(packages.join("+").replace("==", "-"));
    fs::create_dir_all(folder.parent().expect("it was joined to one")).expect("cargo's own folder can be made");
    let lock = File::create(folder.with_added_extension("lock")).expect("a file beside it can be made");
    lock.lock().expect("a file of our own can be locked");
    let (program, whole) = (folder.join("bin/python"), folder.join("whole"));
    // What is installed names the folder that it was installed to, which may have been moved since.
    let here = folder.display().to_string();
    if fs::read_to_string(&whole).unwrap_or_default() != here {
        // What an earlier run could not finish is begun anew.
        let _ = fs::remove_dir_all(&folder);
        let made = output(Command::new("python3").args(["-m", "venv"]).arg(&folder));
        assert!(made.status.success(), "python3 -m venv (Debian: python3-venv): {}", printed(&made));
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        let installed = output(Command::new(&program).args(pip).args(packages));
        assert!(installed.status.success(), "pip install {packages:?}: {}", printed(&installed));
        fs::write(whole, here).expect("its folder can be written to");
    }
    program
}

/// Runs a program to its end.
pub fn output(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// What it printed, on both streams.
pub fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
