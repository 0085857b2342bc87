use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn ours(value: &impl Serialize) -> String {
    to_string(value, 0).unwrap()
}

#[test]
fn members_are_sorted_by_utf16_code_units() {
    // RFC 8785, section 3.2.3: the emoji's surrogate (D83D) comes before the letter at FB33.
    let value: BTreeMap<&str, u32> =
        [("\u{20ac}", 5), ("\r", 1), ("\u{fb33}", 7), ("1", 2), ("\u{1f600}", 6), ("\u{80}", 3), ("\u{f6}", 4)].into();
    let sorted = "{\"\\r\":1,\"1\":2,\"\u{80}\":3,\"\u{f6}\":4,\"\u{20ac}\":5,\"\u{1f600}\":6,\"\u{fb33}\":7}";
    assert_eq!(ours(&value), sorted);
}

#[test]
fn whole_numbers_stay_within_what_every_reader_keeps() {
    assert_eq!(ours(&[0_u64, MAX_INTEGER, MAX_INTEGER + 1, u64::MAX]), format!("[0,{0},{0},{0}]", MAX_INTEGER));
    assert_eq!(ours(&[-7_i64, i64::MIN]), format!("[-7,-{MAX_INTEGER}]"));
}

#[test]
fn what_no_event_holds_is_refused() {
    assert!(to_string(&0.5_f64, 0).is_err());
    assert!(to_string(&BTreeMap::from([(1_u8, 2_u8)]), 0).is_err());
    assert!(to_string(&Some(1.0_f32), 0).is_err());
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-(1_i64 << 53) + 1..1_i64 << 53).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[\\x00-\\x22\\\\\\x7f\u{2028}]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..6).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    /// The library that people trust says the same of every value that an event could hold.
    #[test]
    fn every_value_is_written_as_the_library_does(value in values()) {
        prop_assert_eq!(ours(&value), serde_json_canonicalizer::to_string(&value).unwrap());
    }
}
