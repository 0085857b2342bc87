//! The file with the site's private key, which signs the log's checkpoints. It is never in the database.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use strongroom_files::within::{create_in, remove_in, rename_in, replace_in};
use strongroom_files::{Beneath, Creation, Policy, sync};
use strongroom_model::SiteId;
use strongroom_proof::{Checkpoint, KeyName, SigningKey};
use strongroom_service::private::is_exposed;
use strongroom_service::{Config, kill_point};

use crate::cli_error::{CliError, ErrorContext as _};

/// Only its owner reads it.
const MODE: u32 = 0o600;
const MAX_BYTES: u64 = 1024;
const SEED_BYTES: usize = 32;

/// Where the site's private key is, or would be.
#[derive(Debug, Clone)]
pub(crate) struct KeyFile {
    path: PathBuf,
    name: KeyName,
}

impl KeyFile {
    pub(crate) fn of(config: &Config) -> Self {
        Self { path: config.key_path(), name: key_name(&config.site) }
    }

    /// Where a new key waits until the log says that it is the site's.
    pub(crate) fn next(&self) -> Self {
        self.beside("next")
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The key; `None` if there is no file.
    pub(crate) fn read(&self) -> Result<Option<SigningKey>, CliError> {
        let what = || format!("the site's key {} cannot be used", self.path.display());
        let file = match self.open() {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(CliError::new(what())
                    .because(&error)
                    .next_step("log.key_file names the file with the key"));
            }
        };
        if is_exposed(&file).context(what())? {
            return Err(CliError::new(format!("{}: others can read it, or it is another user's", what())).next_step(
                format!("chmod 600 {}; if somebody may have read it: strongroom key rotate", self.path.display()),
            ));
        }
        let mut text = String::new();
        file.take(MAX_BYTES).read_to_string(&mut text).context(what())?;
        let key = SigningKey::from_secret(&text).context_and_step(what(), "put the file back from your copy of it")?;
        if *key.public().name() == self.name {
            return Ok(Some(key));
        }
        Err(CliError::new(format!("{}: it is the key {}, of another site", what(), key.public().name()))
            .next_step("log.key_file must name a file of this site alone"))
    }

    /// As other files with secrets: a link may lead to it, as in a container. A pipe is not waited for.
    fn open(&self) -> io::Result<std::fs::File> {
        if !std::fs::metadata(&self.path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a plain file"));
        }
        std::fs::File::open(&self.path)
    }

    /// Writes a key if none is there, and returns the one that is there then: of two processes that make one at the
    /// same time, both go on with the same.
    ///
    /// If we stop before the rename, there is no key, and a temporary file that the next process with this number
    /// removes; after it the key is there, whole.
    pub(crate) fn create(&self, key: &SigningKey) -> Result<SigningKey, CliError> {
        let what = || format!("the key {} could not be written", self.path.display());
        match self.write(key) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                let step = "log.key_file must name a file in a folder that this user may write to";
                Err(CliError::new(what()).because(&error).next_step(step))
            }
            _ => self.read()?.ok_or_else(|| CliError::new(format!("{}: it was removed again", what()))),
        }
    }

    fn write(&self, key: &SigningKey) -> io::Result<()> {
        let (place, name) = self.place()?;
        let folder = place.folder("")?;
        let new = format!("{name}.{}.new", std::process::id());
        remove_in(&folder, &new)?;
        let mut file = create_in(&folder, &new, Creation::New, MODE)?;
        file.write_all(key.to_secret().as_bytes())?;
        sync::sync_file(&file)?;
        kill_point!("key.before-rename");
        let renamed = rename_in(&folder, &new, &folder, name);
        if renamed.is_err() {
            remove_in(&folder, &new)?;
        }
        renamed?;
        sync::sync_folder(&folder)
    }

    /// Puts the key of [`KeyFile::next`] in the place of this one, which is kept as [`KeyFile::previous`]: a log that is
    /// restored from before the change knows only that.
    ///
    /// If we stop between the two, the old key is there twice, and the same call ends it.
    pub(crate) fn replace_by_next(&self, old: &SigningKey) -> Result<(), CliError> {
        let replaced = self.place().and_then(|(place, name)| {
            let folder = place.folder("")?;
            remove_in(&folder, format!("{name}.previous"))?;
            self.beside("previous").write(old)?;
            kill_point!("key.previous-kept");
            replace_in(&folder, format!("{name}.next"), name)?;
            sync::sync_folder(&folder)
        });
        replaced.context(format!("the new key could not take the place of {}", self.path.display()))
    }

    /// The key that this one replaced.
    pub(crate) fn previous(&self) -> Self {
        self.beside("previous")
    }

    fn beside(&self, extension: &str) -> Self {
        let mut path = self.path.clone().into_os_string();
        path.push(".");
        path.push(extension);
        Self { path: path.into(), name: self.name.clone() }
    }

    /// Its folder, and its name there.
    fn place(&self) -> io::Result<(Beneath, &str)> {
        let policy = Policy { one_file_system: true, file_mode: MODE, folder_mode: 0o700 };
        let folder = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let name = self.path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it does not name a file"))?;
        Ok((Beneath::open(folder.unwrap_or(Path::new(".")), policy)?, name))
    }
}

/// The name of the site's key: the origin of its checkpoints.
fn key_name(site: &SiteId) -> KeyName {
    Checkpoint::origin(site).parse().expect("a site's name has neither spaces nor plus signs")
}

/// A new key with random bits.
pub(crate) fn generate(site: &SiteId) -> Result<SigningKey, CliError> {
    let mut seed = [0; SEED_BYTES];
    getrandom::fill(&mut seed).map_err(|error| CliError::new(format!("the system gives no random bits: {error}")))?;
    Ok(SigningKey::from_seed(key_name(site), seed))
}
