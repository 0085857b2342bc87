use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

/// Every name of the issue's list and more, with what becomes of it.
const HOSTILE: &[(&str, &str)] = &[
    ("timesheet.pdf", "timesheet.pdf"),
    ("Stundenzettel März (2).pdf", "Stundenzettel März (2).pdf"),
    ("../../etc/passwd", "=2E.=2F..=2Fetc=2Fpasswd"),
    ("/etc/passwd", "=2Fetc=2Fpasswd"),
    (r"C:\windows\x.pdf", "C=3A=5Cwindows=5Cx.pdf"),
    ("a\0b", "a=00b"),
    ("\u{1b}[2J\u{7f}\u{85}", "=1B[2J=7F=C2=85"),
    ("two\r\nlines.pdf", "two=0D=0Alines.pdf"),
    ("CON", "=43ON"),
    ("nul.txt", "=6Eul.txt"),
    ("Com1", "=43om1"),
    ("LPT¹.a.b", "=4CPT¹.a.b"),
    ("CONTRACT", "CONTRACT"),
    ("COM10", "COM10"),
    ("a.", "a=2E"),
    ("a ", "a=20"),
    ("a. .", "a. =2E"),
    (".", "=2E"),
    ("..", "=2E=2E"),
    (".htaccess", "=2Ehtaccess"),
    ("-rf", "=2Drf"),
    ("", "=empty"),
    ("=empty", "=3Dempty"),
    ("100%.pdf", "100=25.pdf"),
    ("fdp\u{202e}exe.pdf", "fdp=E2=80=AEexe.pdf"),
    ("zero\u{200b}width", "zero=E2=80=8Bwidth"),
    ("\u{feff}bom", "=EF=BB=BFbom"),
    ("<script>alert(1)</script>", "=3Cscript=3Ealert(1)=3C=2Fscript=3E"),
    ("x\r\nBcc: all@example.com", "x=0D=0ABcc=3A all@example.com"),
    ("a\u{301}", "a\u{301}"),
    ("\u{301}a", "=CC=81a"),
    ("\n\u{301}", "=0A=CC=81"),
];

#[test]
fn every_hostile_name_becomes_a_harmless_one_and_can_be_read_back() {
    for (name, escaped) in HOSTILE {
        assert_eq!(escape(name), *escaped, "{name:?}");
        assert_eq!(unescape(escaped).as_deref(), Some(*name), "{escaped:?}");
    }
}

#[test]
fn a_name_that_is_too_long_keeps_its_beginning_and_extension() {
    let escaped = escape(&format!("{}.pdf", "x".repeat(296)));
    assert_eq!(escaped.len(), MAX_NAME_BYTES);
    assert!(escaped.starts_with("xxxx") && escaped.ends_with(".pdf"), "{escaped}");
    assert_eq!(unescape(&escaped), None);
    let other = escape(&format!("{}y.pdf", "x".repeat(295)));
    assert_ne!(folded(&escaped), folded(&other));
}

#[test]
fn a_name_is_cut_neither_in_a_character_nor_in_an_escape() {
    for filler in ["é", "\n", "€", "𝄞", "\u{202e}"] {
        for shift in 0..6 {
            let escaped = escape(&format!("{}{}.pdf", "x".repeat(shift), filler.repeat(200)));
            let (stem, _) = escaped.split_once(TAG).unwrap();
            assert!(escaped.len() <= MAX_NAME_BYTES);
            assert!(unescape(stem).is_some(), "{escaped}");
        }
    }
}

#[test]
fn only_one_escaped_form_is_read_back() {
    for wrong in ["=", "=4", "=4g", "=0a", "a=~0123", "=FF"] {
        assert_eq!(unescape(wrong), None, "{wrong}");
    }
}

#[test]
fn names_that_a_file_system_may_take_for_one_fold_to_one() {
    for (one, other) in [("FILE", "file"), ("\u{e9}", "e\u{301}"), ("Straße", "STRASSE"), ("ς", "Σ"), ("İ", "i\u{307}")]
    {
        assert_eq!(folded(one), folded(other), "{one} {other}");
        assert_ne!(folded(&escape_strictly(one)), folded(&escape_strictly(other)), "{one} {other}");
    }
}

#[test]
fn a_variant_is_known_as_one_of_its_name() {
    let digest = |bytes: &[u8]| Digest::of(Algorithm::Sha256, bytes);
    for name in ["B-1", "B-1.2026", "=43ON", "a=2E"] {
        let one = variant(name, "x.pdf", &digest(b"1"), 1);
        assert_eq!((base_of(&one).as_str(), base_of(name).as_str()), (name, name), "{one}");
        assert_ne!(one, variant(name, "y.pdf", &digest(b"1"), 1));
        assert_ne!(one, variant(name, "x.pdf", &digest(b"2"), 1));
    }
    let nth = [1, 2, 3].map(|n| variant("B-1", "x", &digest(b"1"), n));
    assert!(nth[0] != nth[1] && nth[1] != nth[2] && nth.iter().all(|name| base_of(name) == "B-1"));
    assert_eq!(base_of("a=~é"), "a=~é");
}

/// What the strictest of ext4, NTFS and exFAT, a manifest line and a reader's eye allow.
fn is_harmless(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 255
        && name.encode_utf16().count() <= 255
        && !name.starts_with(['.', ' ', '-'])
        && !name.ends_with(['.', ' '])
        && !is_device(name)
        && !name.chars().any(|c| c.is_control() || "/\\<>:\"|?*%".contains(c) || is_unseen(c))
}

/// Text that is rich in what is escaped, and in what folds.
fn hostile_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => any::<char>().prop_map(String::from),
        3 => "[a-cA-C=.~ -]",
        1 => proptest::sample::select(HOSTILE).prop_map(|(name, _)| name.to_owned()),
        1 => "[\u{300}-\u{310}\u{200b}-\u{2030}éÉßſK]",
    ];
    prop_oneof![
        proptest::collection::vec(piece.clone(), 0..6).prop_map(|pieces| pieces.concat()),
        proptest::collection::vec(piece, 60..120).prop_map(|pieces| pieces.concat()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_escaped_name_is_harmless(name in hostile_text()) {
        for escaped in [escape(&name), escape_strictly(&name), variant(&escape(&name), "x", &Digest::of(Algorithm::Md5, b""), 1)] {
            prop_assert!(is_harmless(&escaped), "{escaped:?}");
        }
    }

    #[test]
    fn every_name_is_read_back_unless_it_was_shortened(name in hostile_text()) {
        for escaped in [escape(&name), escape_strictly(&name)] {
            match unescape(&escaped) {
                Some(original) => prop_assert_eq!(original, name.clone()),
                None => prop_assert!(escaped.contains(TAG) && escaped.len() > 230, "{:?}", escaped),
            }
        }
    }

    #[test]
    fn different_names_stay_different(names in proptest::collection::hash_set(hostile_text(), 2..6)) {
        let plain: HashSet<_> = names.iter().map(|name| escape(name)).collect();
        prop_assert_eq!(plain.len(), names.len());
        let strict: HashSet<_> = names.iter().map(|name| folded(&escape_strictly(name))).collect();
        prop_assert_eq!(strict.len(), names.len());
    }

    #[test]
    fn a_strict_name_never_meets_a_plain_one(one in hostile_text(), other in hostile_text()) {
        prop_assume!(one != other);
        // A letter is escaped only in the strict form; without one the two forms are one.
        prop_assume!(escape_strictly(&one) != escape(&one));
        prop_assert_ne!(folded(&escape_strictly(&one)), folded(&escape(&other)));
    }
}

#[test]
fn a_name_beside_another_tells_its_number() {
    for escaped in ["2026-11", "a.pdf", "x=~2"] {
        for n in [2, 17, 9_999] {
            assert_eq!(number_of(escaped, &numbered(escaped, n)), Some(n), "{escaped} {n}");
        }
        assert_eq!(number_of(escaped, escaped), Some(1));
    }
    for other in ["2026-12", "2026-11=~", "2026-11=~02", "2026-11=~1", "2026-11=~2x", "2026-11=~99999999999"] {
        assert_eq!(number_of("2026-11", other), None, "{other}");
    }
}
