//! What must be true before anything is written: source and target are there, and apart.

use std::path::{Path, PathBuf};

use strongroom_plugin::protocol::{Outcome, Problem, Report, Retry};

use crate::config::problem;
use crate::proof::has_a_file;

/// What is wrong with two local folders, by their real places.
pub(crate) fn pair(source: &Path, target: &Path) -> Vec<Problem> {
    let mut problems = Vec::new();
    let real_source = std::fs::canonicalize(source);
    if !source.is_dir() {
        problems.push(problem(
            "/source",
            format!("the source {} is not a folder that can be read", source.display()),
            "mount or correct it",
        ));
    }
    if !source.is_absolute() || !target.is_absolute() {
        problems.push(problem("", "source and target must be absolute paths", "begin both with /"));
        return problems;
    }
    let real_target = real(target);
    let Ok(real_source) = real_source else { return problems };
    if real_target.starts_with(&real_source) {
        problems.push(problem(
            "/target",
            "the target is inside its source: each run would copy the copies",
            "choose a target outside",
        ));
    } else if real_source.starts_with(&real_target) {
        problems.push(problem(
            "/source",
            "the source is inside its target, such as on the target's drive root: a mirror would delete the source",
            "choose a folder of its own for the copy",
        ));
    }
    problems
}

/// The real place of a path that need not be there: of its longest part that is.
fn real(path: &Path) -> PathBuf {
    for part in path.ancestors() {
        if let Ok(real) = std::fs::canonicalize(part) {
            return real.join(path.strip_prefix(part).unwrap_or(Path::new("")));
        }
    }
    path.to_owned()
}

/// Whether a transfer between two local folders may begin; or the report of why not.
///
/// # Errors
/// The report.
pub(crate) fn ready(source: &Path, target: &Path) -> Result<(), Box<Report>> {
    source_ready(source)?;
    target_ready(target)?;
    if let Some(problem) = pair(source, target).first() {
        let report = Report::new(Outcome::Failed, format!("It did not start: {}.", problem.message));
        return Err(Box::new(
            report.because("settings-wrong").next_step(problem.next_step.clone()).retry(Retry::Never),
        ));
    }
    if !has_a_file(source).unwrap_or(false) {
        return Err(Box::new(empty(has_a_file(target).unwrap_or(true))));
    }
    Ok(())
}

/// Whether a local target is there: a drive or a share that is away is nobody's fault, and nothing is created in its place.
///
/// # Errors
/// The report.
pub(crate) fn target_ready(target: &Path) -> Result<(), Box<Report>> {
    if target.is_dir() {
        return Ok(());
    }
    let sentence = crate::report::bounded(&format!("The target folder {} is not there.", target.display()));
    let report = Report::new(Outcome::Obstructed, sentence)
        .because("target-missing")
        .next_step("connect the target, or create its folder")
        .retry(Retry::Later);
    Err(Box::new(report))
}

/// Whether a local source is there.
///
/// # Errors
/// The report.
pub(crate) fn source_ready(source: &Path) -> Result<(), Box<Report>> {
    match std::fs::read_dir(source) {
        Ok(_) => Ok(()),
        Err(error) => {
            let is_missing = error.kind() == std::io::ErrorKind::NotFound;
            let cause = if is_missing { "source-missing" } else { "source-unreadable" };
            let report =
                Report::new(Outcome::Failed, format!("The source {} cannot be read: {error}.", source.display()));
            Err(Box::new(report.because(cause).next_step("mount or correct the source").retry(Retry::Later)))
        }
    }
}

/// An empty source, where what the copy has is not known.
pub(crate) fn source_empty() -> Report {
    Report::new(Outcome::Failed, "The source has no files: nothing was copied or deleted.")
        .because("source-empty")
        .next_step("see whether the source is mounted")
        .retry(Retry::Later)
}

/// A proof that found no file, so that there is nothing of which it could be one.
pub(crate) fn nothing_to_prove() -> Report {
    Report::new(
        Outcome::Failed,
        "Nothing is proven: the source has no files, or none that the settings do not leave out.",
    )
    .because("source-empty")
    .next_step("see whether the source is mounted, and what the settings leave out")
    .retry(Retry::Later)
}

/// An empty source is never copied over a copy that has something.
fn empty(copy_has_files: bool) -> Report {
    if copy_has_files {
        return Report::new(
            Outcome::Failed,
            "The source has no files, though the copy has: nothing was copied or deleted.",
        )
        .because("source-empty")
        .next_step("see whether the source is mounted")
        .retry(Retry::Later);
    }
    Report::new(Outcome::Nothing, "Nothing to copy: the source has no files.").because("source-empty")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_target_inside_its_source_and_a_source_inside_its_target_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("a/b"));
        fs::create_dir_all(&b).unwrap();
        assert_eq!(pair(&a, &b)[0].pointer, "/target");
        assert_eq!(pair(&a, &b.join("not/yet"))[0].pointer, "/target");
        assert_eq!(pair(&b, &a)[0].pointer, "/source");
        assert_eq!(pair(&a, &a)[0].pointer, "/target");
        assert_eq!(pair(&a, &folder.path().join("ab")), []);
        assert_eq!(pair(&folder.path().join("gone"), &a)[0].pointer, "/source");
    }

    #[test]
    fn nothing_begins_without_a_source_and_a_target() {
        let folder = tempfile::tempdir().unwrap();
        let [source, target] = ["s", "t"].map(|name| folder.path().join(name));
        let outcome = |expected: &str| {
            let report = ready(&source, &target).unwrap_err();
            assert_eq!(report.cause.as_deref(), Some(expected), "{report:?}");
            report.outcome
        };
        assert_eq!(outcome("source-missing"), Outcome::Failed);
        fs::create_dir(&source).unwrap();
        assert_eq!(outcome("target-missing"), Outcome::Obstructed);
        fs::create_dir(&target).unwrap();
        assert_eq!(outcome("source-empty"), Outcome::Nothing);
        fs::write(target.join("kept"), "x").unwrap();
        assert_eq!(outcome("source-empty"), Outcome::Failed);
        fs::write(source.join("one"), "x").unwrap();
        assert!(ready(&source, &target).is_ok());
    }
}
