//! An object: its members are written as they come, and sorted at its end if they did not come so.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeStruct};

use super::{NotCanonical, Writer, write_text};

/// An object that is being written.
pub(super) struct Object<'a> {
    out: &'a mut String,
    /// Where its first member begins.
    start: usize,
    /// Each member's name, and where in `out` the member stands.
    members: Vec<(Cow<'static, str>, Range<usize>)>,
    /// Whether each member belongs behind the one before it.
    in_order: bool,
}

impl<'a> Object<'a> {
    pub(super) fn new(out: &'a mut String, members: usize) -> Self {
        out.push('{');
        Self { start: out.len(), out, members: Vec::with_capacity(members), in_order: true }
    }

    fn member<T: Serialize + ?Sized>(&mut self, name: Cow<'static, str>, value: &T) -> Result<(), NotCanonical> {
        if let Some((before, _)) = self.members.last() {
            self.in_order &= order(before, &name).is_lt();
            self.out.push(',');
        }
        let start = self.out.len();
        write_text(self.out, &name);
        self.out.push(':');
        value.serialize(Writer { out: self.out })?;
        self.members.push((name, start..self.out.len()));
        Ok(())
    }

    fn finish(mut self) {
        if !self.in_order {
            self.sort();
        }
        self.out.push('}');
    }

    fn sort(&mut self) {
        self.members.sort_by(|(left, _), (right, _)| order(left, right));
        let written = self.out.split_off(self.start);
        for (index, (_, range)) in self.members.iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            self.out.push_str(&written[range.start - self.start..range.end - self.start]);
        }
    }
}

/// By the UTF-16 code units of the names (RFC 8785, section 3.2.3).
fn order(left: &str, right: &str) -> Ordering {
    left.encode_utf16().cmp(right.encode_utf16())
}

impl SerializeStruct for Object<'_> {
    type Ok = ();
    type Error = NotCanonical;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), NotCanonical> {
        self.member(Cow::Borrowed(name), value)
    }

    fn end(self) -> Result<(), NotCanonical> {
        self.finish();
        Ok(())
    }
}

impl SerializeMap for Object<'_> {
    type Ok = ();
    type Error = NotCanonical;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<(), NotCanonical> {
        Err(NotCanonical("a member's name apart from its value".to_owned()))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<(), NotCanonical> {
        Err(NotCanonical("a member's value apart from its name".to_owned()))
    }

    fn serialize_entry<K: Serialize + ?Sized, V: Serialize + ?Sized>(
        &mut self,
        name: &K,
        value: &V,
    ) -> Result<(), NotCanonical> {
        let mut text = String::new();
        name.serialize(Writer { out: &mut text })?;
        // A name that is a text is one as JSON, too: what came out tells which it was.
        let name: String =
            serde_json::from_str(&text).map_err(|_| NotCanonical("a member whose name is no text".to_owned()))?;
        self.member(Cow::Owned(name), value)
    }

    fn end(self) -> Result<(), NotCanonical> {
        self.finish();
        Ok(())
    }
}
