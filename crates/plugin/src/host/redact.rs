//! Takes secrets out of what a plugin prints.

mod forms;

use std::borrow::Cow;
use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, MatchKind};
use serde_json::Value;

use crate::protocol::Secret;

/// What stands in a secret's place.
const REDACTED: &str = "[redacted]";
/// A shorter secret would be found in every other word.
pub const MIN_SECRET_BYTES: usize = 4;

/// Takes secrets out of bytes, texts and JSON: the values themselves, in base64 and base64url at each of the three
/// alignments, percent-encoded, as a form's field, in hex, and escaped as in JSON; of values with several lines, each
/// line of [`MIN_LINE_BYTES`](forms::MIN_LINE_BYTES) and more as well.
///
/// Not found: a form that is broken over several lines, encrypted or compressed, or spelt in other ways.
#[derive(Debug, Clone, Default)]
pub(crate) struct Redactor {
    forms: Vec<Vec<u8>>,
    finder: Option<AhoCorasick>,
}

/// Secrets that cannot be taken out again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unredactable {
    /// The secret's name.
    pub(crate) name: String,
}

impl Redactor {
    pub(crate) fn new(secrets: &BTreeMap<String, Secret>) -> Result<Self, Unredactable> {
        let mut forms = Vec::new();
        for (name, secret) in secrets {
            let unredactable = || Unredactable { name: name.clone() };
            // A secret from a file often has a line feed, which programs take off.
            let (whole, trimmed) = (secret.reveal(), secret.reveal().trim());
            if trimmed.len() < MIN_SECRET_BYTES {
                return Err(unredactable());
            }
            forms::add(trimmed, &mut forms);
            if whole != trimmed {
                forms::add(whole, &mut forms);
            }
        }
        forms.sort();
        forms.dedup();
        let build = || AhoCorasick::builder().match_kind(MatchKind::Standard).build(&forms);
        // The only error is too many patterns: some 2^31.
        let finder = if forms.is_empty() { None } else { build().ok() };
        Ok(Self { forms, finder })
    }

    /// With secrets taken out. Overlapping ones go together, so that no rest of either is left.
    pub(crate) fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let Some(finder) = &self.finder else { return Cow::Borrowed(bytes) };
        let mut found: Vec<(usize, usize)> =
            finder.find_overlapping_iter(bytes).map(|found| (found.start(), found.end())).collect();
        if found.is_empty() {
            return Cow::Borrowed(bytes);
        }
        found.sort_unstable();
        let mut out = Vec::with_capacity(bytes.len());
        let mut done = 0;
        let mut is_first = true;
        for (start, end) in found {
            if is_first || start >= done {
                out.extend_from_slice(&bytes[done..start]);
                out.extend_from_slice(REDACTED.as_bytes());
            }
            is_first = false;
            done = done.max(end);
        }
        out.extend_from_slice(&bytes[done..]);
        Cow::Owned(out)
    }

    /// With secrets taken out.
    pub(super) fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }

    /// With secrets taken out of every string and key.
    pub(super) fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Cow::Owned(redacted) = self.text(text) {
                    *text = redacted;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(object) => {
                let fields = std::mem::take(object);
                for (key, mut field) in fields {
                    self.value(&mut field);
                    object.insert(self.text(&key).into_owned(), field);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Drops the end of a line that was cut, if a secret may begin there.
    pub(super) fn cut(&self, line: &mut Vec<u8>) {
        let begins = |form: &&Vec<u8>| (1..form.len()).rev().find(|len| line.ends_with(&form[..*len]));
        if let Some(longest) = self.forms.iter().filter_map(|form| begins(&form)).max() {
            line.truncate(line.len() - longest);
        }
    }
}

#[cfg(test)]
mod tests;
