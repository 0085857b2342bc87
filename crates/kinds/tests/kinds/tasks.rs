//! `tasks`: collections become bags, and bags are proven.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use strongroom_kinds::tasks::{Bag, read_bag};
use strongroom_plugin::protocol::ItemOutcome;
use strongroom_service::Clock;

use super::rig::Job;

const XML: &str = r#"<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
<Triggers><CalendarTrigger><StartBoundary>2024-01-01T02:00:00</StartBoundary>
<ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay></CalendarTrigger></Triggers>
<Principals><Principal id="A"><UserId>S-1-5-18</UserId></Principal></Principals>
<Actions><Exec><Command>copy.exe</Command><Arguments>--password hunter2</Arguments></Exec></Actions></Task>"#;

/// A collector's folder with one task, at that moment.
fn collected(job: &Job, last_run: &str, elevated: bool) {
    let manifest = json!({
        "format": "strongroom-tasks/1", "host": "SRV", "collected_at": "2026-05-06T10:00:00Z",
        "zone": {"iana": "Europe/Berlin"}, "collector": {"elevated": elevated},
        "tasks": [{"path": "\\OpenData\\Nightly", "file": "OpenData/Nightly.xml", "state": "ready",
                   "last_run": last_run, "last_result": 0}],
    });
    job.write("source/manifest.json", manifest.to_string());
    job.write("source/OpenData/Nightly.xml", XML);
}

fn bags(job: &Job, host: &str) -> Vec<String> {
    Bag::all(&job.at("target").join(host)).unwrap().iter().map(Bag::name).collect()
}

fn at(moment: &str) -> Clock {
    Clock::manual(moment.parse().unwrap())
}

#[test]
fn a_collection_becomes_a_bag_a_day_and_nothing_new_writes_none() {
    let mut job = Job::new("tasks");
    job.clock = at("2026-05-06T10:01:00Z");
    collected(&job, "2026-05-06T00:00:05Z", true);
    let planned = job.plan();
    assert_eq!(
        (planned.outcome(), planned.report.sentence.as_str()),
        ("done", "1 task of host SRV would be collected.")
    );
    assert_eq!(bags(&job, "SRV"), [""; 0]);
    let said = job.run();
    assert_eq!((said.outcome(), said.report.sentence.as_str()), ("done", "1 task of host SRV collected."));
    assert!(!said.text.contains("hunter2"));
    assert_eq!(bags(&job, "SRV"), ["2026-05-06"]);
    assert_eq!(job.run().outcome(), "nothing");
    // It did not start again, and something of it changed.
    collected(&job, "2026-05-04T00:00:05Z", true);
    job.write("source/OpenData/Nightly.xml", XML.replace("02:00:00", "03:00:00"));
    let said = job.run();
    assert_eq!(said.report.sentence, "1 task of host SRV collected; 1 is overdue, 1 was changed since 2026-05-06.");
    assert_eq!(bags(&job, "SRV"), ["2026-05-06", "2026-05-06-2"]);
    job.clock = at("2026-05-07T10:01:00Z");
    job.run();
    assert_eq!(bags(&job, "SRV"), ["2026-05-06", "2026-05-06-2", "2026-05-07"]);
    let (gathered, terms) = read_bag(&job.at("target/SRV/2026-05-07")).unwrap();
    assert_eq!((gathered.files.len(), terms.last_changed.len()), (2, 1));
    let status = fs::read_to_string(job.at("target/SRV/2026-05-07/data/tables/status.csv")).unwrap();
    assert!(status.starts_with("Name,Path,LastResult,NextRun,Status,Command,Arguments,host,"), "{status}");
    assert_eq!(fs::read_dir(job.at("target/SRV/2026-05-07/data/tables")).unwrap().count(), 10);
}

#[test]
fn a_bag_is_proven_by_its_digests_and_by_parsing_it_again() {
    let mut job = Job::new("tasks");
    job.clock = at("2026-05-06T10:01:00Z");
    assert_eq!(job.verify().cause(), "target-missing");
    collected(&job, "2026-05-06T00:00:05Z", true);
    job.run();
    let proof = job.verify();
    assert_eq!(proof.outcome(), "done", "{}", proof.report.sentence);
    assert!(proof.report.sentence.contains("every table is the same"), "{}", proof.report.sentence);
    assert_eq!(proof.report.counts.proven, proof.report.evidence.unwrap().files);
    for path in ["data/tables/status.csv", "data/collection/OpenData/Nightly.xml", "bagit.txt", "manifest-sha256.txt"] {
        let file = format!("target/SRV/2026-05-06/{path}");
        job.flip(&file);
        let said = job.verify();
        assert_eq!(said.outcome(), "failed", "{path}");
        assert!(path == "manifest-sha256.txt" || said.has(path, ItemOutcome::Differs), "{path}: {}", said.text);
        job.flip(&file);
    }
    job.write("target/SRV/2026-05-06/data/more", "x");
    let said = job.verify();
    assert!(said.outcome() == "failed" && said.has("data/more", ItemOutcome::Extra), "{}", said.text);
    fs::remove_file(job.at("target/SRV/2026-05-06/data/more")).unwrap();
    fs::remove_file(job.at("target/SRV/2026-05-06/data/tables/status.csv")).unwrap();
    assert_eq!(job.verify().cause(), "not-proven");
}

#[test]
fn what_may_lack_tasks_is_partial_and_an_empty_source_has_failed() {
    let mut job = Job::new("tasks");
    job.clock = at("2026-05-06T10:01:00Z");
    assert_eq!((job.run().outcome(), bags(&job, "unknown").len()), ("failed", 0));
    collected(&job, "2026-05-06T00:00:05Z", false);
    let said = job.run();
    assert_eq!((said.outcome(), said.cause()), ("partial", "collection-partial"));
    assert!(said.report.sentence.contains("without an administrator's rights"), "{}", said.report.sentence);
    assert_eq!(bags(&job, "SRV").len(), 1);
    fs::remove_dir_all(job.at("source")).unwrap();
    assert_eq!(job.run().cause(), "source-missing");
    job.write("source/notes.txt", "Call the client\n");
    let said = job.run();
    assert_eq!((said.outcome(), said.cause()), ("failed", "source-unreadable"));
    let mut wrong = Job::new("tasks").with("zone", json!("Mars/X")).with("code_page", json!(3));
    assert_eq!(wrong.validate().pointers(), ["/zone", "/code_page"]);
}

#[test]
fn what_was_agreed_for_a_task_is_kept_with_its_collection() {
    let mut job = Job::new("tasks").with("quiet", json!({"\\opendata\\nightly": "retired in June"}));
    job.clock = at("2026-05-06T10:01:00Z");
    collected(&job, "2026-05-04T00:00:05Z", true);
    assert_eq!(job.run().report.sentence, "1 task of host SRV collected.");
    let status = fs::read_to_string(job.at("target/SRV/2026-05-06/data/tables/status.csv")).unwrap();
    assert!(status.contains("retired in June") && status.contains(",yes,"), "{status}");
    assert_eq!(job.verify().outcome(), "done");
}

/// A Linux host's file system below a folder.
fn linux(job: &Job) -> PathBuf {
    job.write("root/etc/hostname", "necro\n");
    job.write("root/etc/timezone", "Europe/Berlin\n");
    job.write("root/etc/passwd", "root:x:0:0::/root:/bin/sh\n");
    job.write("root/etc/crontab", "17 3 * * * root run-parts /etc/cron.hourly\n");
    job.write("root/etc/cron.d/jobs", "@daily backup tar c /srv\n");
    job.write("root/var/spool/cron/crontabs/jo", "0 3 * * 1 mine\n");
    job.write("root/etc/systemd/system/night.timer", "[Timer]\nOnCalendar=*-*-* 02:00\nUnit=copy.service\n");
    job.write("root/etc/systemd/system/night.timer.d/late.conf", "[Timer]\nRandomizedDelaySec=5min\n");
    job.write("root/etc/systemd/system/copy.service", "[Service]\nExecStart=/usr/bin/copy all\n");
    job.write("root/etc/systemd/system/web.service", "[Service]\nExecStart=/usr/bin/web\n");
    fs::create_dir(job.at("root/etc/systemd/system/timers.target.wants")).unwrap();
    let link = job.at("root/etc/systemd/system/timers.target.wants/night.timer");
    std::os::unix::fs::symlink("../night.timer", link).unwrap();
    job.write("root/var/lib/systemd/timers/stamp-night.timer", "");
    job.at("root")
}

#[test]
fn a_linux_hosts_own_files_are_collected_with_their_owners() {
    let mut job = Job::new("tasks");
    job.clock = at("2026-05-06T10:01:00Z");
    let root = linux(&job);
    job.config = json!({"target": job.at("target"), "root": root});
    let said = job.run();
    assert_eq!((said.outcome(), said.report.sentence.as_str()), ("done", "4 tasks of host necro collected."));
    let (gathered, _) = read_bag(&job.at("target/necro/2026-05-06")).unwrap();
    let names: Vec<_> = gathered.files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "etc/cron.d/jobs",
            "etc/crontab",
            "etc/systemd/system/copy.service",
            "etc/systemd/system/night.timer",
            "etc/systemd/system/night.timer.d/late.conf",
            "manifest.json",
            "var/spool/cron/crontabs/jo",
        ]
    );
    let manifest: Value = serde_json::from_slice(&gathered.files["manifest.json"]).unwrap();
    assert_eq!(manifest["linux"]["enabled"], json!(["night.timer"]));
    assert_eq!(manifest["linux"]["stamps"][0][0], "var/lib/systemd/timers/stamp-night.timer");
    assert_eq!(manifest["linux"]["files"].as_array().unwrap().len(), 6);
    assert_eq!(manifest["zone"]["iana"], "Europe/Berlin");
    assert_eq!((job.verify().outcome(), job.run().outcome()), ("done", "nothing"));
}

#[test]
fn windows_tasks_are_collected_by_the_shipped_script() {
    let mut job = Job::new("tasks");
    job.clock = at("2026-05-06T10:01:00Z");
    collected(&job, "2026-05-06T00:00:05Z", true);
    // It stands for PowerShell, which is not to be had everywhere.
    let stand_in = job.script(
        "powershell",
        "grep -q 'Schedule.Service' \"$6\" || exit 9\n[ \"$7\" = -Out ] && [ \"$9\" = -NoScripts ] || exit 8\n\
         cp -r \"$(dirname \"$0\")/source\" \"$8\"\nexit 3",
    );
    job.config = json!({"target": job.at("target"), "powershell": stand_in, "scripts": false});
    let said = job.run();
    assert_eq!((said.outcome(), bags(&job, "SRV").len()), ("done", 1), "{}", said.text);
    let stand_in = job.script("powershell", "exit 1");
    job.config["powershell"] = json!(stand_in);
    let said = job.run();
    assert!(said.outcome() == "failed" && said.report.sentence.contains("ended with 1"), "{}", said.report.sentence);
}
