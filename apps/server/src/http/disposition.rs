//! `Content-Disposition` (RFC 6266) with a name that came from outside.

use http::HeaderValue;
use strongroom_model::text::is_unseen;

const MAX_NAME_CHARS: usize = 200;

/// `attachment` with the file's name: in ASCII for old clients, and in UTF-8 (RFC 8187).
///
/// What could end the header, leave a folder or mislead a reader becomes `_`; the booking's information has the
/// original.
pub(crate) fn attachment(filename: &str) -> HeaderValue {
    let name: String = filename.chars().take(MAX_NAME_CHARS).map(|c| if harmless(c) { c } else { '_' }).collect();
    let ascii: String = name.chars().map(|c| if in_ascii(c) { c } else { '_' }).collect();
    let value = format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{}", percent_encoded(&name));
    HeaderValue::from_str(&value).expect("both names are printable ASCII")
}

fn harmless(c: char) -> bool {
    !c.is_control() && !is_unseen(c) && c != '/' && c != '\\'
}

/// What may stand between quotes without an escape, which clients treat differently.
fn in_ascii(c: char) -> bool {
    matches!(c, ' '..='~') && c != '"' && c != '%'
}

/// Encodes all except RFC 8187's `attr-char` as `%XX`.
fn percent_encoded(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_in_ascii_and_in_utf8() {
        for (name, value) in [
            ("a b.pdf", r#"attachment; filename="a b.pdf"; filename*=UTF-8''a%20b.pdf"#),
            ("März.pdf", r#"attachment; filename="M_rz.pdf"; filename*=UTF-8''M%C3%A4rz.pdf"#),
            ("50%.pdf", r#"attachment; filename="50_.pdf"; filename*=UTF-8''50%25.pdf"#),
        ] {
            assert_eq!(attachment(name), value, "{name}");
        }
    }

    #[test]
    fn r9_a_hostile_name_cannot_leave_the_header_or_the_folder() {
        let value = attachment("../x\"\r\nSet-Cookie: a=b\0\u{202e}fdp.exe");
        assert_eq!(
            value,
            "attachment; filename=\".._x___Set-Cookie: a=b__fdp.exe\"; \
             filename*=UTF-8''.._x%22__Set-Cookie%3A%20a%3Db__fdp.exe"
        );
    }

    proptest::proptest! {
        #[test]
        fn whatever_the_name_the_header_is_legal(name in "\\PC*|.*") {
            let value = attachment(&name);
            proptest::prop_assert!(value.as_bytes().iter().all(|b| (0x20..0x7f).contains(b)));
            proptest::prop_assert_eq!(value.to_str().unwrap().matches('"').count(), 2);
        }
    }
}
