//! The keys, derived from the sections' types.

use std::collections::BTreeSet;

use confique::Config as _;
use confique::meta::{Expr, Field, FieldKind, LeafKind, Meta};

use super::nearest::nearest;
use super::section::Config;
use super::value::ServiceKind;

/// Longer keys are not compared.
const MAX_COMPARED_BYTES: usize = 100;

#[derive(Debug, Clone)]
pub(super) struct Key {
    /// With its sections, such as `mail.smtp.port`.
    pub(super) path: String,
    pub(super) field: &'static Field,
}

impl Key {
    /// Such as `STRONGROOM_MAIL_SMTP_PORT`.
    pub(super) fn variable(&self) -> String {
        format!("STRONGROOM_{}", self.path.replace('.', "_").to_uppercase())
    }

    pub(super) fn default(&self) -> Option<&'static Expr> {
        match &self.field.kind {
            FieldKind::Leaf { kind: LeafKind::Required { default }, .. } => default.as_ref(),
            _ => None,
        }
    }

    pub(super) fn example(&self) -> Option<&'static str> {
        EXAMPLES.iter().find(|(path, _)| *path == self.path).map(|(_, example)| *example)
    }
}

/// A list of sections, which no single line can be an example of.
pub(super) const JOBS: &str = "job";

/// For keys without a default whose comment shows none.
const EXAMPLES: [(&str, &str); 5] = [
    ("log.url", ServiceKind::Database.example()),
    ("broker.url", ServiceKind::Broker.example()),
    ("server.database_url", "postgres://strongroom:password@127.0.0.1/strongroom_server"),
    ("health.listen", "127.0.0.1:9464"),
    ("telemetry.otlp_endpoint", "http://127.0.0.1:4318"),
];

pub(super) fn all() -> Vec<Key> {
    let mut keys = Vec::new();
    collect(&Config::META, "", &mut keys);
    keys
}

fn collect(meta: &'static Meta, section: &str, keys: &mut Vec<Key>) {
    for field in meta.fields {
        let path = if section.is_empty() { field.name.to_owned() } else { format!("{section}.{}", field.name) };
        match &field.kind {
            FieldKind::Leaf { .. } => keys.push(Key { path, field }),
            FieldKind::Nested { meta } => collect(meta, &path, keys),
        }
    }
}

pub(super) enum Named {
    Value,
    Section,
    Unknown,
}

pub(super) fn lookup(path: &str) -> Named {
    let mut meta = &Config::META;
    let mut parts = path.split('.').peekable();
    while let Some(part) = parts.next() {
        match meta.fields.iter().find(|field| field.name == part).map(|field| &field.kind) {
            Some(FieldKind::Nested { meta: inner }) => meta = inner,
            Some(FieldKind::Leaf { .. }) if parts.peek().is_none() => return Named::Value,
            _ => return Named::Unknown,
        }
    }
    Named::Section
}

/// Whether a key or a section ends with that name.
pub(super) fn is_last_part(name: &str) -> bool {
    all().iter().any(|key| key.path.split('.').any(|part| part == name))
}

/// The most similar key or section, by whole path or, for a wrong section, last part.
pub(super) fn nearest_to(path: &str) -> Option<String> {
    if path.len() > MAX_COMPARED_BYTES {
        return None;
    }
    let mut known: Vec<String> = all().into_iter().map(|key| key.path).collect();
    let sections: BTreeSet<&str> = known.iter().filter_map(|path| path.rsplit_once('.')).map(|(s, _)| s).collect();
    known.extend(sections.into_iter().map(str::to_owned).collect::<Vec<_>>());
    let word = |path: &'_ str| path.rsplit('.').next().map_or(0, |word| path.len() - word.len());
    let by_path = nearest(path, known.iter().map(String::as_str));
    let by_word = known
        .iter()
        .filter_map(|known| {
            nearest(&path[word(path)..], std::iter::once(&known[word(known)..])).map(|(d, _)| (d, &**known))
        })
        .min_by_key(|(distance, _)| *distance);
    match (by_path, by_word) {
        (Some(whole), Some(last)) if last.0 < whole.0 => Some(last.1),
        (whole, last) => whole.or(last).map(|(_, key)| key),
    }
    .map(str::to_owned)
}

pub(super) fn nearest_variable(name: &str) -> Option<String> {
    let variables: Vec<String> = all().iter().map(Key::variable).collect();
    nearest(name, variables.iter().map(String::as_str)).map(|(_, variable)| variable.to_owned())
}

/// Adds a correct line to a library's message, unless it has one.
pub(super) fn explain(path: &str, message: &str) -> String {
    let message = message.strip_prefix("validation failed: ").unwrap_or(message);
    if path == JOBS {
        let is_no_list = message.contains("expected a sequence");
        return if is_no_list {
            format!("{message}; a job is a section [[{JOBS}]], in two brackets")
        } else {
            message.to_owned()
        };
    }
    let key = all().into_iter().find(|key| key.path == path);
    let value = key.as_ref().and_then(|key| match (key.default(), key.example()) {
        (Some(default), _) => toml::Value::try_from(default).ok(),
        (None, example) => example.map(toml::Value::from),
    });
    match value {
        Some(value) if !message.contains("write ") => {
            let name = path.rsplit('.').next().unwrap_or(path);
            let value = if value == toml::Value::Array(Vec::new()) { "[\"…\"]".into() } else { value.to_string() };
            format!("{message}; write it such as {name} = {value}")
        }
        _ => message.to_owned(),
    }
}
