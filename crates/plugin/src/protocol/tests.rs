use std::path::Path;

use serde_json::{Value, json};

use super::*;

/// The schemas that authors of plugins read: a file, and what it must hold.
fn schemas() -> [(&'static str, Value); 2] {
    [
        ("host-message.json", json!(schemars::schema_for!(HostMessage))),
        ("plugin-message.json", json!(schemars::schema_for!(PluginMessage))),
    ]
}

/// `cargo xtask schemas` writes them again, with `UPDATE_SCHEMAS=1`.
#[test]
fn the_schema_in_the_repository_is_the_protocols() {
    for (name, schema) in schemas() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/plugin").join(name);
        let current = format!("{schema:#}\n");
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::write(&path, &current).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == current, "schemas/plugin/{name} has drifted: run this test with UPDATE_SCHEMAS=1");
    }
}

fn plugin_lines() -> Vec<Value> {
    vec![
        json!({"type": "hello", "protocol": 1, "name": "copy", "version": "0.1.0"}),
        json!({"type": "unsupported"}),
        json!({"type": "unsupported", "protocol": [1]}),
        json!({"type": "progress", "files": 3, "bytes": 10, "phase": "copying"}),
        json!({"type": "log", "level": "warn", "text": "slow"}),
        json!({"type": "item", "path": "a", "outcome": "unreadable", "code": "EACCES", "message": "denied"}),
        json!({"type": "state", "state": {"part": 3}}),
        json!({"type": "result", "outcome": "done"}),
        json!({"type": "result", "outcome": "failed", "retry": "later", "cause": "tool-failed"}),
        json!({"type": "result", "outcome": "obstructed", "retry": {"after_s": 60}, "counts": {"copied": 1}}),
        json!({"type": "result", "outcome": "done", "evidence": {"method": "sha256", "read_back": "device",
            "files": 2, "bytes": 9, "sample": {"part": 1, "of": 30}, "coverage": "every file was read within 30 days"}}),
    ]
}

#[test]
fn what_the_schemas_allow_is_what_is_read() {
    let [(_, host), (_, plugin)] = schemas();
    let validator = jsonschema::validator_for(&plugin).unwrap();
    for line in plugin_lines() {
        assert!(validator.is_valid(&line), "{line}");
        let message: PluginMessage = serde_json::from_value(line.clone()).unwrap();
        assert!(validator.is_valid(&json!(message)), "{message:?}");
        assert_eq!(serde_json::from_value::<PluginMessage>(json!(message)).unwrap(), message);
    }
    for bad in [json!({"type": "hello"}), json!({"type": "result", "outcome": "fine"}), json!({"outcome": "done"})] {
        assert!(!validator.is_valid(&bad) && serde_json::from_value::<PluginMessage>(bad).is_err());
    }
    let validator = jsonschema::validator_for(&host).unwrap();
    let whole = json!({"type": "request", "protocol": [1], "op": "run", "job": "files-to-nas", "run": "01J",
        "config": {"source": "/a"}, "secrets": {"password": "x"}, "state": {}, "workdir": "/tmp/x",
        "limits": {"max_delete": 100, "stall_s": 900}, "cancel": "line"});
    for line in [whole, json!({"type": "request", "protocol": [1], "op": "describe"}), json!({"type": "cancel"})] {
        assert!(validator.is_valid(&line), "{line}");
        let message: HostMessage = serde_json::from_value(line).unwrap();
        assert!(validator.is_valid(&json!(message)), "{message:?}");
    }
}

#[test]
fn every_type_of_message_has_its_name_in_the_list() {
    for line in plugin_lines() {
        assert!(PluginMessage::TYPES.contains(&line["type"].as_str().unwrap()));
    }
    assert_eq!(Operation::named("verify"), Some(Operation::Verify));
    assert_eq!(Operation::named("frobnicate"), None);
}

#[test]
fn unknown_fields_and_later_names_are_ignored() {
    let line = json!({"type": "result", "outcome": "done", "colour": "red",
        "evidence": {"method": "own", "read_back": "satellite"}});
    let PluginMessage::Result(report) = serde_json::from_value(line).unwrap() else { panic!("a result") };
    assert_eq!(report.evidence.unwrap().read_back, ReadBack::Unknown);
    let request: Request = serde_json::from_value(json!({"protocol": [1, 2], "op": "x", "cancel": "pipe"})).unwrap();
    assert_eq!(request.cancel, CancelBy::Unknown);
}

#[test]
fn a_secret_is_sent_and_not_shown() {
    let mut request = Request::new(Operation::Run);
    request.secrets.insert("password".to_owned(), Secret::new("hunter2"));
    assert!(!format!("{request:?}").contains("hunter2"));
    assert_eq!(json!(request)["secrets"]["password"], "hunter2");
    assert_eq!(request.secrets["password"].reveal(), "hunter2");
}
