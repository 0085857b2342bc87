//! Cases that need more than folders: permissions, names, a full disk.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use strongroom_service::process_tree;

use crate::kit::bench::{Ask, Bench};
use crate::kit::case::Found;
use crate::kit::fixture::noise;
use crate::protocol::{Operation, Outcome};

/// Takes from root what makes it read any file.
const WITHOUT_OVERRIDE: [&str; 4] = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--"];
/// Puts a file system of 1 MiB where the target is, which only this process and its children see.
const ON_FULL_DISK: [&str; 6] = [
    "unshare",
    "--map-root-user",
    "--mount",
    "sh",
    "-c",
    "target=$1; shift; mount -t tmpfs -o size=1m strongroom-kit \"$target\" && exec \"$@\"",
];
/// More than that holds.
const LARGE_BYTES: usize = 3 << 20;

pub(super) async fn unreadable(bench: &mut Bench<'_>) -> io::Result<Found> {
    let fixture = bench.fixture()?;
    let config = fixture.fill(&bench.config());
    let file = fixture.source.join("folder/unreadable.txt");
    fs::write(&file, "nobody reads this\n")?;
    if !close(&file)? {
        return Ok(Found::skipped("this system has no permissions that the kit can take away"));
    }
    let mut ask = Ask::new(23, Operation::Run, config);
    if fs::File::open(&file).is_ok() {
        let prefix = WITHOUT_OVERRIDE.map(OsString::from).to_vec();
        if !works(bench, &prefix, &[OsStr::new("true")]) {
            return Ok(Found::skipped("root reads every file here, and setpriv cannot change that"));
        }
        ask.prefix = prefix;
    }
    let trial = bench.ask(ask).await;
    let trial = &bench.trials[trial];
    let names_it =
        trial.result.as_ref().is_ok_and(|ended| ended.items.iter().any(|item| item.path.contains("unreadable.txt")));
    Ok(Found::when(trial.outcome() == Some(Outcome::Partial) && names_it, || trial.seen()))
}

/// Lets nobody read a file; `false` where that means nothing.
fn close(file: &Path) -> io::Result<bool> {
    strongroom_service::private::make_unreadable(file)
}

/// Whether a prefix can be used here.
fn works(bench: &Bench<'_>, prefix: &[OsString], words: &[&OsStr]) -> bool {
    let path = bench.environment_path();
    let Some(program) = process_tree::find(&prefix[0], path.as_os_str()) else { return false };
    let mut command = Command::new(program);
    command.args(&prefix[1..]).args(words).env("PATH", &path);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

pub(super) async fn names(bench: &mut Bench<'_>) -> io::Result<Found> {
    let fixture = bench.fixture()?;
    let config = fixture.fill(&bench.config());
    let long = "x".repeat(250);
    let mut names = vec!["with a blank", "-leading", "u\u{308}ber", "quote'\"s", &long];
    if cfg!(unix) {
        names.extend(["line\nfeed", "back\\slash"]);
    }
    for name in &names {
        fs::write(fixture.source.join(name), name)?;
    }
    let trial = bench.run(26, &config).await;
    if !bench.trials[trial].is_well() {
        return Ok(Found::NotOk(bench.trials[trial].seen()));
    }
    if bench.lacks(&[Operation::Verify], &[]).is_some() {
        return Ok(Found::Ok);
    }
    let proof = bench.verify(26, &config, trial).await;
    let proof = &bench.trials[proof];
    Ok(Found::when(proof.is_well(), || proof.seen()))
}

pub(super) async fn disk_full(bench: &mut Bench<'_>) -> io::Result<Found> {
    let fixture = bench.fixture()?;
    let config = fixture.fill(&bench.config());
    fs::write(fixture.source.join("large.bin"), noise(LARGE_BYTES))?;
    let mut prefix = ON_FULL_DISK.map(OsString::from).to_vec();
    prefix.push("sh".into());
    prefix.push(fixture.target.clone().into());
    if !works(bench, &prefix, &[OsStr::new("true")]) {
        return Ok(Found::skipped("no small file system can be mounted here, by unshare and mount"));
    }
    let trial = bench.ask(Ask { prefix, ..Ask::new(27, Operation::Run, config) }).await;
    let trial = &bench.trials[trial];
    // A plugin may write less than its source holds.
    let is_honest = !trial.is_well() || !bench.config().to_string().contains("{source}");
    Ok(Found::when(is_honest, || trial.seen()))
}
