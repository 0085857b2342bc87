//! The forms in which a secret may be printed.

use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, Encoding, HEXLOWER, HEXUPPER};

/// Of a secret with several lines, such as a key file, a line that is shorter is no secret by itself.
pub(super) const MIN_LINE_BYTES: usize = 16;

/// Adds all forms of a secret.
pub(super) fn add(secret: &str, forms: &mut Vec<Vec<u8>>) {
    forms.push(secret.as_bytes().to_vec());
    let lines = secret.lines().map(str::trim).filter(|line| line.len() >= MIN_LINE_BYTES && line.len() < secret.len());
    forms.extend(lines.map(|line| line.as_bytes().to_vec()));
    for encoding in [&BASE64_NOPAD, &BASE64URL_NOPAD] {
        forms.extend((0..3).map(|offset| base64(secret.as_bytes(), offset, encoding)));
    }
    forms.extend([HEXLOWER, HEXUPPER].map(|hex| hex.encode(secret.as_bytes()).into_bytes()));
    let upper = percent(secret, &HEXUPPER);
    forms.push(upper.replace("%20", "+").into_bytes());
    forms.push(upper.into_bytes());
    forms.push(percent(secret, &HEXLOWER).into_bytes());
    forms.extend(json(secret).map(String::into_bytes));
}

/// The characters that the secret alone decides, where so many bytes stand before it in a group of three: those at
/// the edges hold bits of its neighbours too.
fn base64(secret: &[u8], offset: usize, encoding: &Encoding) -> Vec<u8> {
    let padded = [&vec![0; offset], secret].concat();
    let text = encoding.encode(&padded).into_bytes();
    let start = (offset * 8).div_ceil(6);
    let end = padded.len() * 8 / 6;
    text[start..end].to_vec()
}

/// RFC 3986, section 2: all but the unreserved characters.
fn percent(secret: &str, hex: &Encoding) -> String {
    let mut out = String::with_capacity(secret.len() * 3);
    for byte in secret.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&hex.encode(&[byte]));
        }
    }
    out
}

/// As serializers write it: plain; with the solidus escaped; with what is not ASCII escaped, in either case.
fn json(secret: &str) -> [String; 4] {
    let quoted = serde_json::Value::from(secret).to_string();
    let plain = quoted[1..quoted.len() - 1].to_owned();
    let ascii = |upper: bool| {
        let mut out = String::with_capacity(plain.len());
        let mut units = [0; 2];
        for c in plain.chars() {
            if c.is_ascii() {
                out.push(c);
                continue;
            }
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") });
            }
        }
        out
    };
    [plain.replace('/', "\\/"), ascii(true), ascii(false), plain]
}
