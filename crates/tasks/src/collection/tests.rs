use super::*;
use crate::watch::{LastRun, State};

const OPEN: &str = "<Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">";

fn definition(command: &str) -> String {
    format!("{OPEN}<Triggers/><Actions><Exec><Command>{command}</Command></Exec></Actions></Task>")
}

fn read(files: &[(&str, &str)], assumed: &Assumed) -> Collection {
    let files: Vec<_> = files.iter().map(|(name, text)| CollectedFile { name, bytes: text.as_bytes() }).collect();
    read_collection(&files, assumed)
}

fn manifest(elevated: bool, more: &str) -> String {
    format!(
        r#"{{"format":"strongroom-tasks/1","host":"SRV","collected_at":"2026-05-06T10:00:00Z","zone":{{"iana":"Europe/Berlin"}},
        "collector":{{"elevated":{elevated}}},"boot_time":"2026-05-01T05:00:00Z","tasks":[
        {{"path":"\\Open\\A","file":"Open/A.xml","state":"ready","last_run":"2026-05-06T00:00:01Z","last_result":-2147024894,
          "next_run":"2026-05-07T00:00:00Z","sddl":"D:","files":[{{"path":"C:\\a.ps1","exists":false}}]}},
        {{"path":"\\Open\\Gone","file":"Open/Gone.xml","state":"disabled","last_run":"never","last_result":267011}}]{more}}}"#
    )
}

#[test]
fn a_collectors_folder_is_read_with_its_manifest() {
    let whole = read(
        &[
            ("manifest.json", &manifest(true, "")),
            ("Open/A.xml", &definition("a")),
            ("Open/Gone.xml", &definition("g")),
            ("scripts/a.ps1", "exit"),
        ],
        &Assumed::default(),
    );
    assert_eq!((whole.partial, whole.problems), (Vec::<String>::new(), vec![]));
    let first = &whole.entries[0];
    assert_eq!(
        (first.task.path.as_str(), first.run.result, &first.run.state),
        ("\\Open\\A", Some(0x8007_0002), &State::Ready)
    );
    assert_eq!((first.sddl.as_deref(), first.files.len()), (Some("D:"), 1));
    assert_eq!((&whole.entries[1].run.last_run, &whole.entries[1].run.state), (&LastRun::Never, &State::Disabled));
    assert_eq!(whole.zone.unwrap().1, "Europe/Berlin");
}

#[test]
fn what_is_missing_makes_a_collection_partial_and_never_empty() {
    let errors = r#","errors":[{"path":"\\Bad","hresult":-2147024891,"message":"Zugriff verweigert"}]"#;
    let part = read(&[("manifest.json", &manifest(false, errors)), ("Open/A.xml", "<Task>")], &Assumed::default());
    assert!(part.partial[0].starts_with("it was collected without an administrator's rights"));
    let problems: Vec<_> = part.problems.iter().map(|(file, problem)| format!("{file} {problem}")).collect();
    assert_eq!(problems[0], "\\Bad could not be read on the host: Zugriff verweigert (0x80070005)");
    assert_eq!(problems[1], "Open/Gone.xml is listed in the manifest and is not in the collection; collect again");
    assert!(problems[2].starts_with("Open/A.xml the file is cut off or not well-formed XML"), "{problems:?}");
    assert_eq!(part.entries.len(), 2, "what the scheduler lists is there, without a definition");
    assert_eq!(part.entries[0].task.warnings, ["its definition could not be read"]);
    let none = read(&[], &Assumed::default());
    assert!(!none.is_complete());
    let broken = read(&[("manifest.json", "{")], &Assumed::default());
    assert!(broken.partial[0].contains("cannot be read") && !broken.problems.is_empty());
}

#[test]
fn a_task_that_appears_twice_is_one_and_a_difference_is_said() {
    let dump = format!("<Tasks><!-- \\A -->{}<!-- \\B -->{}</Tasks>", definition("a"), definition("b"));
    let found =
        read(&[("A.xml", &definition("a")), ("b.xml", &definition("other")), ("dump.xml", &dump)], &Assumed::default());
    let paths: Vec<_> = found.entries.iter().map(|entry| entry.task.path.as_str()).collect();
    assert_eq!(paths, ["\\A", "\\b"]);
    assert_eq!(found.problems, [("dump.xml".to_owned(), Problem::Twice("\\B".to_owned()))]);
}

#[test]
fn a_listing_tells_the_states_of_definitions_beside_it_in_the_hosts_zone() {
    let row = |path: &str, last: &str, result: &str| {
        format!("\"PC\",\"{path}\",\"13/02/2025 17:30:00\",\"Ready\",\"x\",\"{last}\",\"{result}\",\"jo\",\"a.exe -x\"")
    };
    let header = "\"HostName\",\"TaskName\",\"Next\",\"Status\",\"Mode\",\"Last\",\"Result\",\"Author\",\"Run\"";
    let list = [header, &row("\\A", "03/02/2025 17:15:00", "0"), &row("\\Only", "N/A", "267011")].join("\n");
    let files = [("A.xml", definition("a")), ("list.csv", list)];
    let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let zone = Some((TimeZone::get("Europe/Berlin").unwrap(), "Europe/Berlin".to_owned()));
    let found = read(&files, &Assumed { zone, ..Assumed::default() });
    // Another date of the same listing tells that days come first.
    assert_eq!(found.entries[0].run.last_run, LastRun::At("2025-02-03T16:15:00Z".parse().unwrap()));
    assert_eq!(found.entries[1].run.last_run, LastRun::Never);
    assert_eq!(found.entries[1].task.warnings, ["only a listing tells of it, not its definition"]);
    let unknown = read(&files, &Assumed::default());
    assert_eq!(unknown.entries[0].run.last_run, LastRun::Unknown("the host's zone is not known".to_owned()));
}
