use super::*;
use crate::collection::{Assumed, CollectedFile, read_collection};

fn definition(start: &str, command: &str, user: &str, settings: &str, date: &str) -> String {
    format!(
        "<Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\"><RegistrationInfo>\
         <Date>{date}</Date></RegistrationInfo><Triggers><CalendarTrigger><StartBoundary>{start}</StartBoundary>\
         <ScheduleByDay/></CalendarTrigger></Triggers><Principals><Principal><UserId>{user}</UserId></Principal></Principals>\
         <Settings>{settings}</Settings><Actions><Exec><Command>{command}</Command></Exec></Actions></Task>"
    )
}

fn collection(files: &[(&str, String)]) -> Collection {
    let files: Vec<_> = files.iter().map(|(name, text)| CollectedFile { name, bytes: text.as_bytes() }).collect();
    let mut collection = read_collection(&files, &Assumed::default());
    collection.partial.clear();
    collection
}

fn shown(before: &Collection, after: &Collection) -> Vec<String> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let line = |change: &Change| {
        format!("{} {}: {} -> {}", change.path, change.kind.name(), text(&change.before), text(&change.after))
    };
    diff(before, after).iter().map(line).collect()
}

const TWO: &str = "2024-01-01T02:00:00";

#[test]
fn changes_are_named_and_noise_is_not() {
    let before = collection(&[
        ("same.xml", definition(TWO, "a", "jo", "", "2020-01-01T00:00:00")),
        ("gone.xml", definition(TWO, "gone", "jo", "", TWO)),
        ("old name.xml", definition(TWO, "renamed", "jo", "", TWO)),
        ("changed.xml", definition(TWO, "c", "jo", "<Priority>7</Priority>", TWO)),
    ]);
    let after = collection(&[
        ("same.xml", definition(TWO, "a", "jo", "", "2026-01-01T00:00:00")),
        ("new.xml", definition(TWO, "new", "jo", "", TWO)),
        ("new name.xml", definition(TWO, "renamed", "jo", "", TWO)),
        (
            "changed.xml",
            definition(
                "2024-01-01T03:00:00",
                "d",
                "eve",
                "<Enabled>false</Enabled><Priority>4</Priority><WakeToRun>1</WakeToRun>",
                TWO,
            ),
        ),
    ]);
    assert_eq!(
        shown(&before, &after),
        [
            "\\changed switched off: on -> off",
            "\\changed trigger changed: daily at 02:00 -> daily at 03:00",
            "\\changed action changed: c -> d",
            "\\changed account changed: jo -> eve",
            "\\changed settings changed: wake=false, priority=7 -> wake=true, priority=4",
            "\\gone removed: daily at 02:00 -> ",
            "\\new added:  -> daily at 02:00",
            "\\new name renamed: \\old name -> \\new name",
        ]
    );
    assert_eq!(shown(&before, &before), Vec::<String>::new());
}

#[test]
fn what_a_partial_collection_lacks_may_still_be_there() {
    let before = collection(&[("a.xml", definition(TWO, "a", "jo", "", TWO))]);
    let mut after = collection(&[]);
    after.partial.push("no rights".to_owned());
    assert_eq!(
        shown(&before, &after),
        ["\\a removed: daily at 02:00 -> it may still be there: the later collection is not complete"]
    );
}

#[test]
fn another_first_day_is_a_change_and_so_is_an_exchanged_script() {
    let mut before = collection(&[("a.xml", definition(TWO, "a", "jo", "", TWO))]);
    let mut after = collection(&[("a.xml", definition("2025-05-05T02:00:00", "a", "jo", "", TWO))]);
    let file = |digest: &str| crate::manifest::ReferencedFile {
        path: "C:\\a.ps1".to_owned(),
        exists: Some(true),
        sha256: Some(digest.to_owned()),
        ..crate::manifest::ReferencedFile::default()
    };
    before.entries[0].files = vec![file("11")];
    after.entries[0].files = vec![file("22")];
    assert_eq!(
        shown(&before, &after),
        [
            "\\a trigger changed: daily at 02:00 -> daily at 02:00 (another first day, or a name of its own)",
            "\\a file changed: C:\\a.ps1 with SHA-256 11 -> C:\\a.ps1 with SHA-256 22"
        ]
    );
}

#[test]
fn a_change_tells_when_its_definition_was_written_where_that_is_known() {
    let windows = |date: &str, command: &str| {
        let text = definition(TWO, command, "jo", "", date);
        collection(&[("a.xml", text.replace("<Date>", "<Author>CORP\\jo</Author><Date>"))])
    };
    let written = |before: &Collection, after: &Collection| diff(before, after)[0].written.clone();
    let (before, edited) = (windows("2024-01-01T00:00:00", "a"), windows("2026-05-05T22:10:00", "b"));
    let words = "its definition says: registered 2026-05-05 22:10, its author: CORP\\jo";
    assert_eq!(written(&before, &edited).as_deref(), Some(words));
    // The date is the old one: who changed it and when is not known.
    assert_eq!(written(&before, &windows("2024-01-01T00:00:00", "b")), None);
    assert_eq!(written(&before, &collection(&[])), None);

    let linux = |digest: &str, table: &str, modified: &str| {
        let manifest = format!(
            r#"{{"format":"strongroom-tasks/1","zone":{{"iana":"Europe/Berlin"}},"collector":{{"elevated":true}},"linux":{{"files":[
            {{"path":"etc/cron.d/jobs","sha256":"{digest}","mode":420,"owner":"eve","group":"root"{modified}}},
            {{"path":"etc/crontab","sha256":"33","mode":420,"owner":"root","group":"root","modified":"2026-05-06T10:00:00Z"}}]}}}}"#
        );
        collection(&[("manifest.json", manifest), ("etc/cron.d/jobs", table.to_owned())])
    };
    let at = r#","modified":"2026-05-06T08:15:00Z""#;
    let (before, after) = (linux("11", "@daily jo x\n", at), linux("22", "@weekly jo x\n", at));
    let words = "/etc/cron.d/jobs was last written 2026-05-06 10:15 CEST and belongs to eve";
    assert_eq!(written(&before, &after).as_deref(), Some(words));
    assert_eq!(written(&before, &linux("22", "@weekly jo x\n", "")), None, "its time was not collected");
    assert_eq!(written(&before, &linux("11", "@weekly jo x\n", at)), None, "the file is the same");
}
