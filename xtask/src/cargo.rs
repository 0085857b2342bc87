//! The commands that the chores are made of, all run in the workspace's root.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context as _, Result, bail};

/// The features that tests are built with: all but the one below. So the places where a test may kill the program are
/// compiled in, and each crate is compiled once for the program and its tests.
pub(crate) const FEATURES: &str = "kill-points,openapi,otlp,testing,uploads";
/// The feature of a family of work that only tests have. It is switched on for its own test alone, so that everything
/// else is tested as it is released.
pub(crate) const SAMPLE_FEATURE: &str = "sample-family";

/// Set for the schemas' tests: they then write the files instead of comparing them.
const UPDATE_SCHEMAS: &str = "UPDATE_SCHEMAS";

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_owned()
}

/// A command in the workspace's root.
pub(crate) fn command(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(root());
    command
}

/// The cargo that runs us.
pub(crate) fn cargo(args: &[&str]) -> Command {
    command(&std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()), args)
}

/// What the names of the tests hold that compare `schemas/`, each beside the code it speaks of.
const SCHEMA_TESTS: &str = "schema_in_the_repository";

/// Compares `schemas/`, and what the pages take from the code, with what the code says; or writes it.
pub(crate) fn schemas(write: bool) -> Result<()> {
    let mut test =
        cargo(&["test", "--quiet", "--workspace", "--features", FEATURES, "--no-fail-fast", "--lib", "--tests"]);
    test.arg(SCHEMA_TESTS);
    if write {
        test.env(UPDATE_SCHEMAS, "1");
    }
    run(&mut test)
}

/// Runs a command to its end, with its output where ours goes.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = shown(command);
    let status = command.status().with_context(|| format!("`{line}` could not be started"))?;
    ended(&line, status)
}

/// The same, and shows each line of its standard output to `see` as well.
pub(crate) fn watch(command: &mut Command, mut see: impl FnMut(&str)) -> Result<Result<()>> {
    let line = shown(command);
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("`{line}` could not be started"))?;
    let mut ours = std::io::stdout();
    let printed = BufReader::new(child.stdout.take().expect("it was asked for"));
    for bytes in printed.split(b'\n') {
        let bytes = bytes.with_context(|| format!("what `{line}` prints cannot be read"))?;
        ours.write_all(&bytes).and_then(|()| ours.write_all(b"\n")).context("standard output cannot be written to")?;
        see(&String::from_utf8_lossy(&bytes));
    }
    let status = child.wait().with_context(|| format!("`{line}` was lost"))?;
    Ok(ended(&line, status))
}

/// How a command ended that `line` shows.
fn ended(line: &str, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("`{line}` ended with {status}");
    }
    Ok(())
}

/// Runs a command to its end and keeps what it prints: both streams, in one text.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let line = shown(command);
    let output = command.output().with_context(|| format!("`{line}` could not be started"))?;
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        bail!("`{line}` ended with {}\n{text}", output.status);
    }
    Ok(text)
}

/// The command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let mut line = program.to_string_lossy().into_owned();
    for arg in command.get_args() {
        line.push(' ');
        line.push_str(&arg.to_string_lossy());
    }
    line
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_feature_is_tested() {
        let metadata = cargo_metadata::MetadataCommand::new().current_dir(root()).no_deps().exec().unwrap();
        let declared: BTreeSet<_> = metadata.packages.iter().flat_map(|package| package.features.keys()).collect();
        let tested: BTreeSet<_> = FEATURES.split(',').chain([SAMPLE_FEATURE]).map(ToOwned::to_owned).collect();
        assert_eq!(declared, tested.iter().collect());
    }
}
