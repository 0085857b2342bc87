use schemars::Schema;
use serde_json::{Value, json};

use super::keys;
use super::section::Config;

/// The JSON Schema of `strongroom.toml`, for editors: keys are optional, others refused.
pub(super) fn schema() -> Value {
    let mut settings = schemars::generate::SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    let mut schema = settings.into_generator().into_root_schema_for::<Config>();
    close(&mut schema);
    let mut schema = Value::from(schema);
    for key in keys::all() {
        if let Some(default) = key.default()
            && let Some(property) = schema.pointer_mut(&pointer(&key.path))
        {
            property["default"] = json!(default);
        }
    }
    schema
}

fn close(schema: &mut Schema) {
    if schema.get("properties").is_some() {
        schema.remove("required");
        schema.insert("additionalProperties".to_owned(), json!(false));
    }
    schemars::transform::transform_subschemas(&mut close, schema);
}

fn pointer(path: &str) -> String {
    path.split('.').map(|name| format!("/properties/{name}")).collect()
}
