use std::ops::Range;
use std::path::Path;

use strongroom_model::text::printable;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ConfigLayer;
use crate::config::error::ConfigError;
use crate::config::keys::{self, Named};
use crate::config::text_file::{self, TextFileError};
use crate::config::value::MAX_SHOWN_CHARS;

/// The template has less than a tenth.
const MAX_FILE_BYTES: u64 = 256 * 1024;

pub(super) fn layer(path: &Path) -> Result<ConfigLayer, ConfigError> {
    let text = text_file::read(path, MAX_FILE_BYTES).map_err(|error| match error {
        TextFileError::TooLong => ConfigError::TooLong { path: path.to_owned(), most_bytes: MAX_FILE_BYTES },
        TextFileError::Unreadable(source) => ConfigError::Unreadable { path: path.to_owned(), source },
    })?;
    parse(&text, path)
}

/// `path` is only for messages.
pub(super) fn parse(text: &str, path: &Path) -> Result<ConfigLayer, ConfigError> {
    let document = Document { text, path };
    // The line itself is not shown: it may hold a secret.
    let table = DeTable::parse(text).map_err(|error| document.syntax(&error))?;
    document.check(table.get_ref(), "")?;
    toml::from_str(text).map_err(|error| {
        let key = error.span().and_then(|span| key_at(table.get_ref(), "", &span));
        let key = key.unwrap_or_else(|| "a value".to_owned());
        let message = keys::explain(&key, error.message());
        ConfigError::Value { place: document.place(error.span()), key, message }
    })
}

struct Document<'a> {
    text: &'a str,
    path: &'a Path,
}

impl Document<'_> {
    fn place(&self, span: Option<Range<usize>>) -> String {
        match span {
            Some(span) => format!("{}, line {}", self.path.display(), self.line(span.start)),
            None => self.path.display().to_string(),
        }
    }

    /// What is wrong with a text that is no TOML.
    fn syntax(&self, error: &toml::de::Error) -> ConfigError {
        let place = self.place(error.span());
        let name =
            error.span().and_then(|span| self.text.get(span)).map(|text| text.trim_matches(['[', ']', ' ', '"']));
        // Names of sections and keys are no secrets; what else stands there may be one.
        match name.filter(|name| error.message() == "duplicate key" && keys::is_last_part(name)) {
            Some(name) => ConfigError::Twice { place, name: name.to_owned() },
            None => ConfigError::Syntax { place, message: error.message().to_owned() },
        }
    }

    fn line(&self, at: usize) -> usize {
        let before = &self.text.as_bytes()[..at.min(self.text.len())];
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }

    /// Refuses unknown keys, and values in place of sections.
    fn check(&self, table: &DeTable<'_>, section: &str) -> Result<(), ConfigError> {
        for (name, value) in table {
            let key = join(section, name.get_ref());
            let place = || self.place(Some(name.span()));
            match (keys::lookup(&key), value.get_ref()) {
                (Named::Section, DeValue::Table(inner)) => self.check(inner, &key)?,
                (Named::Section, _) => {
                    let message = format!("it is a section: write [{key}] on a line of its own, and its keys below");
                    return Err(ConfigError::Value { place: place(), key, message });
                }
                (Named::Value, _) => {}
                (Named::Unknown, _) => {
                    let nearest = keys::nearest_to(&key);
                    let key = printable(&key, MAX_SHOWN_CHARS);
                    return Err(ConfigError::UnknownKey { place: place(), key, nearest });
                }
            }
        }
        Ok(())
    }
}

fn key_at(table: &DeTable<'_>, section: &str, span: &Range<usize>) -> Option<String> {
    let holds = |value: &Spanned<DeValue<'_>>| value.span().start <= span.start && span.end <= value.span().end;
    table.iter().find_map(|(name, value)| {
        let key = join(section, name.get_ref());
        match value.get_ref() {
            // A section's span is only its heading, so each is searched.
            DeValue::Table(inner) => key_at(inner, &key, span),
            // So is that of a section of which there may be several.
            DeValue::Array(items) if items.iter().any(|item| is_within(item, span)) => Some(key),
            _ => holds(value).then_some(key),
        }
    })
}

/// Whether a section among several has a value with that span.
fn is_within(item: &Spanned<DeValue<'_>>, span: &Range<usize>) -> bool {
    let holds = |part: &Range<usize>| part.start <= span.start && span.end <= part.end;
    let DeValue::Table(table) = item.get_ref() else { return false };
    table.iter().any(|(name, value)| holds(&name.span()) || holds(&value.span()) || is_within(value, span))
}

fn join(section: &str, name: &str) -> String {
    if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") }
}
