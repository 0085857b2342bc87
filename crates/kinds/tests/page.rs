//! docs/kinds.md has every setting of every kind.

use std::path::Path;

use serde_json::Value;
use strongroom_kinds::{Around, BuiltIn, NAMES};
use strongroom_plugin::Plugin as _;
use strongroom_service::Clock;

/// The properties of a schema, with those of the objects in it.
fn settings(schema: &Value) -> Vec<String> {
    let definitions = schema["$defs"].as_object().into_iter().flat_map(|defs| defs.values());
    let objects = std::iter::once(schema).chain(definitions);
    objects.filter_map(|object| object["properties"].as_object()).flat_map(|object| object.keys().cloned()).collect()
}

#[test]
fn every_setting_is_on_the_page() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/kinds.md")).unwrap();
    for name in NAMES {
        let section = page.split(&format!("\n## {name}\n")).nth(1).unwrap_or_else(|| panic!("a section {name}"));
        let section = section.split("\n## ").next().unwrap();
        let kind = BuiltIn::named(name, Around::new("", Clock::system())).unwrap();
        let settings = settings(&kind.describe().config);
        assert!(!settings.is_empty());
        for setting in settings.iter().filter(|setting| !["proof", "expect"].contains(&setting.as_str())) {
            let is_named = section.contains(&format!("`{setting}`")) || section.contains(&format!(".{setting}`"));
            assert!(is_named, "{name}: {setting} is not on the page");
        }
    }
    assert!(BuiltIn::named("tar", Around::new("", Clock::system())).is_none());
}
