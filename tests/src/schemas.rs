//! Every file that the code dictates, or a part of which it does: the events' schemas, and
//! the tables of alarms, of failures and of what is said of the dead in docs/operations.md.

use std::path::PathBuf;

use serde_json::{Value, json};
use strongroom_model::envelope::schema_uri;
use strongroom_model::event::{Blocks, CATALOGUE, ClearedBy, EventType};
use strongroom_model::{AlarmKind, FailureKind, StageName, SubjectKind};

/// A file that must read as the code says.
#[derive(Debug)]
pub struct SchemaFile {
    /// Where it lies, relative to the workspace's root.
    pub path: String,
    /// What it must hold, to the byte.
    pub text: String,
}

pub fn workspace_root() -> PathBuf {
    let package = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().expect("the package lies in the workspace").to_owned()
}

pub fn all() -> Vec<SchemaFile> {
    let mut files: Vec<_> = CATALOGUE.iter().map(event_file).collect();
    files.push(page_with(
        "docs/operations.md",
        &[("alarms", alarms()), ("failures", failures()), ("truth", crate::truth::table())],
    ));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// A page as it is, with other texts between the comments that name the parts and the next `end`.
fn page_with(path: &str, parts: &[(&str, String)]) -> SchemaFile {
    let mut page = std::fs::read_to_string(workspace_root().join(path)).unwrap();
    for (part, text) in parts {
        let (start, end) = (format!("<!-- {part} -->\n"), "<!-- end -->");
        let (before, rest) = page.split_once(&start).expect("the page has the part");
        let (_, after) = rest.split_once(end).expect("the part ends");
        page = format!("{before}{start}{text}{end}{after}");
    }
    SchemaFile { path: path.to_owned(), text: page }
}

/// Every kind of alarm, as a table, the worst first.
fn alarms() -> String {
    let mut table =
        "| alarm | what it means | what waits | what you do | it is over when |\n| --- | --- | --- | --- | --- |\n"
            .to_owned();
    for kind in AlarmKind::ALL {
        let over = match kind.cleared_by() {
            ClearedBy::Opening => "a healthy drive is mounted there",
            ClearedBy::Work => "the next batch of that work succeeds",
            ClearedBy::Relay => "the relay finds it resolved",
            ClearedBy::Watch => "a process of the site finds it resolved",
            ClearedBy::Monitor => "the monitor finds it resolved",
            ClearedBy::Event => "the next check finds it resolved",
            ClearedBy::Person => "a person has decided",
        };
        let (code, meaning, waits, step) = (kind.code(), kind.meaning(), waits(*kind), kind.step());
        table.push_str(&format!("| `{code}` | {meaning} | {waits} | {step} | {over} |\n"));
    }
    table
}

/// What does not go on while such an alarm lasts.
fn waits(kind: AlarmKind) -> String {
    match kind.blocks() {
        Blocks::Drive | Blocks::Incoming | Blocks::Server => {
            let paused = StageName::ALL.iter().copied().filter(|stage| kind.pauses(*stage));
            paused.map(|stage| format!("`{stage}`")).collect::<Vec<_>>().join(", ")
        }
        Blocks::Delivery => "what the broker delivers".to_owned(),
        Blocks::Log => "everything".to_owned(),
        Blocks::Nobody => "nothing".to_owned(),
    }
}

/// Every cause of a failure, as a table.
fn failures() -> String {
    let mut table = "| failure | what it means | what you do |\n| --- | --- | --- |\n".to_owned();
    for kind in FailureKind::ALL {
        table.push_str(&format!("| `{}` | {} | {} |\n", kind.code(), kind.cause(), kind.step()));
    }
    table
}

fn event_file(event: &EventType) -> SchemaFile {
    SchemaFile { path: format!("schemas/events/{}.json", event.name), text: pretty(&event_schema(event)) }
}

/// Indented, with a newline at the end, as an editor would leave it.
fn pretty(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("a schema has string keys");
    text.push('\n');
    text
}

/// The whole CloudEvents object (JSON Schema 2020-12). The data's schema stands inside under its
/// own `$id`, which is the event's `dataschema`: a reference within it resolves against that.
fn event_schema(event: &EventType) -> Value {
    let uri = schema_uri(event.name);
    let mut data = Value::from((event.schema)());
    let data_object = data.as_object_mut().expect("an event's data is an object");
    data_object.remove("$schema");
    data_object.insert("$id".to_owned(), json!(uri));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("{uri}:event"),
        "title": event.name,
        "description": "One event of a site's log: a CloudEvents 1.0 object with the extensions position, version, causationid, correlationid and actor.",
        "type": "object",
        "required": [
            "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "data",
            "position", "version", "actor",
        ],
        "properties": {
            "specversion": { "const": "1.0" },
            "id": { "description": "The event's id: a UUID of version 7.", "type": "string", "format": "uuid" },
            "source": { "description": "The site whose log it is.", "type": "string", "pattern": "^/sites/[a-z0-9][a-z0-9-]{0,62}$" },
            "type": { "const": event.name },
            "subject": { "description": "The stream.", "type": "string", "pattern": format!("^{}/.+$", event.subject.map_or("[a-z]+", SubjectKind::name)) },
            "time": { "description": "When it happened, to the microsecond.", "type": "string", "format": "date-time" },
            "datacontenttype": { "const": "application/json" },
            "dataschema": { "const": uri },
            "data": data,
            "position": { "description": "Its place in the site's log, from 0: its leaf's index in the Merkle tree.", "type": "integer", "minimum": 0 },
            "version": { "description": "Its place in its stream, from 0.", "type": "integer", "minimum": 0 },
            "causationid": { "description": "The id of the event that led to it.", "type": "string", "format": "uuid" },
            "correlationid": { "description": "The id of the run that it is part of.", "type": "string", "format": "uuid" },
            "actor": { "description": "Who did it: a stage and its host, or a person.", "type": "string", "minLength": 1, "maxLength": 128 },
        },
    })
}
