//! A server and a run as two processes, as on a real site.

use std::time::Duration;

use strongroom_model::event::{RunEnumerated, ZeroReason};
use strongroom_model::{Event, Recorded};
use strongroom_tests::audit::{all_is_archived, events, export, files_below};
use strongroom_tests::proxy::Fault;
use strongroom_tests::schemas::workspace_root;
use strongroom_tests::site::Site;

fn runs(events: &[Recorded]) -> Vec<RunEnumerated> {
    let enumerated = events.iter().filter_map(|event| match &event.event {
        Event::RunEnumerated(data) => Some(data.clone()),
        _ => None,
    });
    enumerated.collect()
}

#[test]
fn what_was_imported_ends_on_the_drive_proven_and_archived() {
    let site = Site::new();
    let originals = site.make_documents(25);
    let import = site.call(["server", "import", originals.to_str().unwrap()]);
    import.run().expect_code(0);
    let _server = site.serve();
    site.run_once().run().expect_code(0);
    all_is_archived(&site, 25);
    assert_eq!(files_below(&originals).len(), 25, "the originals are untouched");
}

#[test]
fn a_second_run_takes_only_what_is_new() {
    let (site, _server) = Site::archived(3);
    let after_first = events(&site).len();
    site.add_documents(4);
    site.run_once().run().expect_code(0);
    let all = events(&site);
    assert_eq!(runs(&all).iter().map(|run| run.enumerated).sum::<u64>(), 7);
    // Each booking costs four events and no more, each run two, the mail two, and the use of the drive one.
    let new_runs = runs(&all[after_first..]).len();
    assert_eq!(all.len() - after_first, 4 * 4 + 2 * new_runs + 2 + 1);
    all_is_archived(&site, 7);
}

#[test]
fn r8_a_run_that_finds_nothing_says_why_and_sends_a_mail() {
    let site = Site::new();
    let _server = site.serve();
    site.run_once().run().expect_code(0);
    let all = events(&site);
    assert_eq!(runs(&all).last().unwrap().zero_reason, Some(ZeroReason::NothingWaiting));
    let mails = site.mailbox().mails();
    assert_eq!(mails.len(), 1, "{mails:?}");
    all_is_archived(&site, 0);
}

#[test]
fn more_than_one_runs_share_is_taken_run_by_run() {
    let (mut site, _server) = Site::served(25);
    site.set("enumerate.oldest", "10");
    // `--once` takes what is waiting until nothing is left.
    site.run_once().run().expect_code(0);
    all_is_archived(&site, 25);
    let taken = runs(&events(&site)).into_iter().map(|run| run.enumerated);
    // A last run may find that nothing is left.
    assert_eq!(taken.filter(|taken| *taken > 0).collect::<Vec<_>>(), [10, 10, 5]);
}

#[test]
fn the_next_list_is_asked_for_while_the_last_files_are_archived_and_no_further_one() {
    let (mut site, _server) = Site::served(40);
    site.set("enumerate.oldest", "10");
    // The answer to the first files' move takes long to come.
    site.proxy.meddle("/v1/moves ", Some(1), Fault::Trickle(Duration::from_secs(3)));
    site.run_once().run().expect_code(0);
    all_is_archived(&site, 40);
    let (mut taken, mut archived, mut runs_before_the_first) = (0, 0, 0);
    for event in events(&site) {
        match event.event {
            Event::RunEnumerated(found) => {
                taken += found.enumerated;
                runs_before_the_first += u32::from(archived == 0);
            }
            Event::TimesheetArchived(_) => archived += 1,
            _ => {}
        }
        assert!(taken - archived <= 20, "two runs' files are under way at most: {taken} taken, {archived} archived");
    }
    assert_eq!(runs_before_the_first, 2);
}

#[test]
fn r7_the_mail_counts_what_was_archived() {
    let (site, _server) = Site::archived(12);
    let mails = site.mailbox().mails();
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert!(mails[0].text.contains("12"), "{}", mails[0].text);
    assert!(mails[0].header("Message-ID").is_some());
}

/// The script in docs/audit.md, as an auditor would copy it.
#[test]
fn r4_the_auditors_own_script_finds_the_same_root() {
    let (site, _server) = Site::archived(3);
    let page = std::fs::read_to_string(workspace_root().join("docs/audit.md")).unwrap();
    let script = page.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    std::fs::write(site.path("root.py"), script).unwrap();
    std::fs::write(site.path("export.jsonl"), export(&site)).unwrap();
    let mut python = std::process::Command::new("python3");
    let python = python.arg("root.py").current_dir(site.path("")).env("LC_ALL", "C.UTF-8");
    let output = python.stdin(std::fs::File::open(site.path("export.jsonl")).unwrap()).output().unwrap();
    let log = &site.status()["log"];
    let expected = format!("{} {}\n", log["size"], log["root"].as_str().unwrap());
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{}", String::from_utf8_lossy(&output.stderr));
}
