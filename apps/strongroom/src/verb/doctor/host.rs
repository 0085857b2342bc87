//! What is looked at on this host: folders, secrets, the drive.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use strongroom_drive::{Drive, DriveError};
use strongroom_eventlog::EventLog;
use strongroom_files::{Use, rights};
use strongroom_model::{ByteCount, Month};
use strongroom_service::config::Sources;
use strongroom_service::private::is_open_to_others;
use strongroom_service::{Clock, Config, blocking};

use super::check::Check;
use crate::drive_report;
use crate::site;
use crate::verb::drive::drive_error;

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
    if let Some(check) = of_another_kind(config).or_else(|| left_by_another_user(config, folder)) {
        return check;
    }
    // A file of our own that is gone again at once: permissions and quotas have too many
    // ways to say no to be computed.
    let probe = there.join(format!(".strongroom-probe-{}", std::process::id()));
    let written = std::fs::write(&probe, b"probe");
    // A full disk takes the name, and not what is in it.
    let removed = std::fs::remove_file(&probe);
    let probed = written.and(removed);
    match probed {
        Ok(()) if there == folder => Check::well("data folder", format!("{} can be written to", folder.display())),
        Ok(()) => Check::well("data folder", format!("{} will be made by the first run", folder.display())),
        Err(error) => Check::bad(
            "data folder",
            format!("{} cannot be written to: {error}", there.display()),
            match error.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                    "make room there: without any, nothing can be recorded and the job stands still"
                }
                ErrorKind::ReadOnlyFilesystem => "mount it for writing, or set data_dir to another folder",
                _ => "give it to the user that runs strongroom, or set data_dir to another folder",
            },
        ),
    }
}

/// A folder where the job needs a file, or the other way round. Permissions are beside the point there.
fn of_another_kind(config: &Config) -> Option<Check> {
    let files = [config.run_lock_path(), config.log_path()].map(|path| (path, false));
    let folders = config.mail.smtp.host.is_none().then(|| (mails(config), true));
    let (path, needs_folder) = files
        .into_iter()
        .chain(folders)
        .find(|(path, needs_folder)| std::fs::metadata(path).is_ok_and(|found| found.is_dir() != *needs_folder))?;
    let found = match needs_folder {
        true => format!("{} is not a folder, and the job needs one there", path.display()),
        false => format!("{} is a folder, and the job needs a file there", path.display()),
    };
    Some(Check::bad("data folder", found, "move it away: the next run makes its own"))
}

/// What the job will open and may not: what a run as root left, for one.
fn left_by_another_user(config: &Config, folder: &Path) -> Option<Check> {
    let refused = first_refused(config, rights::may)?;
    Some(Check::bad(
        "data folder",
        format!("{} cannot be written to by this user: another one made it, such as root", refused.display()),
        format!("give all of it to the user that runs strongroom: sudo chown -R USER {}", folder.display()),
    ))
}

/// The first path that the job uses and that `may` refuses.
fn first_refused(config: &Config, may: impl Fn(&Path, Use) -> io::Result<()>) -> Option<PathBuf> {
    // SQLite opens a log whose own files beside it are another user's, and then writes nothing.
    let beside = |suffix: &str| {
        let mut path = config.log_path().into_os_string();
        path.push(suffix);
        PathBuf::from(path)
    };
    let files =
        [config.run_lock_path(), config.log_path(), beside("-wal"), beside("-shm")].map(|path| (path, Use::Write));
    let folders = [(mails(config), Use::Fill)];
    let is_refused = |(path, needed): &(PathBuf, Use)| {
        may(path, *needed).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
    };
    files.into_iter().chain(folders).find(is_refused).map(|(path, _)| path)
}

fn mails(config: &Config) -> PathBuf {
    config.mail.folder.clone().unwrap_or_else(|| config.data_dir.join("mail"))
}

/// How much room there is beside the log, where that is known.
pub(super) fn room(config: &Config) -> Option<Check> {
    let free = site::room_for_log(config)?;
    let found = format!("{free} free where the log is");
    let step = "make room there: without any, nothing can be recorded and the job stands still";
    Some(match free {
        free if free < site::NO_ROOM => Check::bad("disk", found, step),
        free if free < LITTLE_ROOM => Check::warning("disk", found, step),
        _ => Check::well("disk", found),
    })
}

/// The drive, and whether it is the one that the log knows.
pub(super) async fn drive(config: &Config) -> Check {
    let root = match config.drive.mounted_at() {
        Ok(root) => root,
        Err(error) => return Check::bad("drive", error.to_string(), "set drive.root in strongroom.toml"),
    };
    // Why a log cannot be read is reported where it is looked at.
    let log = site::log_if_any(config).await.ok().flatten();
    let check = known_drive(config, root, log.as_ref()).await;
    if let Some(log) = log {
        log.close().await;
    }
    check
}

async fn known_drive(config: &Config, root: &Path, log: Option<&EventLog>) -> Check {
    let (state, obstacle) = drive_report::drive_state_and_obstacle(log, root, &drive_report::settings(config)).await;
    if let Some(error) = obstacle {
        return Check::error("drive", &drive_error(&error));
    }
    let (settings, place) = (config.clone(), root.to_owned());
    if let Err(error) = blocking(move || try_site(&settings, &place)).await {
        return Check::error("drive", &drive_error(&error));
    }
    let label = state.label.unwrap_or_default();
    let free = ByteCount(state.free_bytes.unwrap_or_default());
    let found = format!("“{label}” at {}, {free} free", root.display());
    let mut remarks = drive_report::remarks_with(log, root, Some(config)).await;
    remarks.sort_by_key(|remark| !remark.stops_the_job);
    if remarks.is_empty() {
        return Check::well("drive", found);
    }
    let said = remarks.iter().map(|remark| remark.what.as_str()).collect::<Vec<_>>().join("; ");
    let step = remarks.iter().map(|remark| remark.step.as_str()).collect::<Vec<_>>().join("; ");
    let check = if remarks.iter().any(|remark| remark.stops_the_job) { Check::bad } else { Check::warning };
    check("drive", format!("{found}; {said}"), step)
}

/// Looks at what the job will use on the drive: what another user left there, such as root.
fn try_site(config: &Config, root: &Path) -> Result<(), DriveError> {
    let month = Month::of(Clock::system().now(), &config.zone());
    Drive::open(root, &drive_report::settings(config))?.check_site(&config.site, month)
}

/// A secret's file that others can read.
pub(super) fn secrets(config: &Config, file: &Path) -> Vec<Check> {
    let files = [
        &config.source.token_file,
        &config.mail.smtp.password_file,
        &config.log.url_file,
        &config.broker.url_file,
        &config.server.database_url_file,
    ];
    let inline = holds_secrets(file).then(|| file.to_owned());
    let mut open: Vec<_> = files.into_iter().flatten().cloned().chain(inline).collect();
    open.retain(|path| is_open_to_others(path).unwrap_or(false));
    open.dedup();
    let check = |path: std::path::PathBuf| {
        let found = format!("{} can be read by other users of this host", path.display());
        Check::warning("secrets", found, format!("chmod 600 {}", path.display()))
    };
    open.into_iter().map(check).collect()
}

/// Whether the configuration's file itself holds a token, a password or an address that may have one.
fn holds_secrets(file: &Path) -> bool {
    let sources = Sources { file: Some(file.to_owned()), ..Sources::of_process(None) };
    let alone = Sources { environment: std::collections::BTreeMap::new(), ..sources };
    Config::load_from(&alone).is_ok_and(|config| {
        let secrets = [&config.source.token, &config.mail.smtp.password];
        let urls = [&config.log.url, &config.broker.url, &config.server.database_url];
        secrets.into_iter().any(Option::is_some)
            || urls.into_iter().flatten().any(|url| url.reveal().password().is_some())
    })
}

/// A length of time without fractions of a second.
pub(super) fn whole(time: jiff::SignedDuration) -> String {
    format!("{:#}", time.round(jiff::Unit::Second).unwrap_or(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_secret_that_others_can_read_is_named() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let [token, url, file] = ["backup.token", "log.url", "strongroom.toml"].map(|name| folder.path().join(name));
        let text = "site = \"kestrel\"\n[source]\ntoken_file = \"backup.token\"\n[log]\nurl_file = \"log.url\"\n\
                    [mail.smtp]\npassword = \"hunter2\"\n";
        for (path, text) in [(&token, "t"), (&url, "postgres://me:secret@127.0.0.1/log"), (&file, text)] {
            std::fs::write(path, text).unwrap();
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
        }
        let config = Config::from_text(text, folder.path()).unwrap();
        assert_eq!(secrets(&config, &file).len(), 3);
        std::fs::set_permissions(&url, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(secrets(&config, &file).len(), 2);
    }

    #[test]
    fn a_folder_in_the_place_of_a_file_and_the_reverse_are_called_that() {
        let said = |make: fn(&Path)| {
            let folder = tempfile::tempdir().unwrap();
            make(folder.path());
            data_folder(&Config::from_text("data_dir = \".\"", folder.path()).unwrap()).found
        };
        let file = said(|data| std::fs::write(data.join("mail"), "").unwrap());
        assert!(file.ends_with("/mail is not a folder, and the job needs one there"), "{file}");
        let folder = said(|data| std::fs::create_dir(data.join("run.lock")).unwrap());
        assert!(folder.ends_with("/run.lock is a folder, and the job needs a file there"), "{folder}");
        assert!(said(|_| ()).ends_with("can be written to"));
    }

    #[test]
    fn every_file_that_the_job_writes_is_looked_at_and_the_logs_own_too() {
        let config = Config::from_text("data_dir = \"data\"", Path::new("/site")).unwrap();
        for name in ["run.lock", "log.sqlite", "log.sqlite-wal", "log.sqlite-shm", "mail"] {
            let path = Path::new("/site/data").join(name);
            let refused =
                first_refused(
                    &config,
                    |asked, _| if asked == path { Err(ErrorKind::PermissionDenied.into()) } else { Ok(()) },
                );
            assert_eq!(refused, Some(path));
        }
        assert_eq!(first_refused(&config, |_, _| Err(ErrorKind::NotFound.into())), None, "what is missing is made");
    }
}
