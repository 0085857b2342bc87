use super::*;
use crate::Problem;
use crate::collection::{Assumed, CollectedFile, read_collection};

fn definition(user: &str, logon: &str, triggers: &str, settings: &str) -> String {
    format!(
        "<Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\"><Triggers>{triggers}</Triggers>\
         <Principals><Principal><UserId>{user}</UserId>{logon}</Principal></Principals><Settings>{settings}</Settings>\
         <Actions><Exec><Command>a.exe</Command></Exec></Actions></Task>"
    )
}

const MANIFEST: &str = r#"{"format":"strongroom-tasks/1","host":"SRV","collected_at":"2026-05-06T10:00:00Z",
"collector":{"elevated":true},"folders":[{"path":"\\","sddl":"D:"},{"path":"\\Open","sddl":"D:(A;;FA;;;BA)"}],
"accounts":[{"sid":"S-1-5-21-1-2-3-1001","name":"SRV\\jo"}],"tasks":[
{"path":"\\Open\\In\\A","file":"A.xml","state":"disabled","files":[{"path":"C:\\x.ps1","exists":false}]},
{"path":"\\B","file":"B.xml","state":"ready","sddl":"O:BA"},{"path":"\\Microsoft\\Windows\\C","file":"C.xml"},
{"path":"\\Lost","state":"ready"}]}"#;

fn planned_from() -> Collection {
    let password = "<LogonType>Password</LogonType>";
    let once = "<TimeTrigger><StartBoundary>2020-01-01T00:00:00</StartBoundary></TimeTrigger>";
    let files = [
        ("manifest.json", MANIFEST.to_owned()),
        ("A.xml", definition("S-1-5-21-1-2-3-1001", password, "<RegistrationTrigger/>", "")),
        ("B.xml", definition("S-1-5-18", "", once, "<StartWhenAvailable>true</StartWhenAvailable>")),
        ("C.xml", definition("S-1-5-18", "", "", "")),
    ];
    let files: Vec<_> = files.iter().map(|(name, text)| CollectedFile { name, bytes: text.as_bytes() }).collect();
    read_collection(&files, &Assumed::default())
}

#[test]
fn a_plan_says_what_is_done_what_is_needed_and_what_is_left_out() {
    let plan = restore_plan(&planned_from(), Selection::default());
    insta::assert_snapshot!(String::from_utf8(plan.json()).unwrap());
}

#[test]
fn a_path_that_leads_elsewhere_is_a_problem_and_no_part_of_a_plan() {
    for path in [r"\..\..\evil", r"\Open\.\evil", r"\Open\..\evil", r"\Microsoft\..\evil", r"\Open\\evil"] {
        let info = format!("<RegistrationInfo><URI>{path}</URI></RegistrationInfo><Triggers>");
        let text = definition("S-1-5-18", "", "", "").replace("<Triggers>", &info);
        let collection =
            read_collection(&[CollectedFile { name: "evil.xml", bytes: text.as_bytes() }], &Assumed::default());
        let plan = restore_plan(&collection, Selection::default());
        assert!(plan.tasks.is_empty() && plan.folders.is_empty(), "{path}: {:?}", plan.tasks);
        assert_eq!(plan.left_out.len(), 1, "{path}");
        assert!(matches!(&collection.problems[..], [(file, Problem::Path(_))] if file == "evil.xml"), "{path}");
    }
}

#[test]
fn only_a_folder_and_what_is_below_it_is_restored_if_one_is_named() {
    let paths = |folder: &str| {
        let selection = Selection { folder: Some(folder), ..Selection::default() };
        restore_plan(&planned_from(), selection).tasks.iter().map(|task| task.path.clone()).collect::<Vec<_>>()
    };
    assert_eq!(paths("\\open"), ["\\Open\\In\\A"]);
    assert_eq!(paths("\\Ope"), Vec::<String>::new());
    assert_eq!(paths("\\").len(), 2);
}

#[test]
fn scripts_are_ascii_and_hold_no_password_and_start_no_other_program() {
    for script in [COLLECT_SCRIPT, RESTORE_SCRIPT] {
        // Windows PowerShell reads a script without a mark in the host's code page.
        assert!(script.is_ascii());
        for word in [
            "Invoke-Expression",
            "iex ",
            "Start-Process",
            "schtasks",
            "cmd /c",
            "ConvertTo-SecureString",
            "DownloadString",
        ] {
            assert!(!script.contains(word), "{word}");
        }
    }
    assert!(RESTORE_SCRIPT.contains(PLAN_FORMAT) && RESTORE_SCRIPT.contains(PLAN_NAME));
    assert!(COLLECT_SCRIPT.contains(crate::manifest::MANIFEST_FORMAT));
}

#[test]
fn what_the_collector_writes_for_a_zone_is_read() {
    let zone = crate::manifest::Zone {
        posix: Some("STD-1:00DST-2:00,M3.5.0/02:00:00,M10.5.0/03:00:00".to_owned()),
        ..crate::manifest::Zone::default()
    };
    let (zone, _) = zone.resolve().unwrap();
    let offset = |at: &str| zone.to_offset(at.parse().unwrap()).seconds();
    assert_eq!((offset("2026-10-25T00:59:59Z"), offset("2026-10-25T01:00:00Z")), (7_200, 3_600));
    let fields = [
        "format",
        "host",
        "collected_at",
        "zone",
        "culture",
        "date_format",
        "oem_page",
        "boot_time",
        "windows",
        "logged_on",
        "folders",
        "accounts",
        "tasks",
        "errors",
        "sha256",
        "state",
        "last_run",
        "last_result",
        "next_run",
        "missed_runs",
        "sddl",
        "files",
        "exists",
        "size_bytes",
        "modified",
        "copy",
        "hresult",
        "message",
        "elevated",
    ];
    for field in fields {
        assert!(COLLECT_SCRIPT.contains(&format!("{field} = ")), "the collector writes {field}");
    }
}
