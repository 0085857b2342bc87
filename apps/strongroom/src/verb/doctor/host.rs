//! What is looked at on this host: folders, the log, the drive, the schedule.

use std::io::ErrorKind;
use std::path::Path;

use strongroom_eventlog::{EventLog, OpenError};
use strongroom_model::{ByteCount, SubjectKind};
use strongroom_service::{Clock, Config};

use super::check::Check;
use crate::attached;
use crate::verb::drive::drive_trouble;

/// How little room may be left on the log's disk: a night's events are a few MiB.
const LITTLE_ROOM: ByteCount = ByteCount(200 << 20);

/// The folder of the log, whether it is there and may be written to.
pub(super) fn data_folder(config: &Config) -> Check {
    let path = config.log_path();
    let folder = path.parent().unwrap_or(Path::new("."));
    let Some(there) = folder.ancestors().find(|folder| folder.exists()) else {
        return Check::bad(
            "data folder",
            format!("{} cannot be made", folder.display()),
            "set data_dir to another folder",
        );
    };
    // A file of our own that is gone again at once: permissions and quotas have too many
    // ways to say no to be computed.
    let probe = there.join(format!(".strongroom-probe-{}", std::process::id()));
    let probed = std::fs::write(&probe, b"probe").and_then(|()| std::fs::remove_file(&probe));
    match probed {
        Ok(()) if there == folder => Check::well("data folder", format!("{} can be written to", folder.display())),
        Ok(()) => Check::well("data folder", format!("{} will be made by the first run", folder.display())),
        Err(error) => Check::bad(
            "data folder",
            format!("{} cannot be written to: {error}", there.display()),
            "give it to the user that runs strongroom, or set data_dir to another folder",
        ),
    }
}

/// The log: whether it opens, and whether it is what it says it is.
pub(super) async fn log(config: &Config) -> Check {
    let path = config.log_path();
    let log = match EventLog::open_read_only(&path, &config.site).await {
        Ok(log) => log,
        Err(OpenError::Missing(_)) => {
            return Check::well("log", format!("none yet; the first run makes {}", path.display()));
        }
        Err(error) => return Check::bad("log", error.to_string(), "see the message: nothing was changed"),
    };
    let writable = std::fs::OpenOptions::new().append(true).open(&path);
    if let Err(error) = writable {
        let found = format!("{} cannot be written to: {error}", path.display());
        return Check::bad("log", found, "give it to the user that runs strongroom");
    }
    match log.verify().await {
        Ok(found) => match found.damage {
            None => Check::well("log", format!("{} events, root {}", found.head.size, found.head.root_base64())),
            Some(damage) => Check::bad("log", damage.to_string(), "`strongroom log verify` says more"),
        },
        Err(error) => Check::bad("log", error.to_string(), "`strongroom log verify` says more"),
    }
}

/// How much room there is beside the log, where that can be told.
pub(super) fn room(config: &Config) -> Option<Check> {
    let path = config.log_path();
    let folder = path.parent()?.ancestors().find(|folder| folder.exists())?;
    let stat = rustix::fs::statvfs(folder).ok()?;
    let free = ByteCount(stat.f_bavail.saturating_mul(stat.f_frsize));
    let found = format!("{free} free where the log is");
    Some(if free < LITTLE_ROOM {
        Check::warning("disk", found, "make room there: without any, nothing can be recorded and the job stands still")
    } else {
        Check::well("disk", found)
    })
}

/// The drive. Blocks.
pub(super) fn drive(config: &Config) -> Check {
    let root = match config.drive.mounted_at() {
        Ok(root) => root,
        Err(error) => return Check::bad("drive", error.to_string(), "set drive.root in strongroom.toml"),
    };
    let (state, obstacle) = attached::look_at(root, &attached::settings(config));
    if let Some(error) = obstacle {
        return Check::trouble("drive", &drive_trouble(&error));
    }
    let label = state.label.unwrap_or_default();
    let free = ByteCount(state.free_bytes.unwrap_or_default());
    Check::well("drive", format!("“{label}” at {}, {free} free", root.display()))
}

/// When runs happen, and when the last one was.
pub(super) async fn schedule(config: &Config, clock: &Clock) -> Check {
    let schedule = config.schedule();
    let every = config.schedule.every;
    let between = schedule.between.map_or_else(|| "at any time".to_owned(), |window| format!("between {window}"));
    let zone = config.zone();
    let zone = zone.iana_name().unwrap_or("the host's time zone");
    let plan = format!("`strongroom run` starts one every {every} {between}, in {zone}");
    let Ok(log) = EventLog::open_read_only(&config.log_path(), &config.site).await else {
        return Check::well("schedule", format!("{plan}; none has run yet"));
    };
    match log.last_of(SubjectKind::Run).await {
        Ok(Some(last)) => {
            let ago = clock.now().duration_since(last.time);
            Check::well("schedule", format!("{plan}; the last run was {} ago", whole(ago)))
        }
        Ok(None) => Check::well("schedule", format!("{plan}; none has run yet")),
        Err(error) => Check::warning("schedule", error.to_string(), "`strongroom log verify` says more"),
    }
}

/// A secret's file that others can read.
pub(super) fn secrets(config: &Config) -> Option<Check> {
    let files = [&config.source.token_file, &config.mail.smtp.password_file];
    for path in files.into_iter().flatten() {
        if open_to_others(path).unwrap_or(false) {
            return Some(Check::warning(
                "secrets",
                format!("{} can be read by other users of this host", path.display()),
                format!("chmod 600 {}", path.display()),
            ));
        }
    }
    None
}

#[cfg(unix)]
fn open_to_others(path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(metadata.mode() & 0o077 != 0),
        // That it is missing is told where it is needed.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn open_to_others(_: &Path) -> std::io::Result<bool> {
    Ok(false)
}

/// A length of time without fractions of a second.
pub(super) fn whole(time: jiff::SignedDuration) -> String {
    format!("{:#}", time.round(jiff::Unit::Second).unwrap_or(time))
}
