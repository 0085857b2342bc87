//! What can be wrong with a configuration.

use std::io;
use std::path::PathBuf;

/// What is wrong, where, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No file was named, and there is none where one is looked for.
    #[error("there is no configuration: looked for {}; write one with `strongroom config init`, or name one with --config", listed(.0))]
    NoneFound(Vec<PathBuf>),
    /// The file cannot be read.
    #[error("cannot read the configuration {path}: check that it exists and that this user may read it", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The file is too long to be a configuration.
    #[error("the configuration {path} is longer than {most_bytes} bytes: is it the right file?", path = path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// How long it may be.
        most_bytes: u64,
    },
    /// The file is not TOML.
    #[error("{place}: it is not TOML ({message}); compare the line with what `strongroom config template` prints")]
    Syntax {
        /// The file and line.
        place: String,
        /// What the parser found.
        message: String,
    },
    /// A key that does not exist.
    #[error("{place}: there is no {key}{}", hint(.nearest.as_deref()))]
    UnknownKey {
        /// The file and line, or the variable.
        place: String,
        /// The key as it was written, with its sections.
        key: String,
        /// The known key that it is most like.
        nearest: Option<String>,
    },
    /// A value that the key cannot take.
    #[error("{place}: {key}: {message}")]
    Value {
        /// The file and line, or the variable.
        place: String,
        /// The key, with its sections.
        key: String,
        /// What was found and what is wanted.
        message: String,
    },
    /// A value that is needed now is set nowhere.
    #[error("{key} is not set: {purpose}; set {example}")]
    Missing {
        /// The key, with its sections.
        key: &'static str,
        /// What it is for.
        purpose: &'static str,
        /// A line to write.
        example: &'static str,
    },
    /// Two keys exclude each other.
    #[error("{first} and {second} are both set; {advice}")]
    Contradiction {
        /// The one key.
        first: &'static str,
        /// The other key.
        second: &'static str,
        /// What to do.
        advice: String,
    },
    /// A secret stands both in the configuration (or the environment) and in a file.
    #[error("{key} is set, and so is {key}_file ({path}): take away one of them", path = path.display())]
    TwoSecrets {
        /// The secret's key.
        key: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// A secret's file cannot be read.
    #[error("cannot read {path}, which {key}_file names: check that it exists and that this user may read it", path = path.display())]
    SecretFile {
        /// The secret's key.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A secret's file holds no secret.
    #[error("{path}, which {key}_file names, must hold the secret on one line and nothing else", path = path.display())]
    SecretShape {
        /// The secret's key.
        key: &'static str,
        /// The file.
        path: PathBuf,
    },
}

fn listed(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" and ")
}

fn hint(nearest: Option<&str>) -> String {
    match nearest {
        Some(key) => format!("; did you mean {key}?"),
        None => "; `strongroom config template` prints all that are".to_owned(),
    }
}
