//! RFC 8785's canonical JSON for events. A general library, which tests compare with, sorts a tree of values and takes
//! several times as long (`crates/model/benches/render.rs`), between an append and its commit.
//!
//! `serde_json` escapes as section 3.2.2.2 requires; members are declared in order, integers stay within RFC 7493's
//! range, and fractions are refused, so that no rounding is hashed.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CompactFormatter, Formatter};

/// The greatest portable integer (RFC 7493, section 2.2).
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// `value` in canonical form, if its members are declared in order; greater integers become [`MAX_INTEGER`].
///
/// # Errors
/// The value holds a fraction, or a name that is not a text.
pub(crate) fn to_string(value: &impl Serialize, length_hint: usize) -> serde_json::Result<String> {
    let mut out = Vec::with_capacity(length_hint);
    value.serialize(&mut Serializer::with_formatter(&mut out, Canonical))?;
    Ok(String::from_utf8(out).expect("JSON is made of texts"))
}

struct Canonical;

impl Formatter for Canonical {
    fn write_u64<W: Write + ?Sized>(&mut self, writer: &mut W, value: u64) -> io::Result<()> {
        CompactFormatter.write_u64(writer, value.min(MAX_INTEGER))
    }

    fn write_i64<W: Write + ?Sized>(&mut self, writer: &mut W, value: i64) -> io::Result<()> {
        const MAX: i64 = MAX_INTEGER as i64;
        CompactFormatter.write_i64(writer, value.clamp(-MAX, MAX))
    }

    fn write_f32<W: Write + ?Sized>(&mut self, _: &mut W, _: f32) -> io::Result<()> {
        Err(fraction())
    }

    fn write_f64<W: Write + ?Sized>(&mut self, _: &mut W, _: f64) -> io::Result<()> {
        Err(fraction())
    }
}

fn fraction() -> io::Error {
    io::Error::other("an event holds no fraction")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(value: &impl Serialize) -> String {
        to_string(value, 0).unwrap()
    }

    #[test]
    fn whole_numbers_stay_within_what_every_reader_keeps() {
        assert_eq!(ours(&[0_u64, MAX_INTEGER, MAX_INTEGER + 1, u64::MAX]), format!("[0,{0},{0},{0}]", MAX_INTEGER));
        assert_eq!(ours(&[-7_i64, i64::MIN]), format!("[-7,-{MAX_INTEGER}]"));
    }

    #[test]
    fn a_fraction_is_refused() {
        assert!(to_string(&0.5_f64, 0).is_err());
        assert!(to_string(&Some(1.0_f32), 0).is_err());
    }

    proptest::proptest! {
        /// The library that people trust says the same of every text that an event could hold.
        #[test]
        fn every_text_is_written_as_the_library_does(
            any in proptest::prelude::any::<String>(),
            odd in "[\\x00-\\x22\\\\\\x7f\u{2028}]{0,8}",
        ) {
            for text in [any, odd] {
                proptest::prop_assert_eq!(ours(&text), serde_json_canonicalizer::to_string(&text).unwrap());
            }
        }
    }
}
