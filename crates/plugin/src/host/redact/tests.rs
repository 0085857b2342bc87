use data_encoding::{BASE64, BASE64URL};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::json;

use super::*;

const SECRET: &str = "p/ss wö+d\"42";

fn redactor(secrets: &[&str]) -> Redactor {
    let named = secrets.iter().enumerate().map(|(at, secret)| (at.to_string(), Secret::new(*secret)));
    Redactor::new(&named.collect()).unwrap()
}

#[test]
fn every_form_of_a_secret_is_taken_out() {
    let redactor = redactor(&[SECRET]);
    let escaped = serde_json::to_string(SECRET).unwrap();
    let forms = [
        SECRET.to_owned(),
        "p%2Fss%20w%C3%B6%2Bd%2242".to_owned(),
        "p%2fss%20w%c3%b6%2bd%2242".to_owned(),
        "p%2Fss+w%C3%B6%2Bd%2242".to_owned(),
        escaped.trim_matches('"').to_owned(),
        r#"p\/ss wö+d\"42"#.to_owned(),
        r#"p/ss w\u00f6+d\"42"#.to_owned(),
        r#"p/ss w\u00F6+d\"42"#.to_owned(),
        "702f737320".to_owned() + "77c3b62b64223432",
    ];
    for form in forms {
        let line = format!("before {form} after");
        assert_eq!(redactor.text(&line), "before [redacted] after", "{form}");
    }
}

#[test]
fn base64_is_found_at_each_alignment() {
    let redactor = redactor(&[SECRET]);
    for encoding in [BASE64, BASE64URL] {
        for before in ["", "u", "us", "use", "user:"] {
            for after in ["", "x", "xy", "xyz"] {
                let text = encoding.encode(format!("{before}{SECRET}{after}").as_bytes());
                let redacted = redactor.text(&text);
                assert!(redacted.contains(REDACTED), "{before}|{after}: {redacted}");
                // At most the characters at the edges are left, which hold at most 4 bits of the secret.
                assert!(redacted.len() <= REDACTED.len() + (before.len() + after.len()) * 2 + 5, "{redacted}");
            }
        }
    }
}

#[test]
fn secrets_that_overlap_go_together() {
    let redactor = redactor(&["abcdef", "defghi"]);
    assert_eq!(redactor.text("xabcdefghix"), "x[redacted]x");
    assert_eq!(redactor.text("abcdefabcdef"), "[redacted][redacted]");
}

#[test]
fn each_line_of_a_key_is_a_secret() {
    let redactor = redactor(&["-----BEGIN KEY-----\nMC4CAQAwBQYDK2VwBCIEIC\nx\n"]);
    assert_eq!(redactor.text("| MC4CAQAwBQYDK2VwBCIEIC"), "| [redacted]");
    assert_eq!(redactor.text("x"), "x");
}

#[test]
fn a_line_feed_around_a_secret_hides_it_no_less() {
    let redactor = redactor(&["hunter2\n"]);
    assert_eq!(redactor.text("is hunter2?"), "is [redacted]?");
    assert!(redactor.text(&BASE64.encode(b"hunter2\n")).starts_with("[redacted]"));
}

#[test]
fn strings_and_keys_of_json_are_redacted_whatever_their_escapes() {
    let redactor = redactor(&["hunter2"]);
    let mut value: Value =
        serde_json::from_str(r#"{"a\u0068unter2": ["\u0068unter2", 7, {"b": "xhunter2"}]}"#).unwrap();
    redactor.value(&mut value);
    assert_eq!(value, json!({"a[redacted]": ["[redacted]", 7, {"b": "x[redacted]"}]}));
}

#[test]
fn the_start_of_a_secret_at_a_cut_is_dropped() {
    let redactor = redactor(&["hunter2"]);
    for (line, left) in [("say hunt", "say "), ("say h", "say "), ("say hunter", "say "), ("say x", "say x")] {
        let mut line = line.as_bytes().to_vec();
        redactor.cut(&mut line);
        assert_eq!(String::from_utf8(line).unwrap(), left);
    }
}

#[test]
fn a_secret_that_is_too_short_is_refused_by_name() {
    let secrets = BTreeMap::from([("pin".to_owned(), Secret::new("123"))]);
    assert_eq!(Redactor::new(&secrets).unwrap_err().name, "pin");
    assert_eq!(redactor(&[]).text("anything"), "anything");
}

/// How programs print a secret.
fn printed(secret: &str, form: usize, before: &str) -> String {
    match form {
        0 => secret.to_owned(),
        1 => BASE64.encode(format!("{before}{secret}").as_bytes()),
        2 => BASE64URL.encode(format!("{before}{secret}").as_bytes()),
        3 => data_encoding::HEXLOWER.encode(secret.as_bytes()),
        _ => {
            let quoted = serde_json::to_string(secret).unwrap();
            quoted[1..quoted.len() - 1].to_owned()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(13), ..ProptestConfig::default() })]

    #[test]
    fn no_form_of_a_secret_is_left_anywhere(
        secret in "[a-zA-Z0-9/+= äß€\"\\\\-]{6,24}", form in 0..5_usize, before in "[ -~]{0,4}",
        around in "[ -~]{0,40}", cut in any::<prop::sample::Index>(),
    ) {
        prop_assume!(secret.trim().len() >= 6);
        let form = printed(secret.trim(), form, &before);
        let boundaries: Vec<_> = around.char_indices().map(|(at, _)| at).chain([around.len()]).collect();
        let (head, tail) = around.split_at(boundaries[cut.index(boundaries.len())]);
        let redacted = redactor(&[&secret]).text(&format!("{head}{form}{tail}")).into_owned();
        prop_assert!(redacted.contains(REDACTED), "{redacted}");
        prop_assert!(!redacted.contains(&form), "{redacted}");
        prop_assert!(!redacted.contains(secret.trim()) || REDACTED.contains(secret.trim()), "{redacted}");
    }
}
