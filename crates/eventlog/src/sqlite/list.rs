//! Many values as one parameter.

/// The values for `IN (SELECT value FROM json_each(?))`.
pub(super) fn json_list<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    let values: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    serde_json::to_string(&values).expect("a list of strings is JSON")
}
