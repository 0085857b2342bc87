//! The canonical form of JSON (RFC 8785) for what an event is made of, written in one pass.
//!
//! It knows what events hold: objects, lists, texts, whole numbers, truth values. A
//! fraction is refused, so that no rounding is ever part of what is hashed. Rendering stands
//! between an append and its commit, while every other writer of the site waits, and a
//! general library takes five times as long (`crates/model/benches/render.rs`).

mod object;

use std::fmt::Display;

use serde::Serialize;
use serde::ser::{Impossible, SerializeSeq, SerializeTuple, Serializer};

use self::object::Object;

/// The greatest integer that every reader of JSON keeps (RFC 7493, section 2.2).
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// `value` in canonical form. An integer beyond what every reader keeps is written as the
/// nearest that they do.
///
/// # Errors
/// The value holds what events do not: a fraction, bytes, a member's name that is no text.
pub(crate) fn to_string(value: &impl Serialize, length_hint: usize) -> Result<String, NotCanonical> {
    let mut out = String::with_capacity(length_hint);
    value.serialize(Writer { out: &mut out })?;
    Ok(out)
}

/// A value that events do not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no event can hold it: {0}")]
pub(crate) struct NotCanonical(String);

impl serde::ser::Error for NotCanonical {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

fn refuse<T>(what: &str) -> Result<T, NotCanonical> {
    Err(NotCanonical(what.to_owned()))
}

/// Writes one value at the end of `out`.
struct Writer<'a> {
    out: &'a mut String,
}

impl Writer<'_> {
    fn number(self, number: impl Display) {
        use std::fmt::Write as _;
        // A String takes whatever is written.
        let _ = write!(self.out, "{number}");
    }
}

/// A text between quotation marks: only what must be escaped is (RFC 8785, section 3.2.2.2).
fn write_text(out: &mut String, text: &str) {
    out.push('"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        let short = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            0x08 => "\\b",
            b'\t' => "\\t",
            b'\n' => "\\n",
            0x0c => "\\f",
            b'\r' => "\\r",
            0..=0x1f => "",
            _ => continue,
        };
        out.push_str(&text[plain..at]);
        plain = at + 1;
        if short.is_empty() {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            out.push_str("\\u00");
            out.push(HEX[usize::from(byte >> 4)].into());
            out.push(HEX[usize::from(byte & 0xf)].into());
        } else {
            out.push_str(short);
        }
    }
    out.push_str(&text[plain..]);
    out.push('"');
}

/// A list that is being written.
struct List<'a> {
    out: &'a mut String,
    empty: bool,
}

impl List<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), NotCanonical> {
        if !std::mem::take(&mut self.empty) {
            self.out.push(',');
        }
        item.serialize(Writer { out: self.out })
    }
}

impl SerializeSeq for List<'_> {
    type Ok = ();
    type Error = NotCanonical;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), NotCanonical> {
        self.item(item)
    }

    fn end(self) -> Result<(), NotCanonical> {
        self.out.push(']');
        Ok(())
    }
}

impl SerializeTuple for List<'_> {
    type Ok = ();
    type Error = NotCanonical;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), NotCanonical> {
        self.item(item)
    }

    fn end(self) -> Result<(), NotCanonical> {
        SerializeSeq::end(self)
    }
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = NotCanonical;
    type SerializeSeq = List<'a>;
    type SerializeTuple = List<'a>;
    type SerializeTupleStruct = Impossible<(), NotCanonical>;
    type SerializeTupleVariant = Impossible<(), NotCanonical>;
    type SerializeMap = Object<'a>;
    type SerializeStruct = Object<'a>;
    type SerializeStructVariant = Impossible<(), NotCanonical>;

    fn serialize_bool(self, value: bool) -> Result<(), NotCanonical> {
        self.out.push_str(if value { "true" } else { "false" });
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<(), NotCanonical> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), NotCanonical> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), NotCanonical> {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<(), NotCanonical> {
        const MOST: i64 = MAX_INTEGER as i64;
        self.number(value.clamp(-MOST, MOST));
        Ok(())
    }

    fn serialize_u8(self, value: u8) -> Result<(), NotCanonical> {
        self.serialize_u64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), NotCanonical> {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), NotCanonical> {
        self.serialize_u64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), NotCanonical> {
        self.number(value.min(MAX_INTEGER));
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), NotCanonical> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, _: f64) -> Result<(), NotCanonical> {
        refuse("a fraction")
    }

    fn serialize_char(self, value: char) -> Result<(), NotCanonical> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), NotCanonical> {
        write_text(self.out, value);
        Ok(())
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), NotCanonical> {
        refuse("bytes")
    }

    fn serialize_none(self) -> Result<(), NotCanonical> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NotCanonical> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), NotCanonical> {
        self.out.push_str("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), NotCanonical> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), NotCanonical> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), NotCanonical> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), NotCanonical> {
        refuse("a variant with a value")
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List<'a>, NotCanonical> {
        self.out.push('[');
        Ok(List { out: self.out, empty: true })
    }

    fn serialize_tuple(self, length: usize) -> Result<List<'a>, NotCanonical> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, NotCanonical> {
        refuse("a struct without names")
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, NotCanonical> {
        refuse("a variant with values")
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Object<'a>, NotCanonical> {
        Ok(Object::new(self.out, length.unwrap_or_default()))
    }

    fn serialize_struct(self, _: &'static str, length: usize) -> Result<Object<'a>, NotCanonical> {
        Ok(Object::new(self.out, length))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, NotCanonical> {
        refuse("a variant with values")
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), NotCanonical> {
        self.serialize_str(&value.to_string())
    }
}

#[cfg(test)]
mod tests;
