//! `strongroom tasks`: a folder of exported tasks, and a Linux host that is collected, restored elsewhere and collected
//! again.

mod in_a_root;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use strongroom_plugin::protocol::{Operation, Request};

use crate::rig::{Ended, run};

/// An exported task that starts at that time and runs a command with a password.
fn xml(time: &str, command: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\n\
         <Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">\n\
         <Triggers><CalendarTrigger><StartBoundary>2024-01-01T{time}</StartBoundary>\n\
         <ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay></CalendarTrigger></Triggers>\n\
         <Principals><Principal id=\"A\"><UserId>S-1-5-18</UserId></Principal></Principals>\n\
         <Actions><Exec><Command>{command}</Command><Arguments>/password:hunter2</Arguments></Exec></Actions></Task>"
    )
}

fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// As `Export-ScheduledTask` writes it to a file in Windows PowerShell.
fn utf16(text: &str) -> Vec<u8> {
    ["\u{feff}", text].concat().encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn a_folder_of_exported_tasks_becomes_tables_a_diff_and_a_restore_script() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (folder.path().join("old"), folder.path().join("new"));
    write(&old.join("OpenData/Nightly.xml"), utf16(&xml("02:00:00", "copy.exe")));
    write(&old.join("OpenData/Gone.xml"), xml("03:00:00", "gone.exe"));
    write(&new.join("OpenData/Nightly.xml"), utf16(&xml("04:00:00", "copy.exe")));
    write(&new.join("Other/Weekly.xml"), xml("05:00:00", "week.exe"));
    let tasks = |args: &[&str]| run(folder.path(), &[&["tasks"], args].concat());

    let listed = tasks(&["list", "--from", "new", "--host", "SRV1"]).expect(2);
    assert!(listed.stdout.starts_with("SRV1: 2 tasks\n  \\OpenData\\Nightly  daily at 04:00; "), "{}", listed.stdout);
    assert!(listed.stdout.contains("partial: ") && !listed.stdout.contains("hunter2"), "{}", listed.stdout);
    let words = "daily at 04:00; its last result is not known; cannot tell whether it is overdue";
    assert!(listed.stdout.contains(words) && !listed.stdout.contains("unread"), "{}", listed.stdout);
    let some = tasks(&["list", "--from", "new", "--folder", "\\opendata", "--json"]).expect(2).json();
    assert_eq!((some.as_array().unwrap().len(), &some[0]["path"]), (1, &json!("\\OpenData\\Nightly")));
    assert_eq!(some[0]["host"], Value::Null);

    // Nothing tells how they stand, and which rights the account had: a person must look.
    let status = tasks(&["status", "--from", "new", "--out", "tables"]).expect(2);
    assert!(
        status.stdout.starts_with("2 tasks of a host that the files do not name; 0 need a person\n"),
        "{}",
        status.stdout
    );
    assert!(!status.stdout.contains("hunter2"), "{}", status.stdout);
    assert_eq!(fs::read_dir(folder.path().join("tables")).unwrap().count(), 10);
    let definitions = fs::read_to_string(folder.path().join("tables/definitions.csv")).unwrap();
    let mut lines = definitions.lines();
    assert!(lines.next().unwrap().starts_with("name,description,interval,path,host,task_path,"), "{definitions}");
    assert!(
        lines.next().unwrap().starts_with("Nightly,,daily at 04:00,copy.exe,,\\OpenData\\Nightly,"),
        "{definitions}"
    );

    let shown = tasks(&["show", "Nightly", "--from", "new"]).expect(0);
    assert!(shown.stdout.contains("/password:hunter2"), "{}", shown.stdout);
    let missing = tasks(&["show", "Nobody", "--from", "new"]).expect(1);
    assert!(missing.stderr.contains("there is no task Nobody"), "{}", missing.stderr);

    let diff = tasks(&["diff", "old", "new"]).expect(0);
    for line in [
        "\\OpenData\\Gone  removed",
        "\\OpenData\\Nightly  trigger changed: daily at 02:00 → daily at 04:00",
        "\\Other\\Weekly  added",
    ] {
        assert!(diff.stdout.contains(line), "{line}: {}", diff.stdout);
    }

    tasks(&["restore", "--from", "new", "--folder", "\\OpenData", "--out", "restore"]).expect(2);
    let plan: Value =
        serde_json::from_slice(&fs::read(folder.path().join("restore/restore-plan.json")).unwrap()).unwrap();
    assert_eq!(
        (plan["tasks"].as_array().unwrap().len(), &plan["tasks"][0]["file"]),
        (1, &json!("OpenData/Nightly.xml"))
    );
    assert!(
        folder.path().join("restore/restore.ps1").is_file()
            && folder.path().join("restore/OpenData/Nightly.xml").is_file()
    );
    let again = tasks(&["restore", "--from", "new", "--out", "restore"]).expect(1);
    assert!(again.stderr.contains("is not empty"), "{}", again.stderr);
}

#[test]
fn what_is_no_collection_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    for (args, message) in [
        (["list", "--from", "nowhere"], "cannot read nowhere"),
        (["list", "--from", "empty"], "empty has no files"),
        (["diff", "--from", "empty"], "there are no two collections of a host"),
    ] {
        let ended = run(folder.path(), &[&["tasks"], &args[..]].concat()).expect(1);
        assert!(ended.stderr.contains(message) && ended.stderr.contains("next: "), "{}", ended.stderr);
    }
    run(folder.path(), &["tasks", "list", "--from", "empty", "--zone", "Mars/X"]).expect(64);
}

/// Runs the built-in kind as a host does, and gives its result.
fn collect(folder: &Path, root: &Path) -> Value {
    let request = Request {
        job: "tasks".to_owned(),
        run: "01J".to_owned(),
        config: json!({"root": root, "target": folder.join("target")}),
        workdir: folder.to_str().unwrap().to_owned(),
        ..Request::new(Operation::Run)
    };
    let line = serde_json::to_string(&strongroom_plugin::HostMessage::Request(Box::new(request))).unwrap() + "\n";
    let mut command = crate::rig::program(folder, &["plugin", "serve", "tasks"]);
    write(&folder.join("request"), line);
    command.stdin(fs::File::open(folder.join("request")).unwrap());
    let ended = Ended::from(command.output().unwrap()).expect(0);
    serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap()
}

#[test]
fn a_linux_host_is_restored_by_the_script_and_collected_again_with_the_same_tasks() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (folder.path().join("old"), folder.path().join("new"));
    fs::create_dir(folder.path().join("target")).unwrap();
    for (path, text) in [
        ("etc/crontab", "17 3 * * * root copy\n"),
        ("etc/cron.d/jobs", "@daily backup tar c /srv\n"),
        ("var/spool/cron/crontabs/jo", "0 3 * * 1 mine\n"),
        ("etc/systemd/system/night.timer", "[Timer]\nOnCalendar=*-*-* 02:00\n[Install]\nWantedBy=timers.target\n"),
        ("etc/systemd/system/night.timer.d/late.conf", "[Timer]\nRandomizedDelaySec=5min\n"),
        ("etc/systemd/system/night.service", "[Service]\nExecStart=/usr/bin/copy all\n"),
    ] {
        write(&old.join(path), text);
    }
    for root in [&old, &new] {
        write(&root.join("etc/hostname"), "necro\n");
        write(&root.join("etc/timezone"), "Europe/Berlin\n");
        write(&root.join("etc/passwd"), fs::read("/etc/passwd").unwrap());
        write(&root.join("etc/group"), fs::read("/etc/group").unwrap());
    }
    let first = collect(folder.path(), &old);
    assert_eq!((&first["outcome"], &first["sentence"]), (&json!("done"), &json!("4 tasks of host necro collected.")));
    let tasks = |args: &[&str]| run(folder.path(), &[&["tasks"], args].concat());
    tasks(&["restore", "--from", "target", "--out", "restore"]).expect(0);
    let script = folder.path().join("restore/restore.sh");
    let restored = Command::new("sh").arg(script).arg("--root").arg(&new).arg("--apply").output().unwrap();
    assert!(restored.status.success(), "{restored:?}");

    // The same files with the same owners and permissions: there is nothing new.
    let second = collect(folder.path(), &new);
    assert_eq!((&second["outcome"], &second["counts"]["copied"]), (&json!("nothing"), &json!(0)), "{second}");
    write(&new.join("etc/cron.d/jobs"), "@weekly backup tar c /srv\n");
    assert_eq!(collect(folder.path(), &new)["outcome"], "done");
    let diff = tasks(&["diff", "--from", "target"]).expect(0);
    assert!(diff.stdout.contains("/etc/cron.d/jobs:1  trigger changed"), "{}", diff.stdout);
    assert!(diff.stdout.contains("; /etc/cron.d/jobs was last written 20"), "{}", diff.stdout);
    assert!(diff.stdout.starts_with("necro: 1 change between 20"), "{}", diff.stdout);
}
