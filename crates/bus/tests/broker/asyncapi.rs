//! `schemas/asyncapi.json`: the exchange for other programs, made of the catalogue of
//! events, the flow and the topology.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use strongroom_bus::Topology;
use strongroom_bus::broker::message::{CONTENT_TYPE, TRACE_HEADER};
use strongroom_bus::broker::route::event_segment;
use strongroom_bus::broker::topology::{Argument, EXCHANGE, Purpose, Queue};
use strongroom_model::event::{CATALOGUE, EventType};
use strongroom_model::{DriveId, Recorded, StageName, SubjectKind, next_step};

/// Stands in the names of queues for what differs from place to place.
const SITE: &str = "site";
const DRIVE: &str = "00000000-0000-0000-0000-000000000000";

fn below_root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The stages that work on that kind of subject.
fn stages_of(subject: Option<SubjectKind>) -> &'static [StageName] {
    match subject {
        Some(SubjectKind::Booking) => &[StageName::Fetch, StageName::Verify, StageName::Archive],
        Some(SubjectKind::Run) => &[StageName::Enumerate],
        Some(SubjectKind::Custody) => &[StageName::Custody],
        Some(SubjectKind::Purge) => &[StageName::Purge],
        Some(SubjectKind::JobRun) => &[StageName::Transfer, StageName::Prove],
        // The kernel's own, of any subject: families that have none for themselves use them.
        None => &[StageName::Custody, StageName::Purge, StageName::Transfer, StageName::Prove],
        Some(SubjectKind::Alarm | SubjectKind::Summary) => &[StageName::Notify],
        _ => &[],
    }
}

/// The stages that an event of that type can hand its subject to: an event that names a stage is
/// tried with each that could have appended it.
fn next_of(event: &EventType) -> BTreeSet<StageName> {
    let fixture = below_root("crates/model/tests/fixtures").join(format!("{}.json", event.name));
    let fixture: Value = serde_json::from_str(&fs::read_to_string(fixture).unwrap()).unwrap();
    let stages = if event.name.contains(".retried.") { &[StageName::Archive] } else { stages_of(event.subject) };
    let tries = stages.iter().map(|stage| {
        let mut event = fixture.clone();
        if let Some(named) = event["data"].get_mut("stage") {
            *named = json!(stage);
        }
        event
    });
    tries
        .filter_map(|event| next_step(&Recorded::parse(&event.to_string()).unwrap().event))
        .map(|next| next.stage)
        .collect()
}

/// A name with its variable parts as AsyncAPI writes them.
fn parameters(name: &str) -> String {
    let name = name.replacen(&format!(".{SITE}."), ".{site}.", 1).replace(DRIVE, "{drive}");
    name.strip_prefix(&format!("{SITE}.")).map_or(name.clone(), |rest| format!("{{site}}.{rest}"))
}

fn channel_name(queue: &Queue) -> &'static str {
    match queue.purpose {
        Purpose::Work(stage, _) => stage.name(),
        Purpose::Parked => "parked",
    }
}

fn channel(queue: &Queue, messages: &BTreeSet<&str>) -> Value {
    let arguments: Map<_, _> = queue
        .arguments
        .iter()
        .map(|(name, value)| {
            let value = match value {
                Argument::Number(number) => json!(number),
                Argument::Text(text) => json!(parameters(text)),
            };
            ((*name).to_owned(), value)
        })
        .collect();
    let mut parameter = Map::from_iter([("site".to_owned(), json!({ "$ref": "#/components/parameters/site" }))]);
    let of_drive = queue.name.as_str().contains(DRIVE);
    if of_drive {
        parameter.insert("drive".to_owned(), json!({ "$ref": "#/components/parameters/drive" }));
    }
    let reference = |name: &&str| ((*name).to_owned(), json!({ "$ref": format!("#/components/messages/{name}") }));
    let messages: Map<_, _> = messages.iter().map(reference).collect();
    let x_queue = json!({ "name": parameters(queue.name.as_str()), "durable": true, "arguments": arguments });
    let Some(binding) = &queue.binding else {
        return json!({
            "address": parameters(queue.name.as_str()),
            "description": "What nobody could read, or what came back too often: for a person.",
            "parameters": parameter,
            "messages": messages,
            "bindings": { "amqp": {
                "is": "queue",
                "queue": { "name": parameters(queue.name.as_str()), "durable": true, "exclusive": false, "autoDelete": false },
                "bindingVersion": "0.3.0",
            } },
            "x-queue": x_queue,
        });
    };
    for name in ["kind", "event"] {
        parameter.insert(name.to_owned(), json!({ "$ref": format!("#/components/parameters/{name}") }));
    }
    let stage = channel_name(queue);
    json!({
        "address": format!("{{site}}.{stage}.{{kind}}.{{event}}{}", if of_drive { ".{drive}" } else { "" }),
        "description": format!("Subjects that are handed to the {stage} stage. Each may come twice, late or out of order."),
        "parameters": parameter,
        "messages": messages,
        "bindings": { "amqp": {
            "is": "routingKey",
            "exchange": { "name": EXCHANGE, "type": "topic", "durable": true, "autoDelete": false },
            "bindingVersion": "0.3.0",
        } },
        "x-queue": x_queue,
        "x-binding": parameters(binding),
    })
}

fn message(event: &EventType) -> Value {
    json!({
        "name": event.name,
        "title": event_segment(event.name),
        "contentType": CONTENT_TYPE,
        "headers": {
            "type": "object",
            "properties": {
                TRACE_HEADER: { "type": "string", "pattern": "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$", "description": "The trace (W3C Trace Context): the run's id." },
            },
        },
        "correlationId": { "location": "$message.payload#/correlationid", "description": "The run that it is part of." },
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": { "$ref": format!("./events/{}.json", event.name) },
        },
        "bindings": { "amqp": { "messageType": event.name, "bindingVersion": "0.3.0" } },
    })
}

fn operation(action: &str, name: &str, messages: &BTreeSet<&str>) -> Value {
    let messages: Vec<_> =
        messages.iter().map(|message| json!({ "$ref": format!("#/channels/{name}/messages/{message}") })).collect();
    let binding = if action == "send" {
        json!({ "deliveryMode": 2, "mandatory": true, "timestamp": true, "bindingVersion": "0.3.0" })
    } else {
        json!({ "ack": true, "bindingVersion": "0.3.0" })
    };
    json!({
        "action": action,
        "channel": { "$ref": format!("#/channels/{name}") },
        "messages": messages,
        "bindings": { "amqp": binding },
    })
}

fn document() -> Value {
    let drive: DriveId = DRIVE.parse().unwrap();
    let topology =
        Topology::new(SITE.parse().unwrap(), &[(StageName::Verify, drive.into()), (StageName::Custody, drive.into())]);
    let mut by_stage: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for event in CATALOGUE {
        for stage in next_of(event) {
            by_stage.entry(stage.name()).or_default().insert(event.name);
            by_stage.entry("parked").or_default().insert(event.name);
        }
    }
    let (mut channels, mut operations, mut messages) = (Map::new(), Map::new(), Map::new());
    for queue in topology.queues() {
        let name = channel_name(queue);
        channels.insert(name.to_owned(), channel(queue, &by_stage[name]));
        if name != "parked" {
            operations.insert(format!("publish-{name}"), operation("send", name, &by_stage[name]));
        }
        operations.insert(format!("take-{name}"), operation("receive", name, &by_stage[name]));
    }
    for event in CATALOGUE.iter().filter(|event| by_stage["parked"].contains(event.name)) {
        messages.insert(event.name.to_owned(), message(event));
    }
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Strongroom: the exchange",
            "version": "1.0.0",
            "description": "Events that leave work to be done, on their way from a site's log to its stages. The log is the truth; the broker only delivers.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": { "broker": { "host": "localhost:5672", "protocol": "amqp", "protocolVersion": "0.9.1", "description": "RabbitMQ, 3.10 or later." } },
        "channels": channels,
        "operations": operations,
        "components": {
            "parameters": {
                "site": { "description": "The site's name." },
                "kind": { "description": "The kind of subject: booking, run, custody, purge, alarm or summary." },
                "event": { "description": "The event's type, without strongroom. and its version, with hyphens for dots." },
                "drive": { "description": "The drive's id: its files are read where it is mounted." },
            },
            "messages": messages,
        },
    })
}

#[test]
fn the_exchanges_schema_in_the_repository_is_as_the_code_says() {
    let path = below_root("schemas/asyncapi.json");
    let current = format!("{}\n", serde_json::to_string_pretty(&document()).unwrap());
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        fs::write(&path, &current).unwrap();
    }
    let kept = fs::read_to_string(path).unwrap_or_default();
    assert!(kept == current, "schemas/asyncapi.json has drifted: run `cargo xtask schemas`");
}

#[test]
fn it_is_valid_by_asyncapis_own_schema() {
    let schema = fs::read_to_string(below_root("crates/bus/tests/asyncapi/3.0.0.json")).unwrap();
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let document = document();
    let errors: Vec<_> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    // It is not a schema that takes anything.
    let mut broken = document;
    broken["channels"]["fetch"]["address"] = json!(7);
    assert!(!validator.is_valid(&broken));
}

#[test]
fn every_reference_leads_somewhere() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str).map(ToOwned::to_owned));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() > 20, "{found:?}");
    for reference in found {
        let there = match reference.strip_prefix('#') {
            Some(pointer) => document.pointer(pointer).is_some(),
            None => below_root("schemas").join(&reference).exists(),
        };
        assert!(there, "{reference} leads nowhere");
    }
}

#[test]
fn each_stage_is_handed_what_the_flow_says() {
    let of = |stage: &str| {
        document()["channels"][stage]["messages"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(of("enumerate"), ["strongroom.run.failed.v1", "strongroom.run.requested.v1"]);
    assert_eq!(
        of("verify"),
        ["strongroom.timesheet.fetched.v1", "strongroom.timesheet.held.v1"],
        "what could not be proven is fetched anew"
    );
}
