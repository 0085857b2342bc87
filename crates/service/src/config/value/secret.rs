use std::fmt;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::config::ConfigError;
use crate::config::text_file::{self, TextFileError};

/// A token or password, not a key ring.
const MAX_FILE_BYTES: u64 = 4096;

const REDACTED: &str = "(secret)";

/// A token or a password. Printing, logging or serialising it shows `(secret)`.
#[derive(Clone, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the call that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The secret, given directly or in a file.
    pub(crate) fn choose(
        key: &'static str,
        inline: Option<&Self>,
        file: Option<&Path>,
    ) -> Result<Option<Self>, ConfigError> {
        match (inline, file) {
            (Some(secret), None) => Ok(Some(secret.clone())),
            (None, Some(path)) => read(key, path).map(Some),
            (None, None) => Ok(None),
            (Some(_), Some(path)) => Err(ConfigError::TwoSecrets { key, path: path.to_owned() }),
        }
    }
}

fn read(key: &'static str, path: &Path) -> Result<Secret, ConfigError> {
    let text = text_file::read(path, MAX_FILE_BYTES).map_err(|error| match error {
        TextFileError::TooLong => ConfigError::SecretShape { key, path: path.to_owned() },
        TextFileError::Unreadable(source) => ConfigError::SecretFile { key, path: path.to_owned(), source },
    })?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() || secret.contains(char::is_control) {
        return Err(ConfigError::SecretShape { key, path: path.to_owned() });
    }
    Ok(Secret(secret.to_owned()))
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(REDACTED)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // serde's own message would repeat what is not text.
        String::deserialize(deserializer)
            .map(Self)
            .map_err(|_| serde::de::Error::custom("a secret is a text in quotes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_shown() {
        let secret = Secret::new("hunter2");
        let shown = format!("{secret} {secret:?} {:?}", toml::Value::try_from(&secret).unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
        assert_eq!(secret.reveal(), "hunter2");
    }

    #[test]
    fn a_secrets_file_ends_with_at_most_a_newline() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        for (content, good) in [
            ("abc\r\n", true),
            ("abc", true),
            ("\u{feff}abc", true),
            ("a\0b\0c\0", false),
            ("", false),
            ("\n", false),
            ("a\nb", false),
        ] {
            std::fs::write(&path, content).unwrap();
            let secret = Secret::choose("source.token", None, Some(&path));
            assert_eq!(secret.ok(), good.then(|| Some(Secret::new("abc"))), "{content:?}");
        }
    }
}
