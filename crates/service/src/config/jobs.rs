//! What the keys of one `[[job]]` must be together.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use strongroom_model::text::printable;

use super::ConfigError;
use super::nearest::nearest;
use super::section::{Config, JobSection};
use super::value::MAX_SHOWN_CHARS;
use crate::schedule::JobTiming;

/// The kinds that are part of the program.
pub const BUILT_IN_KINDS: [&str; 7] = ["rsync", "rclone", "restic", "robocopy", "command", "check", "tasks"];
/// The kind of a program of somebody else.
pub const PLUGIN_KIND: &str = "plugin";

/// Those of them that write to no folder of the job's.
const WITHOUT_TARGET: [&str; 3] = ["restic", "command", "check"];

/// A site has tens of jobs; each has a stream, and is looked at every minute.
const MAX_JOBS: usize = 2000;
const MAX_RETRIES: usize = 100;
const MAX_RETRY_DELAY: Duration = Duration::from_secs(24 * 3600);

impl Config {
    /// # Errors
    /// A job's keys contradict each other, or two jobs have one name.
    pub(super) fn check_jobs(&self) -> Result<(), ConfigError> {
        if self.job.len() > MAX_JOBS {
            return Err(bad(
                "job",
                format!("there are {} of them, and at most {MAX_JOBS} are possible", self.job.len()),
            ));
        }
        let mut names = BTreeSet::new();
        for job in &self.job {
            let name = &job.name;
            if !names.insert(name) {
                return Err(bad("job", format!("two jobs have the name \"{name}\": give one of them another")));
            }
            check_kind(job)
                .and_then(|()| check_times(job))
                .and_then(|()| JobTiming::of(&job.schedule(&self.zone())).map(drop))
                .and_then(|()| check_places(job))
                .and_then(|()| check_folders(job))
                .map_err(|message| bad(&format!("job \"{name}\""), message))?;
        }
        Ok(())
    }
}

fn bad(key: &str, message: String) -> ConfigError {
    ConfigError::Value { place: "configuration".to_owned(), key: key.to_owned(), message }
}

fn check_kind(job: &JobSection) -> Result<(), String> {
    let kind = job.kind.as_str();
    if kind == PLUGIN_KIND {
        let has_program = job.program.first().is_some_and(|program| !program.is_empty());
        return if has_program {
            Ok(())
        } else {
            Err("a plugin needs its program: write it such as program = [\"/usr/local/bin/my-plugin\"]".to_owned())
        };
    }
    if !job.program.is_empty() {
        return Err(format!("program is for kind = \"{PLUGIN_KIND}\" only: take it away, or change the kind"));
    }
    if BUILT_IN_KINDS.contains(&kind) {
        return Ok(());
    }
    let near = nearest(kind, BUILT_IN_KINDS.into_iter().chain([PLUGIN_KIND]));
    let hint = near.map_or_else(String::new, |(_, near)| format!("; did you mean {near:?}?"));
    let known = BUILT_IN_KINDS.join(", ");
    Err(format!("unknown kind {:?}; expected one of {known} and {PLUGIN_KIND}{hint}", printable(kind, MAX_SHOWN_CHARS)))
}

fn check_times(job: &JobSection) -> Result<(), String> {
    if job.cron.is_some() && (job.every.is_some() || job.between.is_some() || !job.days.is_empty()) {
        return Err("cron says when runs start: take away every, between and days, or cron".to_owned());
    }
    if job.every.is_none() && (job.between.is_some() || !job.days.is_empty()) {
        return Err("between and days need every: write it such as every = \"24h\"".to_owned());
    }
    if job.every.is_some_and(|every| every.get().as_secs() == 0) {
        return Err("every: it must be a second at least".to_owned());
    }
    for (key, period) in [("max_age", job.max_age), ("timeout", job.timeout), ("stall", job.stall)] {
        if period.get().as_secs() == 0 {
            return Err(format!("{key}: it must be a second at least"));
        }
    }
    if let Some(delays) = &job.retry {
        if delays.len() > MAX_RETRIES {
            return Err(format!("retry: there are {} delays, and at most {MAX_RETRIES} are possible", delays.len()));
        }
        if delays.iter().any(|delay| delay.get() > MAX_RETRY_DELAY) {
            return Err("retry: a delay is longer than 24h: leave it to the next run".to_owned());
        }
    }
    Ok(())
}

/// A target that a kind does not write to would be looked at in the place of the one that it does; a plugin works in a
/// folder of its own, so that a relative repository would be there.
fn check_places(job: &JobSection) -> Result<(), String> {
    let kind = job.kind.as_str();
    if job.target.is_some() && WITHOUT_TARGET.contains(&kind) {
        let instead = if kind == "restic" { ": write repository below [job.settings] instead" } else { "" };
        return Err(format!("a job of kind {kind} has no target{instead}"));
    }
    let repository = job.settings.get("repository").and_then(|value| value.as_str()).filter(|_| kind == "restic");
    match repository.filter(|place| !Path::new(place).is_absolute() && !place.contains(':')) {
        Some(place) => {
            let shown = printable(place, MAX_SHOWN_CHARS);
            Err(format!("repository {shown:?} is relative: write it from the root on, such as \"/mnt/disk/restic\""))
        }
        None => Ok(()),
    }
}

/// Copies must not copy themselves, nor be what is copied.
fn check_folders(job: &JobSection) -> Result<(), String> {
    let (Some(source), Some(target)) = (local(job.source.as_deref()), local(job.target.as_deref())) else {
        return Ok(());
    };
    let (shown_source, shown_target) = (source.display(), target.display());
    if source == target {
        return Err(format!("source and target are both {shown_source}: the target must be another folder"));
    }
    if target.starts_with(&source) {
        return Err(format!(
            "the target {shown_target} lies in the source {shown_source}: it would be copied into itself; choose a target elsewhere"
        ));
    }
    if source.starts_with(&target) {
        return Err(format!(
            "the source {shown_source} lies in the target {shown_target}: a copy there could overwrite it; choose a folder beside it"
        ));
    }
    Ok(())
}

/// A folder of this host, without `.` and `..` as far as names tell.
fn local(place: Option<&str>) -> Option<PathBuf> {
    let path = Path::new(place?);
    if !path.is_absolute() {
        return None;
    }
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(clean.pop()),
            Component::CurDir => {}
            other => clean.push(other),
        }
    }
    Some(clean)
}
