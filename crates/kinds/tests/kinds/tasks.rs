//! `tasks`: collections become bags, and bags are proven.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

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
fn a_bag_whose_tables_another_version_made_is_proven_by_its_digests() {
    let mut job = Job::new("tasks");
    job.clock = at("2026-05-06T10:01:00Z");
    collected(&job, "2026-05-06T00:00:05Z", true);
    job.run();
    let folder = job.at("target/SRV/2026-05-06");
    let rewritten = |edit: &str| {
        let script = format!(
            "{edit} && find data -type f | xargs sha256sum > manifest-sha256.txt \
             && sha256sum bagit.txt bag-info.txt manifest-sha256.txt > tagmanifest-sha256.txt"
        );
        assert!(Command::new("sh").args(["-c", &script]).current_dir(&folder).status().unwrap().success());
    };
    rewritten("echo more >> data/tables/status.csv");
    assert_eq!(job.verify().cause(), "differs");
    rewritten("sed -i 's/\"tables_version\": *[0-9]*/\"tables_version\":0/' data/terms.json");
    let said = job.verify();
    assert_eq!(said.outcome(), "done", "{}", said.report.sentence);
    assert!(said.report.sentence.contains("of another version of strongroom"), "{}", said.report.sentence);
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
    assert!(said.report.next_step.as_ref().unwrap().starts_with("collect as an administrator"));
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

#[test]
fn a_partial_collection_names_its_cause_and_asks_for_rights_only_if_they_are_lacking() {
    let mut job = Job::new("tasks");
    job.clock = at("2026-05-06T10:01:00Z");
    let root = linux(&job);
    job.write("root/etc/cron.d/bad", "99 * * * * root x\n61 * * * * root x\n");
    job.config = json!({"target": job.at("target"), "root": root});
    let said = job.run();
    let (sentence, next) = (said.report.sentence.clone(), said.report.next_step.clone().unwrap());
    assert_eq!((said.outcome(), said.cause()), ("partial", "collection-partial"));
    assert!(sentence.contains("partial: etc/cron.d/bad line 1 cannot be read: "), "{sentence}");
    assert!(sentence.contains("one more could not be read"), "{sentence}");
    assert!(next.starts_with("correct what could not be read") && !next.contains("administrator"), "{next}");
    assert!(said.text.contains("etc/cron.d/bad line 2 cannot be read: "), "{}", said.text);
}

#[test]
fn a_host_that_no_file_names_is_not_called_unknown() {
    let mut job = Job::new("tasks");
    job.clock = at("2026-05-06T10:01:00Z");
    job.write("source/OpenData/Nightly.xml", XML);
    let said = job.run();
    let start = "1 task of a host that the files do not name collected; the collection is partial: ";
    assert!(said.report.sentence.starts_with(start), "{}", said.report.sentence);
    let next = said.report.next_step.clone().unwrap();
    assert!(next.starts_with("collect with collect.ps1"), "{next}");
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
fn scripts_that_tasks_name_are_kept_within_bounds_and_within_the_root() {
    let mut job = Job::new("tasks");
    job.clock = at("2026-05-06T10:01:00Z");
    let root = linux(&job);
    job.write("outside.sh", "#!/bin/sh\nsecret\n");
    job.write("root/opt/app/run.sh", "#!/bin/sh\nrun\n");
    job.write("root/usr/local/bin/big.sh", "#".repeat(1024 * 1024 + 1));
    job.write("root/usr/local/bin/program", b"\x7fELF\0\0");
    job.write("root/usr/bin/packaged", "#!/bin/sh\n");
    job.write("root/etc/cron.hourly/clean", "#!/bin/sh\nclean\n");
    job.write("root/srv/data.csv", "a,b\n");
    std::os::unix::fs::symlink("/opt/app/run.sh", job.at("root/usr/local/bin/link")).unwrap();
    std::os::unix::fs::symlink("../../../outside.sh", job.at("root/usr/local/bin/out")).unwrap();
    std::os::unix::fs::symlink(job.at("outside.sh"), job.at("root/usr/local/bin/away")).unwrap();
    let lines = "@daily root cd /opt/app && ./run.sh /srv/data.csv >/var/log/x.sh\n@daily root /usr/local/bin/link\n\
        @daily root /usr/local/bin/big.sh\n@daily root /usr/local/bin/program; /usr/bin/packaged\n\
        @daily root /usr/local/bin/out; /usr/local/bin/away; bash /opt/gone.sh\n";
    job.write("root/etc/cron.d/jobs", lines);
    job.config = json!({"target": job.at("target"), "root": root});
    assert_eq!(job.run().outcome(), "done");
    let (gathered, terms) = read_bag(&job.at("target/necro/2026-05-06")).unwrap();
    let copies: Vec<_> =
        gathered.files.keys().filter(|name| name.starts_with("scripts/")).map(String::as_str).collect();
    assert_eq!(copies, ["scripts/etc/cron.hourly/clean", "scripts/opt/app/run.sh"]);
    assert!(!gathered.files.values().any(|bytes| bytes.windows(6).any(|part| part == b"secret")));
    let manifest: Value = serde_json::from_slice(&gathered.files["manifest.json"]).unwrap();
    let listed: Vec<_> = manifest["linux"]["scripts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|script| (script["path"].as_str().unwrap(), script["exists"].as_bool(), script["copy"].is_string()))
        .collect();
    assert_eq!(
        listed,
        [
            ("/etc/cron.hourly/clean", Some(true), true),
            ("/opt/app/run.sh", Some(true), true),
            ("/opt/gone.sh", Some(false), false),
            ("/usr/bin/copy", Some(false), false),
            ("/usr/local/bin/away", Some(false), false),
            ("/usr/local/bin/big.sh", Some(true), false),
            ("/usr/local/bin/link", Some(true), true),
            ("/usr/local/bin/out", Some(false), false),
            ("/usr/local/bin/program", Some(true), false),
        ]
    );
    assert_eq!(manifest["linux"]["links"][0], json!({"path": "usr/local/bin/link", "target": "/opt/app/run.sh"}));
    let run = manifest["linux"]["files"].as_array().unwrap().iter().find(|file| file["path"] == "opt/app/run.sh");
    assert_eq!(run.unwrap()["sha256"].as_str().unwrap().len(), 64);
    let judged = terms.judge(&gathered);
    let first = judged.collection.entries.iter().find(|entry| entry.task.path == "/etc/cron.d/jobs:1").unwrap();
    assert_eq!(first.files[0].path, "/opt/app/run.sh");
    assert_eq!((judged.collection.problems.len(), job.verify().outcome()), (0, "done"));
    assert_eq!(job.run().outcome(), "nothing");
    // A copy that is not the one that was collected is said to be another.
    let mut damaged = gathered.clone();
    damaged.files.insert("scripts/opt/app/run.sh".to_owned(), b"#!/bin/sh\nother\n".to_vec());
    assert_eq!(terms.judge(&damaged).collection.problems[0].0, "scripts/opt/app/run.sh");

    job.clock = at("2026-05-07T10:01:00Z");
    job.config["scripts"] = json!(false);
    assert_eq!(job.run().outcome(), "done");
    let (gathered, terms) = read_bag(&job.at("target/necro/2026-05-07")).unwrap();
    assert!(!gathered.files.keys().any(|name| name.starts_with("scripts/")));
    assert!(terms.judge(&gathered).collection.is_complete());
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
