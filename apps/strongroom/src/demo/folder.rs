//! The demo's folder: what lies where, and the configuration that says so.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use strongroom_drive::{Drive, InitError};
use strongroom_server::token::{self, Scope};
use strongroom_server::{Documents, Store};
use strongroom_service::config::{Sources, Template};
use strongroom_service::{Clock, Config};

use crate::cli_error::{CliError, ErrorContext as _};
use crate::verb;

const SITE: &str = "demo";
const LABEL: &str = "demo drive";
const CONFIG: &str = "strongroom.toml";
const MEMORY: &str = "demo.json";

#[derive(Debug, Clone)]
pub(crate) struct Folder {
    root: PathBuf,
}

/// What was prepared for good: written once it is, so that a demo that was interrupted before
/// prepares again, which changes nothing that is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory {
    pub(crate) generated: u32,
    pub(crate) with_faults: bool,
}

impl Folder {
    /// The folder at `root`, made and filled where it is new. The second value says whether it was
    /// there already.
    pub(crate) async fn open(root: &Path, clock: &Clock) -> Result<(Self, bool), CliError> {
        let folder = Self { root: root.to_owned() };
        let is_old = folder.path(CONFIG).exists();
        if !is_old {
            folder.refuse_strange()?;
            folder.make(clock).await?;
        }
        Ok((folder, is_old))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn config_path(&self) -> PathBuf {
        self.path(CONFIG)
    }

    /// Its configuration, with the server at another address where one is given.
    pub(crate) fn config(&self, source: Option<&str>) -> Result<Config, CliError> {
        let mut sources = Sources { file: Some(self.config_path()), ..Sources::default() };
        if let Some(url) = source {
            sources = sources.with_flag("source.url", url);
        }
        Ok(Config::load_from(&sources)?)
    }

    pub(crate) fn memory(&self) -> Memory {
        let text = std::fs::read_to_string(self.path(MEMORY)).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    pub(crate) fn remember(&self, memory: &Memory) -> Result<(), CliError> {
        let text = serde_json::to_string(memory)?;
        std::fs::write(self.path(MEMORY), text + "\n").context(format!("cannot write {}", self.path(MEMORY).display()))
    }

    /// The demo must not spread into a folder that is somebody's.
    fn refuse_strange(&self) -> Result<(), CliError> {
        let Ok(entries) = std::fs::read_dir(&self.root) else { return Ok(()) };
        // A first start that was interrupted leaves only these.
        let ours = ["data", "documents", "drive", "backup.token"];
        let strange = entries.flatten().find(|entry| !ours.iter().any(|name| entry.file_name() == *name));
        let Some(entry) = strange else { return Ok(()) };
        let what = format!("{} is not a demo's folder: {} is in it", self.root.display(), entry.path().display());
        Err(CliError::new(what).next_step("name a new or empty folder with --dir"))
    }

    /// Everything but the bookings. The configuration comes last: a folder that has one is whole.
    async fn make(&self, clock: &Clock) -> Result<(), CliError> {
        for name in ["drive", "documents", "data"] {
            std::fs::create_dir_all(self.path(name)).context_and_step(
                format!("cannot make {}", self.path(name).display()),
                "name a folder that this user may write to with --dir",
            )?;
        }
        let config = self.render()?;
        let in_force = Config::from_text(&config, &self.root)?;
        self.make_drive(&in_force, clock).await?;
        self.make_token(&in_force, clock).await?;
        std::fs::write(self.path(CONFIG), config).context(format!("cannot write {}", self.path(CONFIG).display()))
    }

    fn render(&self) -> Result<String, CliError> {
        // A free port, so that the demo disturbs nothing; the server takes it again at once.
        let listen = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .context("no port is free on 127.0.0.1")?;
        // The demo shows what it can on any disk; its story says how the copies were read back.
        let cached = Drive::backing_of(&self.path(".")).is_ok_and(|below| below.reason().is_some());
        let config = Template::new()
            .set("site", SITE)
            .set("source.url", format!("http://{listen}"))
            .set("source.token_file", "backup.token")
            .set("drive.root", "drive")
            .set("drive.reserve", "64MiB")
            .set("server.listen", listen.to_string());
        let config = if cached { config.set("verify.require", "cached") } else { config };
        Ok(config.render())
    }

    async fn make_drive(&self, config: &Config, clock: &Clock) -> Result<(), CliError> {
        match Drive::init(&self.path("drive"), LABEL, clock.now()) {
            Ok(identity) => verb::drive::note_in(config, &identity, clock).await,
            Err(InitError::Already { .. }) => Ok(()),
            Err(InitError::Drive(error)) => Err(verb::drive::drive_error(&error)),
            Err(error) => Err(error.into()),
        }
    }

    async fn make_token(&self, config: &Config, clock: &Clock) -> Result<(), CliError> {
        let path = self.path("backup.token");
        if path.exists() {
            std::fs::remove_file(&path).context(format!("cannot write {} anew", path.display()))?;
        }
        let mut file = verb::server::token::new_file(&path)?;
        let store = Store::open(verb::server::database(config)?).await?;
        let (_, secret) = token::create(&store, "demo", &[Scope::Backup], clock).await?;
        store.close().await;
        verb::server::token::write(&mut file, &secret).context(format!("cannot write {}", path.display()))
    }
}

/// The demo's documents, opened as `strongroom server` opens them.
pub(crate) async fn documents(config: &Config, clock: &Clock) -> Result<Documents, CliError> {
    Ok(Documents::open(verb::server::settings(config)?, clock.clone()).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_of_somebody_elses_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("thesis.txt"), "x").unwrap();
        let error = Folder::open(folder.path(), &Clock::system()).await.unwrap_err();
        assert!(error.what.contains("thesis.txt"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn a_first_start_that_was_interrupted_is_begun_again() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("demo");
        let clock = Clock::system();
        Folder::open(&root, &clock).await.unwrap();
        std::fs::remove_file(root.join(CONFIG)).unwrap();
        let (again, is_old) = Folder::open(&root, &clock).await.unwrap();
        assert!(!is_old);
        let config = again.config(None).unwrap();
        assert!(config.source.secret().is_ok());
        assert!(Drive::look(config.drive.mounted_at().unwrap()).is_ok());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_token_is_its_owners_only() {
        use std::os::unix::fs::MetadataExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (demo, _) = Folder::open(&folder.path().join("demo"), &Clock::system()).await.unwrap();
        assert_eq!(std::fs::metadata(demo.path("backup.token")).unwrap().mode() & 0o777, 0o600);
    }
}
