//! Backup jobs, from an installed program to the morning's mail.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use strongroom_tests::mailbox::Mailbox;
use strongroom_tests::program::{Call, Ended, Running};
use strongroom_tests::wait::{until, until_true};
use tempfile::TempDir;

/// A site that has only jobs, a folder of files, and a disk.
struct JobSite {
    folder: TempDir,
}

/// A plugin; see there for what a test can have it do.
const COPY: &str = include_str!("../../src/copy.sh");

impl JobSite {
    fn new(job: &str) -> Self {
        let site = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(site.path("source/of/ann")).unwrap();
        fs::create_dir(site.path("disk")).unwrap();
        fs::write(site.path("source/a.txt"), "first").unwrap();
        fs::write(site.path("source/of/ann/b.txt"), "second").unwrap();
        fs::write(site.path("copy.sh"), COPY).unwrap();
        fs::set_permissions(site.path("copy.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        site.configure(job);
        site
    }

    fn configure(&self, job: &str) {
        let text = format!(
            "site = \"office\"\ntime_zone = \"UTC\"\n[[job]]\nname = \"documents\"\nsource = \"source\"\n\
             target = \"disk/documents\"\nmax_age = \"2d\"\n{job}\n[transfer]\npatience = \"1s\"\n[watch]\nevery = \"1s\"\nmonitor_every = \"1s\"\n"
        );
        fs::write(self.path("strongroom.toml"), text).unwrap();
    }

    fn plugin(&self) -> String {
        plugin_at(&self.path("copy.sh"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn call(&self, args: &[&str]) -> Call {
        Call::new(self.folder.path(), args)
    }

    fn run(&self, args: &[&str]) -> Ended {
        self.call(args).run()
    }

    fn init_target(&self) {
        self.run(&["target", "init", "disk", "--label", "Blue"]).expect_code(0);
    }

    fn jobs(&self) -> Value {
        // The very first time, the log is only about to be made.
        let listed = self.run(&["job", "list", "--json"]);
        serde_json::from_str(&listed.stdout).unwrap_or_default()
    }

    fn state(&self) -> String {
        self.jobs()[0]["state"].as_str().unwrap_or_default().to_owned()
    }

    fn outcomes(&self) -> Vec<String> {
        let history = self.run(&["job", "history", "documents", "--json"]).json();
        let runs = history.as_array().unwrap().iter();
        runs.map(|run| run["run"]["outcome"].as_str().unwrap().to_owned()).collect()
    }

    fn service(&self) -> Running {
        self.call(&["run"]).env("STRONGROOM_CLOCK", self.path("clock").to_str().unwrap()).start()
    }

    fn alarms(&self) -> Vec<String> {
        let raised = self.run(&["list", "alarms", "--json"]).json();
        let raised = raised["items"].as_array().unwrap().clone().into_iter();
        let raised = raised.filter(|alarm| alarm["cleared"].is_null());
        raised.map(|alarm| alarm["kind"].as_str().unwrap().to_owned()).collect()
    }
}

fn plugin_at(program: &Path) -> String {
    format!("kind = \"plugin\"\nprogram = [\"{}\"]", program.display())
}

#[test]
fn r10_a_nightly_job_is_done_proven_and_told_in_the_mornings_mail() {
    let site = JobSite::new("kind = \"plugin\"\nprogram = [\"/nowhere\"]");
    site.configure(&format!("{}\ncron = \"0 22 * * *\"", site.plugin()));
    site.run(&["config", "check"]).expect_code(0);
    site.init_target();
    let service = site.service();
    until_true("the job to be defined", || site.jobs()[0]["next_due"].is_string());
    assert_eq!(site.state(), "waiting");
    // The next evening, and the midnight after it.
    fs::write(site.path("clock"), "86400").unwrap();
    until_true("the job to be proven", || site.state() == "proven");
    assert_eq!(fs::read_to_string(site.path("disk/documents/of/ann/b.txt")).unwrap(), "second");
    let mailbox = Mailbox::new(&site.path("data/mail"));
    fs::write(site.path("clock"), "172800").unwrap();
    let mail = until("the summary", || mailbox.summaries().into_iter().last());
    let text = mail.part("text/plain");
    assert!(text.contains("JOBS") && text.contains("documents: "), "{text}");
    service.stop();
    assert!(!site.outcomes().is_empty() && site.outcomes().iter().all(|outcome| outcome == "proven"));
    let said = site.run(&["status"]).stdout;
    assert!(said.contains("documents"), "{said}");
    site.run(&["log", "verify"]).expect_code(0);
}

#[test]
fn r6_nothing_is_written_where_the_disk_should_be_mounted() {
    let site = JobSite::new("kind = \"plugin\"\nprogram = [\"/nowhere\"]");
    site.configure(&site.plugin());
    let refused = site.run(&["job", "run", "documents"]).expect_code(1);
    assert!(refused.stderr.contains("in no target") && refused.stderr.contains("target init"), "{}", refused.said());
    assert!(!site.path("disk/documents").exists());
    site.init_target();
    site.run(&["job", "run", "documents"]).expect_code(0);
    // The disk is unplugged, and its mount point stays.
    fs::rename(site.path("disk"), site.path("unplugged")).unwrap();
    fs::create_dir(site.path("disk")).unwrap();
    site.run(&["job", "run", "documents"]).expect_code(1);
    assert_eq!(fs::read_dir(site.path("disk")).unwrap().count(), 0);
    // Another disk.
    site.init_target();
    let other = site.run(&["job", "run", "documents"]).expect_code(1);
    assert!(other.stderr.contains("another disk or share is mounted there"), "{}", other.said());
    assert!(!site.path("disk/documents").exists());
    fs::remove_dir_all(site.path("disk")).unwrap();
    fs::rename(site.path("unplugged"), site.path("disk")).unwrap();
    site.run(&["job", "run", "documents"]).expect_code(0);
}

#[test]
fn r10_a_flipped_byte_is_found_raised_and_mended_by_the_next_run() {
    let site = JobSite::new("kind = \"plugin\"\nprogram = [\"/nowhere\"]");
    site.configure(&site.plugin());
    site.init_target();
    site.run(&["job", "run", "documents"]).expect_code(0);
    fs::write(site.path("disk/documents/a.txt"), "fi\u{0}st").unwrap();
    let found = site.run(&["job", "run", "documents", "--prove"]).expect_code(2);
    assert!(found.stdout.contains("damaged"), "{}", found.said());
    assert_eq!(site.state(), "damaged");
    let service = site.service();
    until_true("the alarm", || site.alarms().contains(&"job-damaged".to_owned()));
    site.run(&["status"]).expect_code(2).expect_said("job-damaged");
    site.run(&["job", "run", "documents"]).expect_code(0);
    until_true("the end of the alarm", || !site.alarms().contains(&"job-damaged".to_owned()));
    assert_eq!(site.state(), "proven");
    service.stop();
}

#[test]
fn r3_a_run_that_was_killed_in_the_middle_is_recorded_as_interrupted_and_done_again() {
    let site = JobSite::new("kind = \"plugin\"\nprogram = [\"/nowhere\"]");
    site.configure(&site.plugin());
    site.init_target();
    fs::write(site.path("source.wait"), "").unwrap();
    let service = site.service();
    until_true("the job to be defined", || site.jobs()[0]["name"] == "documents");
    site.run(&["job", "run", "documents", "--detach"]).expect_code(0);
    until_true("the tool to begin", || site.path("source.starts").exists());
    service.kill();
    fs::remove_file(site.path("source.wait")).unwrap();
    fs::remove_file(site.path("source.starts")).unwrap();
    let service = site.service();
    until_true("the run to be done again", || site.state() == "proven");
    service.stop();
    let replayed = site.run(&["replay"]).expect_code(0).stdout;
    assert!(replayed.contains("ended in the middle of it"), "{replayed}");
    assert_eq!(site.outcomes(), ["proven"]);
}

#[test]
fn r3_a_run_by_hand_that_was_killed_is_finished_by_the_same_command_whatever_its_retries() {
    let site = JobSite::new("kind = \"plugin\"\nprogram = [\"/nowhere\"]");
    site.configure(&format!("{}\nretry = []", site.plugin()));
    site.init_target();
    fs::write(site.path("source.wait"), "").unwrap();
    let killed = site.call(&["job", "run", "documents"]).start();
    until_true("the tool to begin", || site.path("source.starts").exists());
    for verb in [&["job", "list"][..], &["job", "show", "documents"], &["job", "history", "documents"], &["status"]] {
        site.run(verb).expect_said("A run has been copying on host ").expect_said("was interrupted");
    }
    killed.kill();
    fs::remove_file(site.path("source.wait")).unwrap();
    site.run(&["job", "run", "documents"]).expect_code(0).expect_said("proven");
    site.run(&["job", "history", "documents"]).expect_code(0).expect_said("  attempt 1 failed at ");
    let exported = site.run(&["log", "export"]).expect_code(0).stdout;
    assert_eq!(exported.matches("\"kind\":\"interrupted\"").count(), 1, "{exported}");
    assert_eq!(site.outcomes(), ["proven"]);
}

#[test]
fn r11_a_run_is_cancelled_by_a_request_in_the_log() {
    let site = JobSite::new("kind = \"plugin\"\nprogram = [\"/nowhere\"]");
    site.configure(&site.plugin());
    site.init_target();
    fs::write(site.path("source.wait"), "").unwrap();
    let service = site.service();
    until_true("the job to be defined", || site.jobs()[0]["name"] == "documents");
    site.run(&["job", "run", "documents", "--detach"]).expect_code(0);
    until_true("the tool to begin", || site.path("source.starts").exists());
    site.run(&["job", "cancel", "documents", "--reason", "the link is needed"]).expect_code(0);
    // A second request changes nothing, whether the run has ended by then or not.
    site.run(&["job", "cancel", "documents", "--reason", "never mind"]);
    until_true("the run to end", || site.outcomes() == ["cancelled"]);
    service.stop();
    let shown = site.run(&["job", "show", "documents"]);
    assert!(shown.stdout.contains("the link is needed"), "{}", shown.said());
}

#[test]
fn a_plugin_that_was_changed_is_not_started_until_a_person_accepts_it() {
    let site = JobSite::new("kind = \"plugin\"\nprogram = [\"/nowhere\"]");
    site.configure(&site.plugin());
    site.init_target();
    site.run(&["job", "run", "documents"]).expect_code(0);
    fs::write(site.path("copy.sh"), format!("{COPY}\n# changed\n")).unwrap();
    let refused = site.run(&["job", "run", "documents"]).expect_code(1);
    assert!(refused.stderr.contains("has changed since it was accepted"), "{}", refused.said());
    site.run(&["job", "accept", "documents"]).expect_code(0);
    site.run(&["job", "run", "documents"]).expect_code(0);
}

#[test]
fn a_tools_log_is_compared_with_its_digest_in_the_event_log() {
    let site = JobSite::new("kind = \"plugin\"\nprogram = [\"/nowhere\"]");
    site.configure(&site.plugin());
    site.init_target();
    site.run(&["job", "run", "documents"]).expect_code(0);
    site.run(&["job", "log", "documents"]).expect_code(0).expect_said("as the event log has it");
    let log = fs::read_dir(site.path("data/jobs/documents")).unwrap().map(|entry| entry.unwrap().path());
    let log = log.filter(|path| path.to_str().unwrap().ends_with(".run.log")).last().unwrap();
    fs::write(&log, "nothing happened").unwrap();
    site.run(&["job", "log", "documents"]).expect_code(2).expect_said("CHANGED");
}

#[test]
fn the_log_of_a_run_that_failed_has_its_digest_in_the_event_log_too() {
    let site = JobSite::new("kind = \"plugin\"\nprogram = [\"/nowhere\"]");
    fs::write(site.path("copy.sh"), COPY.replace("cp -R", "echo the disk is broken >&2; exit 9; cp -R")).unwrap();
    site.configure(&format!("{}\nretry = []", site.plugin()));
    site.init_target();
    site.run(&["job", "run", "documents"]).expect_code(1);
    assert_eq!(site.outcomes(), ["failed"]);
    let shown = site.run(&["job", "log", "documents", "--json"]).expect_code(0).json();
    let log = &shown["logs"][0];
    assert_eq!(log["is_intact"], true, "{shown}");
    assert!(log["text"].as_str().unwrap().contains("the disk is broken"), "{shown}");
    fs::write(site.path(log["path"].as_str().unwrap()), "nothing happened").unwrap();
    site.run(&["job", "log", "documents"]).expect_code(2).expect_said("CHANGED");
}

#[test]
fn r10_damage_that_a_plugin_finds_without_evidence_is_damage() {
    let site = JobSite::new("kind = \"plugin\"\nprogram = [\"/nowhere\"]");
    let found = r#"echo '{"type":"item","path":"a.txt","outcome":"differs"}'; \
        echo '{"type":"result","outcome":"failed","cause":"proof-failed","sentence":"It is bad."}' ;;
*) echo"#;
    let looks_badly = COPY.replace("verify)", "other)").replace("*) echo", &format!("verify) {found}"));
    fs::write(site.path("copy.sh"), looks_badly).unwrap();
    site.configure(&site.plugin());
    site.init_target();
    site.run(&["job", "run", "documents"]).expect_code(2).expect_said("damaged");
    assert_eq!(site.state(), "damaged");
    site.run(&["job", "show", "documents"]).expect_code(2).expect_said("a.txt");
}

#[test]
fn r10_a_proof_that_cannot_be_made_is_a_failed_run_and_not_a_copied_one() {
    let site = JobSite::new("kind = \"plugin\"\nprogram = [\"/nowhere\"]");
    let blind = r#"echo '{"type":"result","outcome":"failed","cause":"tool-failed","sentence":"It broke."}' ;;
*) echo"#;
    fs::write(site.path("copy.sh"), COPY.replace("verify)", "other)").replace("*) echo", &format!("verify) {blind}")))
        .unwrap();
    site.configure(&format!("{}\nretry = []", site.plugin()));
    site.init_target();
    site.run(&["job", "run", "documents"]).expect_code(1);
    assert_eq!(site.state(), "failed");
}

#[test]
fn a_run_whose_log_has_no_room_ends_with_the_reason_and_is_done_again() {
    let site = JobSite::new("kind = \"plugin\"\nprogram = [\"/nowhere\"]");
    site.configure(&site.plugin());
    site.init_target();
    // Each attempt gets one commit further than the one before, until the first that needs no more.
    let ended = (1..20).find(|from| {
        let full = format!("eventlog.commit-not-done:{from}-=ENOSPC");
        let ended = site.call(&["job", "run", "documents"]).env("STRONGROOM_FAULT", &full).run();
        let is_done = ended.stdout.contains("proven");
        if !is_done {
            ended.expect_code(1).expect_said("the disk with the log is full").expect_said("make room there");
        }
        is_done
    });
    assert!(ended.is_some_and(|from| from > 3), "{ended:?}");
    site.run(&["job", "run", "documents"]).expect_code(0);
    assert_eq!(site.state(), "proven");
}

#[test]
fn a_run_is_tried_again_as_its_own_job_says_and_then_has_failed() {
    let site = JobSite::new("kind = \"rsync\"\nretry = [\"1s\", \"1s\"]");
    site.init_target();
    fs::rename(site.path("source"), site.path("moved")).unwrap();
    let service = site.service();
    until_true("the job to be defined", || site.jobs()[0]["name"] == "documents");
    site.run(&["job", "run", "documents", "--detach"]).expect_code(0);
    until_true("the run to fail", || site.outcomes() == ["failed"]);
    service.stop();
    let exported = site.run(&["log", "export"]).expect_code(0).stdout;
    assert_eq!(exported.matches("\"kind\":\"source-missing\"").count(), 3, "{exported}");
}

#[test]
fn r6_nothing_is_planned_for_an_empty_mount_point_or_another_disk() {
    let site = JobSite::new("kind = \"rsync\"");
    site.run(&["job", "plan", "documents"]).expect_code(1).expect_said("in no target");
    site.init_target();
    site.run(&["job", "plan", "documents"]).expect_code(0).expect_said("would copy 2 files");
    site.run(&["job", "run", "documents"]).expect_code(0);
    fs::rename(site.path("disk"), site.path("away")).unwrap();
    fs::create_dir(site.path("disk")).unwrap();
    site.run(&["job", "plan", "documents"]).expect_code(1).expect_said("in no target");
    site.run(&["target", "init", "disk", "--label", "Red"]).expect_code(0);
    site.run(&["job", "plan", "documents"]).expect_code(1).expect_said("another disk or share");
    assert!(!site.path("disk/documents").exists());
}

#[test]
fn r6_a_copy_that_was_moved_away_is_not_made_anew() {
    let site = JobSite::new("kind = \"rsync\"");
    site.init_target();
    site.run(&["job", "run", "documents"]).expect_code(0);
    fs::rename(site.path("disk/documents"), site.path("disk/old")).unwrap();
    for verb in ["run", "plan"] {
        site.run(&["job", verb, "documents"]).expect_code(1).expect_said("is not in target \"Blue\" any more");
    }
    assert!(!site.path("disk/documents").exists());
    fs::rename(site.path("disk/old"), site.path("disk/documents")).unwrap();
    site.run(&["job", "run", "documents"]).expect_code(0).expect_said("Nothing to copy");
}

#[test]
fn a_data_folder_that_is_read_only_is_named_by_every_command_that_records() {
    let site = JobSite::new("kind = \"rsync\"");
    site.init_target();
    site.run(&["job", "run", "documents"]).expect_code(0);
    let remounted = "mount --bind data data && mount -o remount,bind,ro data && exec \"$@\"";
    let call = |args: &[&str]| site.call(args).through(&["unshare", "--mount", "sh", "-c", remounted, "sh"]).run();
    for (verb, code) in [(&["status"][..], 2), (&["job", "run", "documents"], 1), (&["doctor"], 2)] {
        call(verb).expect_code(code).expect_said("ead-only");
    }
    call(&["status"]).expect_said("nothing can be recorded");
    call(&["job", "run", "documents"]).expect_said("mount it for writing");
}

/// The lines of a code block of the README's section on jobs, with our disk in the place of the reader's.
fn readme_block(language: &str, number: usize, disk: &Path) -> String {
    let readme = fs::read_to_string(strongroom_tests::schemas::workspace_root().join("README.md")).unwrap();
    let section = readme.split("\n## ").find(|section| section.starts_with("A backup job, in five minutes")).unwrap();
    let opened = format!("```{language}\n");
    let block = section.split(&opened).nth(number).unwrap().split("```").next().unwrap();
    block.replace("/mnt/disk", disk.to_str().unwrap())
}

#[test]
fn the_readmes_backup_job_works_as_it_is_written() {
    let home = tempfile::tempdir().unwrap();
    let (disk, programs, site) = (home.path().join("disk"), home.path().join("bin"), home.path().join("strongroom"));
    for folder in [&disk, &programs, &home.path().join("Documents/letters")] {
        fs::create_dir_all(folder).unwrap();
    }
    fs::write(home.path().join("Documents/letters/to-ann.txt"), "Dear Ann").unwrap();
    std::os::unix::fs::symlink(strongroom_tests::program::path(), programs.join("strongroom")).unwrap();
    let shell = |script: &str, folder: &Path| {
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
        let mut command = std::process::Command::new("sh");
        command.args(["-e", "-c", script]).current_dir(folder).env("HOME", home.path()).env("PATH", path);
        let ended = command.output().unwrap();
        assert!(ended.status.success(), "{script}\n{}", String::from_utf8_lossy(&ended.stderr));
        String::from_utf8(ended.stdout).unwrap()
    };
    shell(&readme_block("sh", 1, &disk), home.path());
    fs::write(site.join("strongroom.toml"), readme_block("toml", 1, &disk)).unwrap();
    let commands = readme_block("sh", 2, &disk);
    let (by_hand, service) = commands.split_once("strongroom run ").unwrap();
    let said = shell(by_hand, &site);
    assert!(said.contains("proven") && said.contains("Next run due"), "{said}");
    assert_eq!(fs::read_to_string(disk.join("documents/letters/to-ann.txt")).unwrap(), "Dear Ann");
    // The last line is the service, with what it is for.
    assert_eq!(service.lines().count(), 1, "{commands}");
    let service = Call::new(&site, ["run"]).env("HOME", home.path().to_str().unwrap()).start();
    until_true("the service to be seen", || {
        Call::new(&site, ["status"]).env("HOME", home.path().to_str().unwrap()).run().stdout.contains("  process ")
    });
    service.stop();
}

#[test]
fn the_doctor_of_a_site_with_jobs_only_looks_at_the_jobs() {
    let site = JobSite::new("kind = \"rsync\"");
    site.run(&["doctor"]).expect_code(2).expect_said("in no target").expect_said("strongroom target init");
    site.init_target();
    let well = site.run(&["doctor"]).expect_code(0);
    assert!(well.stdout.contains("documents: its target is \"Blue\""), "{}", well.said());
    assert!(!well.stdout.contains("document server") && !well.stdout.contains("drive"), "{}", well.said());
}

#[test]
fn r8_a_host_that_nothing_is_heard_of_is_shown_before_its_jobs() {
    let site = JobSite::new("kind = \"plugin\"\nprogram = [\"/nowhere\"]");
    site.configure(&format!("{}\nevery = \"1h\"", site.plugin()));
    site.init_target();
    site.run(&["job", "run", "documents"]).expect_code(0);
    let said = site.run(&["status"]).stdout;
    assert!(said.contains(" on time ") && said.contains("does 1 job"), "{said}");
    fs::write(site.path("clock"), "259200").unwrap();
    let clock = site.path("clock");
    let late = site.call(&["status"]).env("STRONGROOM_CLOCK", clock.to_str().unwrap()).run().expect_code(2);
    let silent = late.stdout.find(" silent ").unwrap_or_else(|| panic!("{}", late.said()));
    assert!(silent < late.stdout.find(" overdue ").unwrap(), "{}", late.said());
    assert!(late.stdout.contains("1 host is silent"), "{}", late.said());
}

#[test]
fn r8_a_run_that_nobody_starts_is_told_by_the_monitor() {
    let site = JobSite::new("kind = \"plugin\"\nprogram = [\"/nowhere\"]");
    site.configure(&format!("{}\nevery = \"1h\"", site.plugin()));
    site.init_target();
    site.run(&["job", "run", "documents"]).expect_code(0);
    fs::write(site.path("clock"), "259200").unwrap();
    let clock = site.path("clock");
    let monitor = site.call(&["monitor"]).env("STRONGROOM_CLOCK", clock.to_str().unwrap()).start();
    until_true("the alarms", || {
        let alarms = site.alarms();
        ["job-overdue", "proof-overdue"].iter().all(|kind| alarms.iter().any(|alarm| alarm == kind))
    });
    monitor.stop();
}

#[test]
fn r10_rsyncs_copy_is_proven_and_its_mirror_deletes_within_its_bound() {
    let site = JobSite::new("kind = \"rsync\"\nmax_delete = 1\n[job.settings]\ndelete = true");
    site.init_target();
    let done = site.run(&["job", "run", "documents", "--json"]).expect_code(0).json();
    assert_eq!((&done["outcome"], &done["counts"]["proven"]), (&"proven".into(), &2.into()), "{done}");
    fs::remove_file(site.path("source/of/ann/b.txt")).unwrap();
    let plan = site.run(&["job", "plan", "documents", "--json"]).json();
    assert_eq!(plan["counts"]["deleted"], 1, "{plan}");
    site.run(&["job", "run", "documents"]).expect_code(0);
    assert!(!site.path("disk/documents/of/ann/b.txt").exists());
    for name in ["c", "d"] {
        fs::write(site.path("source").join(name), name).unwrap();
    }
    site.run(&["job", "run", "documents"]).expect_code(0);
    for name in ["c", "d"] {
        fs::remove_file(site.path("source").join(name)).unwrap();
    }
    let refused = site.run(&["job", "run", "documents"]).expect_code(1);
    assert!(refused.said().contains("max_delete"), "{}", refused.said());
    assert!(site.path("disk/documents/c").exists() && site.path("disk/documents/d").exists());
    fs::remove_dir_all(site.path("source")).unwrap();
    let refused = site.run(&["job", "run", "documents"]).expect_code(1);
    assert!(refused.said().contains("source"), "{}", refused.said());
    assert!(site.path("disk/documents/a.txt").exists());
}

#[test]
fn a_tool_that_says_nothing_is_told_and_goes_on() {
    let site = JobSite::new("kind = \"plugin\"\nprogram = [\"/nowhere\"]");
    site.configure(&format!("{}\nstall = \"1s\"", site.plugin()));
    site.init_target();
    fs::write(site.path("source.wait"), "").unwrap();
    let service = site.service();
    until_true("the job to be defined", || site.jobs()[0]["name"] == "documents");
    site.run(&["job", "run", "documents", "--detach"]).expect_code(0);
    until_true("the alarm", || site.alarms().contains(&"job-stalled".to_owned()));
    fs::remove_file(site.path("source.wait")).unwrap();
    until_true("the run to end", || site.state() == "proven");
    until_true("the end of the alarm", || !site.alarms().contains(&"job-stalled".to_owned()));
    service.stop();
}

#[test]
fn r8_a_run_that_fails_and_is_tried_again_is_shown_as_such() {
    let site = JobSite::new("kind = \"rsync\"");
    site.init_target();
    fs::rename(site.path("source"), site.path("moved")).unwrap();
    site.run(&["job", "run", "documents"]).expect_code(1);
    assert_eq!(site.state(), "retrying");
    let said = site.run(&["status"]).expect_code(2);
    assert!(said.stdout.contains("retrying") && said.stdout.contains("1 job needs a person"), "{}", said.said());
    fs::rename(site.path("moved"), site.path("source")).unwrap();
    site.run(&["job", "run", "documents"]).expect_code(0);
    assert_eq!(site.state(), "proven");
}

#[test]
fn r3_a_job_is_killed_at_every_named_place_and_proven_in_the_end() {
    for place in ["target.identity-written", "job.begun", "job.tool-ended", "job.before-end"] {
        let site = JobSite::new("kind = \"plugin\"\nprogram = [\"/nowhere\"]");
        site.configure(&site.plugin());
        if place == "target.identity-written" {
            site.call(&["target", "init", "disk"]).kill_at(place, 1).run().expect_killed();
            site.run(&["job", "run", "documents"]).expect_code(1);
        }
        site.init_target();
        if place.starts_with("job.") {
            site.call(&["job", "run", "documents"]).kill_at(place, 1).run().expect_killed();
        }
        // The first may only record that the one before was interrupted.
        until_true("the job to be proven", || site.run(&["job", "run", "documents"]).code() == Some(0));
        assert!(site.outcomes().iter().all(|outcome| outcome == "proven"), "{place}");
        site.run(&["log", "verify"]).expect_code(0);
    }
}
