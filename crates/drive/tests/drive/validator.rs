//! A BagIt validator (RFC 8493, section 3), written from the RFC and not from our own code.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::rig::NONE;

/// What is wrong with a bag; nothing where it is complete and valid.
pub(crate) fn faults_of(bag: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    if std::fs::read(bag.join("bagit.txt")).unwrap_or_default()
        != b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
    {
        faults.push("bagit.txt is not as section 2.1.1 has it".to_owned());
    }
    let info = std::fs::read_to_string(bag.join("bag-info.txt")).unwrap_or_default();
    if info.lines().any(|line| !line.contains(": ") || line.starts_with(' ')) {
        faults.push("bag-info.txt has a line that is not a label and value".to_owned());
    }
    let manifest = std::fs::read_to_string(bag.join("manifest-sha256.txt")).unwrap_or_default();
    let mut listed = BTreeMap::new();
    // A reader may take any of Unicode's line ends for one, as Python's does.
    for line in manifest.split(['\n', '\r', '\x0b', '\x0c', '\u{85}', '\u{2028}', '\u{2029}']).filter(|l| !l.is_empty())
    {
        let Some((sha256, path)) = line.split_once("  ") else {
            faults.push(format!("{line:?} is not a manifest line"));
            continue;
        };
        if listed.insert(decoded(path), sha256.to_owned()).is_some() {
            faults.push(format!("{path} is listed twice"));
        }
    }
    let mut payload = Vec::new();
    files_in(&bag.join("data"), "data", &mut payload);
    for path in &payload {
        match listed.remove(path) {
            Some(sha256) if sha256 == sha256_of(&bag.join(path)) => {}
            Some(_) => faults.push(format!("{path} is not what the manifest says")),
            None => faults.push(format!("{path} is not in the manifest")),
        }
    }
    faults.extend(listed.into_keys().map(|path| format!("{path} is not there")));
    faults
}

/// Section 2.1.3: LF, CR and the percent sign stand percent-encoded in a manifest.
fn decoded(path: &str) -> String {
    path.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")
}

fn files_in(folder: &Path, path: &str, files: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let entry = entry.unwrap();
        let path = format!("{path}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            files_in(&entry.path(), &path, files);
        } else {
            files.push(path);
        }
    }
}

fn sha256_of(file: &Path) -> String {
    let said = Command::new("sha256sum").arg("--").arg(file).output().unwrap();
    String::from_utf8(said.stdout).unwrap().trim_start_matches('\\').chars().take(64).collect()
}

#[test]
fn the_validator_finds_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("data/a")).unwrap();
    std::fs::write(dir.path().join("data/a/x"), b"x").unwrap();
    std::fs::write(dir.path().join("bagit.txt"), b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n").unwrap();
    assert_eq!(faults_of(dir.path()), ["data/a/x is not in the manifest"]);
    let line = |sha256: &str, path: &str| format!("{sha256}  {path}\n");
    let good = line(&sha256_of(&dir.path().join("data/a/x")), "data/a/x");
    let list = |text: String| std::fs::write(dir.path().join("manifest-sha256.txt"), text).unwrap();
    list(good.clone());
    assert_eq!(faults_of(dir.path()), NONE);
    list(format!("{good}{good}"));
    assert_eq!(faults_of(dir.path()), ["data/a/x is listed twice"]);
    list(good.clone() + &line(&"0".repeat(64), "data/a/y"));
    assert_eq!(faults_of(dir.path()), ["data/a/y is not there"]);
    list(line(&"0".repeat(64), "data/a/x"));
    assert_eq!(faults_of(dir.path()), ["data/a/x is not what the manifest says"]);
}
