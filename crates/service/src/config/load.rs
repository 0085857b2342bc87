mod file;
mod text;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use confique::{Config as _, Layer};

use super::error::ConfigError;
use super::section::Config;

/// The file's name in the working folder.
pub const FILE_NAME: &str = "strongroom.toml";
const SYSTEM_FILE: &str = "/etc/strongroom/strongroom.toml";

type ConfigLayer = <Config as confique::Config>::Layer;

/// A configuration's inputs, as plain values.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The named file; otherwise the first of `search` that exists.
    pub file: Option<PathBuf>,
    /// Where files are searched, in order.
    pub search: Vec<PathBuf>,
    /// Those that begin with `STRONGROOM_`.
    pub environment: BTreeMap<String, String>,
    /// What `~/` stands for.
    pub home: Option<PathBuf>,
    /// Keys set by flags, such as (`schedule.every`, `1m`); later ones win.
    pub flags: Vec<(String, String)>,
}

impl Sources {
    /// This process's inputs, with the file that a flag names.
    pub fn of_process(file: Option<&Path>) -> Self {
        Self {
            file: file.map(Path::to_owned),
            search: vec![PathBuf::from(".").join(FILE_NAME), PathBuf::from(SYSTEM_FILE)],
            // Variables that are not UTF-8 are not ours.
            environment: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .filter(|(name, _)| name.starts_with(text::PREFIX))
                .collect(),
            home: std::env::home_dir().filter(|home| home.is_absolute()),
            flags: Vec::new(),
        }
    }

    /// Adds a key set by a flag.
    #[must_use]
    pub fn with_flag(mut self, key: &str, value: impl Into<String>) -> Self {
        self.flags.push((key.to_owned(), value.into()));
        self
    }

    /// The file to load.
    pub fn find(&self) -> Result<PathBuf, ConfigError> {
        let named = self.file.as_ref();
        let found = named.or_else(|| self.search.iter().find(|path| path.exists()));
        found.cloned().ok_or_else(|| ConfigError::NoneFound(self.search.clone()))
    }
}

impl Config {
    /// Loads `file`, or `./strongroom.toml`, or `/etc/strongroom/strongroom.toml`.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        Self::load_from(&Sources::of_process(file))
    }

    /// Loads a configuration.
    pub fn load_from(sources: &Sources) -> Result<Self, ConfigError> {
        let path = sources.find()?;
        let from_file = file::layer(&path)?;
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Self::assemble(from_file, sources, folder)
    }

    /// Parses `text` as a file in `folder`, without environment and flags.
    pub fn from_text(text: &str, folder: &Path) -> Result<Self, ConfigError> {
        let from_text = file::parse(text, &folder.join(FILE_NAME))?;
        Self::assemble(from_text, &Sources::default(), folder)
    }

    fn assemble(from_file: ConfigLayer, sources: &Sources, folder: &Path) -> Result<Self, ConfigError> {
        let flags = text::flags(&sources.flags)?;
        let environment = over(&flags, text::environment(&sources.environment)?);
        let upper = flags.with_fallback(environment);
        let from_file = over(&upper, from_file);
        let layer = upper.with_fallback(from_file).with_fallback(ConfigLayer::default_values());
        let mut config = Self::from_layer(layer).expect("every key that is not optional has a default");
        config.resolve_paths(folder, sources.home.as_deref())?;
        config.check_jobs()?;
        Ok(config)
    }
}

/// A secret in the upper layer replaces the lower one's file of it, and the reverse.
fn over(upper: &ConfigLayer, mut lower: ConfigLayer) -> ConfigLayer {
    macro_rules! either {
        ($($section:ident).+: $secret:ident, $file:ident) => {
            if upper.$($section).+.$secret.is_some() {
                lower.$($section).+.$file = None;
            }
            if upper.$($section).+.$file.is_some() {
                lower.$($section).+.$secret = None;
            }
        };
    }
    either!(log: url, url_file);
    either!(broker: url, url_file);
    either!(source: token, token_file);
    either!(mail.smtp: password, password_file);
    either!(server: database_url, database_url_file);
    lower
}
