//! Splits JSON into members or elements without parsing them, so that an unreadable one (invalid UTF-8, half a
//! surrogate pair, a huge number) does not affect the others. No allocation, no recursion.

use std::fmt;

/// Why JSON cannot be split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed {
    what: &'static str,
    at: usize,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.what, self.at)
    }
}

/// A list's element, or an object's member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part<'a> {
    /// With its quotes; empty in a list.
    pub(crate) key: &'a [u8],
    pub(crate) value: &'a [u8],
}

impl Part<'_> {
    /// Compares its key, which may contain escapes.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        let quoted = self.key.get(1..self.key.len().saturating_sub(1)).unwrap_or_default();
        quoted == name.as_bytes()
            || (quoted.contains(&b'\\') && serde_json::from_slice::<String>(self.key).is_ok_and(|key| key == name))
    }
}

pub(crate) fn members(json: &[u8]) -> SplitJson<'_> {
    SplitJson::new(json, b'{', b'}')
}

pub(crate) fn elements(json: &[u8]) -> SplitJson<'_> {
    SplitJson::new(json, b'[', b']')
}

/// Ends after the first error.
#[derive(Debug)]
pub(crate) struct SplitJson<'a> {
    json: &'a [u8],
    at: usize,
    open: u8,
    close: u8,
    state: SplitState,
}

#[derive(Debug, PartialEq, Eq)]
enum SplitState {
    Start,
    AfterPart,
    Over,
}

impl<'a> SplitJson<'a> {
    const fn new(json: &'a [u8], open: u8, close: u8) -> Self {
        Self { json, at: 0, open, close, state: SplitState::Start }
    }

    const fn malformed(&self, what: &'static str) -> Malformed {
        Malformed { what, at: self.at }
    }

    fn peek(&mut self) -> Option<u8> {
        while self.json.get(self.at).is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
        self.json.get(self.at).copied()
    }

    fn step(&mut self) -> Result<Option<Part<'a>>, Malformed> {
        let is_first = self.state == SplitState::Start;
        if is_first {
            if self.peek() != Some(self.open) {
                return Err(self.malformed(if self.open == b'{' { "it is not an object" } else { "it is not a list" }));
            }
            self.at += 1;
        }
        match self.peek() {
            Some(byte) if byte == self.close => {
                self.at += 1;
                return if self.peek().is_none() { Ok(None) } else { Err(self.malformed("something follows its end")) };
            }
            Some(b',') if !is_first => self.at += 1,
            Some(_) if is_first => {}
            Some(_) => return Err(self.malformed("a comma is missing")),
            None => return Err(self.malformed("it ends too early")),
        }
        self.part().map(Some)
    }

    fn part(&mut self) -> Result<Part<'a>, Malformed> {
        let mut key: &[u8] = &[];
        if self.open == b'{' {
            if self.peek() != Some(b'"') {
                return Err(self.malformed("a name in quotes is missing"));
            }
            key = self.text()?;
            if self.peek() != Some(b':') {
                return Err(self.malformed("a colon is missing"));
            }
            self.at += 1;
        }
        self.peek();
        Ok(Part { key, value: self.value()? })
    }

    /// Ends at a comma or bracket outside the value.
    fn value(&mut self) -> Result<&'a [u8], Malformed> {
        let (from, mut depth) = (self.at, 0_u32);
        loop {
            match self.json.get(self.at) {
                None => return Err(self.malformed("it ends too early")),
                Some(b'"') => {
                    self.text()?;
                    continue;
                }
                Some(b'{' | b'[') => depth += 1,
                Some(b',') if depth == 0 => break,
                Some(b'}' | b']') if depth == 0 => break,
                Some(b'}' | b']') => depth -= 1,
                Some(_) => {}
            }
            self.at += 1;
        }
        let value = self.json[from..self.at].trim_ascii_end();
        if value.is_empty() { Err(self.malformed("a value is missing")) } else { Ok(value) }
    }

    /// Only escapes and the closing quote matter.
    fn text(&mut self) -> Result<&'a [u8], Malformed> {
        let from = self.at;
        self.at += 1;
        loop {
            match self.json.get(self.at) {
                None => return Err(self.malformed("a text has no end")),
                Some(b'"') => break,
                Some(b'\\') => self.at += 2,
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        Ok(&self.json[from..self.at])
    }
}

impl<'a> Iterator for SplitJson<'a> {
    type Item = Result<Part<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.state == SplitState::Over {
            return None;
        }
        let step = self.step();
        self.state = if matches!(step, Ok(Some(_))) { SplitState::AfterPart } else { SplitState::Over };
        step.transpose()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn values(parts: SplitJson<'_>) -> Result<Vec<String>, Malformed> {
        parts.map(|part| Ok(String::from_utf8_lossy(part?.value).into_owned())).collect()
    }

    #[test]
    fn parts_are_cut_without_being_read() {
        assert_eq!(values(elements(b"[ ]")).unwrap(), Vec::<String>::new());
        let list = b" [1, \"a,]\\\"b\" ,{\"x\":[1,{}]}, \"\\ud83d\", 1e999 ] ";
        assert_eq!(values(elements(list)).unwrap(), ["1", "\"a,]\\\"b\"", "{\"x\":[1,{}]}", "\"\\ud83d\"", "1e999"]);
        let members: Vec<_> = members(br#"{"id":"B-1", "\u0069d" : 2}"#).map(Result::unwrap).collect();
        assert!(members.iter().all(|member| member.is_named("id")) && members.len() == 2);
    }

    #[test]
    fn what_has_no_parts_says_where() {
        for (json, what) in [
            (&b"<html>"[..], "not a list at byte 0"),
            (b"", "not a list at byte 0"),
            (b"[1", "too early at byte 2"),
            (b"[1,", "too early at byte 3"),
            (b"[1 2, 3] x", "follows its end at byte 9"),
            (b"[,]", "a value is missing"),
            (b"[1,]", "a value is missing"),
            (b"[\"a]", "no end"),
            (b"[\"a\\", "no end"),
        ] {
            let error = values(elements(json)).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        }
    }

    proptest! {
        /// What a JSON library finds in well-formed JSON is found, part by part.
        #[test]
        fn well_formed_json_has_the_parts_that_a_library_finds(texts in proptest::collection::vec(".*", 0..6)) {
            let list: Vec<Value> = texts.iter().map(|text| serde_json::json!({text: [text, {"": text}]})).collect();
            let json = serde_json::to_vec_pretty(&list).unwrap();
            let parts: Vec<Value> =
                elements(&json).map(|part| serde_json::from_slice(part.unwrap().value).unwrap()).collect();
            prop_assert_eq!(parts, list);
        }

        #[test]
        fn no_bytes_break_it(bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'"'), Just(b','), Just(b'[')], 0..200)) {
            let _ = values(elements(&bytes));
            let _ = values(members(&bytes));
        }
    }
}
