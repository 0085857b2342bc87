//! Signs of life beside a log in a file.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, SystemTime};

use strongroom_eventlog::EventLog;
use strongroom_model::presence::{Part, PartState, Sign};
use uuid::Uuid;

use crate::sample::site;

#[tokio::test]
async fn r8_a_sign_lies_beside_the_log_for_its_owner_alone_and_is_forgotten_after_a_week() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.sqlite");
    let log = EventLog::open_sqlite(&path, &site()).await.unwrap();
    assert_eq!(log.signs().await.unwrap(), []);
    let sign = |pid| Sign {
        actor: "run@backup-1".parse().unwrap(),
        pid,
        version: "1".to_owned(),
        since: "2026-11-20T23:00:00Z".parse().unwrap(),
        every_s: 10,
        has_ended: false,
        cannot_record: None,
        parts: vec![Part {
            role: "fetch".to_owned(),
            partition: None,
            state: PartState::Working,
            alarm: None,
            waits_for: None,
        }],
    };
    let [one, other] = [Uuid::new_v4(), Uuid::new_v4()];
    log.give_sign(one, &sign(1)).await.unwrap();
    log.give_sign(other, &sign(2)).await.unwrap();
    log.give_sign(other, &sign(3)).await.unwrap();
    let file = |process: Uuid| folder.path().join("log.sqlite.signs").join(process.to_string());
    assert_eq!(fs::metadata(file(one)).unwrap().permissions().mode() & 0o777, 0o600);
    let ago = |days: u64| {
        #[expect(clippy::disallowed_methods, reason = "a file's time is the host's")]
        let at = SystemTime::now() - Duration::from_secs(days * 24 * 3600);
        fs::File::open(file(one)).unwrap().set_modified(at).unwrap();
    };
    ago(2);
    let reader = EventLog::open_read_only(&path, &site()).await.unwrap();
    let signs = reader.signs().await.unwrap();
    assert_eq!(signs.iter().map(|seen| (seen.sign.pid, seen.is_alive())).collect::<Vec<_>>(), [(3, true), (1, false)]);
    assert_eq!(signs[1].age.as_hours(), 48);
    ago(8);
    log.give_sign(other, &sign(3)).await.unwrap();
    assert_eq!(log.signs().await.unwrap().len(), 1);
    assert!(!file(one).exists());
}
