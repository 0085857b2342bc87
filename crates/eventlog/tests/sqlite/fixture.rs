//! Every schema that was released stays readable: `tests/fixtures/` has a log of each, as
//! the version that brought the schema wrote it.

use std::path::{Path, PathBuf};

use strongroom_eventlog::EventLog;
use strongroom_model::event::{AlarmCleared, AlarmKey, AlarmRaised};
use strongroom_model::{AlarmKind, Event, Expected, NewEvent, Position, StageName, StreamName, Version};

use crate::sample::{event, site};

/// The roots of the logs in `tests/fixtures/`, by schema. Each has four events, of which
/// three are about two alarms that notify has to mail.
const ROOTS: [&str; 2] =
    ["59jblu0Say0vyc4R98XO0uhzuvmK0a4aD9tdl4AW7yA=", "5esxaukCCmo3ldNN5OEnAmVaNs+Ew1boy5ai5aRkhcs="];

fn fixture(schema: usize) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/log-schema-{schema}.db"))
}

#[tokio::test]
async fn a_log_of_every_schema_stays_readable_and_goes_on() {
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/sqlite/eventlog");
    assert_eq!(std::fs::read_dir(schemas).unwrap().count(), ROOTS.len(), "each schema has its log in tests/fixtures/");
    for (schema, root) in (1..).zip(ROOTS) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.db");
        std::fs::copy(fixture(schema), &path).unwrap();
        let log = EventLog::open_sqlite(&path, &site()).await.unwrap();
        let verified = log.verify().await.unwrap();
        assert_eq!((verified.events, verified.damage), (4, None), "schema {schema}");
        assert_eq!(verified.head.root_base64(), root, "schema {schema}");
        assert_eq!(log.pending(StageName::Notify, Position(0), 9).await.unwrap().len(), 2);
        log.append(vec![event()]).await.unwrap();
        assert_eq!(log.verify_against(&[verified.head]).await.unwrap().damage, None);
    }
}

/// Run it once for each new schema, and put down the root.
#[tokio::test]
#[ignore = "it writes the newest schema's log to tests/fixtures/"]
async fn write_the_newest_schemas_log() {
    let raised = |subject: &str| {
        Event::AlarmRaised(AlarmRaised {
            kind: AlarmKind::DriveFull,
            subject: subject.to_owned(),
            message: "the drive is full".to_owned(),
            next_step: "put in another".to_owned(),
        })
    };
    let on = |subject: &str, event| NewEvent {
        stream: StreamName::alarm(&AlarmKey::new(AlarmKind::DriveFull, subject)),
        event,
        ..crate::sample::event()
    };
    let cleared = Event::AlarmCleared(AlarmCleared { message: "there is room".to_owned() });
    let path = fixture(ROOTS.len());
    let log = EventLog::open_sqlite(&path, &site()).await.unwrap();
    log.append(vec![on("blue", raised("blue")), on("red", raised("red"))]).await.unwrap();
    let after = NewEvent { expected: Expected::After(Version(0)), ..on("red", cleared) };
    log.append(vec![after, event()]).await.unwrap();
    println!("{}", log.head().await.unwrap().root_base64());
    log.close().await;
}
