use std::io;
use std::path::PathBuf;

/// What is wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No file was named or found.
    #[error("there is no configuration: looked for {}; write one with `strongroom config init`, or name one with --config", listed(.0))]
    NoneFound(Vec<PathBuf>),
    /// The file cannot be read.
    #[error("cannot read the configuration {path}: check that it exists and that this user may read it", path = path.display())]
    Unreadable {
        /// Its path.
        path: PathBuf,
        /// The operating system's error.
        #[source]
        source: io::Error,
    },
    /// The file is too long.
    #[error("the configuration {path} is longer than {most_bytes} bytes: is it the right file?", path = path.display())]
    TooLong {
        /// Its path.
        path: PathBuf,
        /// The limit.
        most_bytes: u64,
    },
    /// The file is not TOML.
    #[error("{place}: it is not TOML ({message}); compare the line with what `strongroom config template` prints")]
    Syntax {
        /// File and line.
        place: String,
        /// The parser's message.
        message: String,
    },
    /// A key or a section is there twice.
    #[error("{place}: {name} is there twice; put what belongs to it in one place")]
    Twice {
        /// File and line.
        place: String,
        /// Its last part.
        name: String,
    },
    /// The key does not exist.
    #[error("{place}: there is no {key}{}", hint(.nearest.as_deref()))]
    UnknownKey {
        /// File and line, or variable.
        place: String,
        /// As written, with its sections.
        key: String,
        /// The most similar key.
        nearest: Option<String>,
    },
    /// The key does not take this value.
    #[error("{place}: {key}: {message}")]
    Value {
        /// File and line, or variable.
        place: String,
        /// The key, with its sections.
        key: String,
        /// Found and expected.
        message: String,
    },
    /// A required value is missing.
    #[error("{key} is not set: {purpose}; set {example}")]
    Missing {
        /// The key, with its sections.
        key: &'static str,
        /// Its purpose.
        purpose: &'static str,
        /// A line to write.
        example: &'static str,
    },
    /// Two keys exclude each other.
    #[error("{first} and {second} are both set; {advice}")]
    Contradiction {
        /// One key.
        first: &'static str,
        /// The other.
        second: &'static str,
        /// What to do.
        advice: String,
    },
    /// A secret is given both directly and in a file.
    #[error("{key} is set, and so is {key}_file ({path}): take away one of them", path = path.display())]
    TwoSecrets {
        /// Its key.
        key: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// A secret's file cannot be read.
    #[error("cannot read {path}, which {key}_file names: check that it exists and that this user may read it", path = path.display())]
    SecretFile {
        /// Its key.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        #[source]
        source: io::Error,
    },
    /// A secret's file holds no secret.
    #[error("{path}, which {key}_file names, must hold the secret on one line and nothing else", path = path.display())]
    SecretShape {
        /// Its key.
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
