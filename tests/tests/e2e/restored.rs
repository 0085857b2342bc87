//! The log is backed up and restored by the very commands of the manual, and goes on: what the server and the drive prove
//! is known again.

use std::collections::BTreeSet;

use strongroom_model::Event;
use strongroom_tests::audit::{all_is_archived, events};
use strongroom_tests::documented;
use strongroom_tests::site::Site;

const PAGE: &str = "docs/operations.md";

/// The numbers of the summaries that were mailed, each once.
pub(crate) fn mailed(site: &Site) -> Vec<u64> {
    let mails = site.mailbox().summaries().into_iter();
    let number = |text: &str| text.lines().find_map(|line| line.split("No ").nth(1)?.split_once(' ')?.0.parse().ok());
    let mut numbers: Vec<u64> = mails.map(|mail| number(&mail.part("text/plain")).unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn r4_the_documented_backup_of_an_embedded_log_is_restored_and_goes_on_with_what_the_server_proves() {
    let (site, _server) = Site::archived(3);
    documented::run(&site, PAGE, "back up, embedded", &[]);
    let before = events(&site).len();
    site.add_documents(4);
    site.run_once().run().expect_code(0);
    site.add_documents(2);
    // Fetched and not yet proven when the disk breaks.
    site.run_once().kill_at("verify.after-read-back", 1).run().expect_killed();

    let data = site.path("data").display().to_string();
    documented::run(&site, PAGE, "restore, embedded", &[("/var/lib/strongroom", &data)]);
    let restored = events(&site).len();
    assert_eq!(restored, before, "byte for byte");
    let missed = site.call(["log", "verify"]).run().expect_code(1).said();
    assert!(missed.contains("the log ends here, but had") && missed.contains(" has it)"), "{missed}");
    site.run_once().run().expect_code(1).expect_said("strongroom log adopt --reason");
    let said = documented::run(&site, PAGE, "go on", &[]);
    assert!(said.contains("4 bookings that the server has archived and this log did not know"), "{said}");
    site.call(["log", "recover"]).run().expect_code(0).expect_said("0 bookings that the server has archived");
    // At its start it finds the files that were fetched and not proven; then they are claimed again.
    site.run_once().run().expect_code(2).expect_said("2 files of ");
    site.run_once().run().expect_code(0);
    all_is_archived(&site, 9);
    let all = events(&site);
    let adopted = all.iter().find(|event| matches!(event.event, Event::AlarmCleared(_))).unwrap();
    assert_eq!((adopted.actor.part(), adopted.actor.as_str().split('/').count()), ("operator", 3), "{}", adopted.actor);
    let numbers = mailed(&site);
    assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), numbers.len(), "none is mailed twice: {numbers:?}");
}

#[test]
fn an_import_that_was_stopped_goes_on_and_what_is_not_the_export_is_refused() {
    let site = Site::archived(40).0;
    documented::run(&site, PAGE, "back up, embedded", &[]);
    let export = std::fs::read_to_string(site.path("kestrel.jsonl")).unwrap();
    let lines: Vec<_> = export.lines().collect();
    // It holds what is to be imported already: nothing is done twice.
    site.call(["log", "import", "kestrel.jsonl"]).run().expect_code(0);
    assert_eq!(events(&site).len(), lines.len());
    let import = |text: String| {
        std::fs::write(site.path("other.jsonl"), text).unwrap();
        site.call(["log", "import", "other.jsonl"])
    };
    import(lines[..5].join("\n")).run().expect_code(1).expect_said("are not the first of the export");
    site.put_the_log_aside("lost");
    import(lines[1..].join("\n")).run().expect_code(1).expect_said("line 1 is not event 0 of site kestrel");
    import(export.replace("/sites/kestrel", "/sites/quarry")).run().expect_code(1).expect_said("of site kestrel");
    // Cut within a line, as a broken transfer leaves it: what came before stays, and the whole one goes on from there.
    let cut = export.len() / 2;
    import(export[..cut].to_owned()).run().expect_code(1).expect_said("is not an event");
    import(export.clone()).run().expect_code(0);
    assert_eq!(events(&site).len(), lines.len());
    site.call(["log", "verify"]).run().expect_code(0);
    all_is_archived(&site, 40);
}

#[test]
fn the_command_in_a_summary_mail_shows_whether_the_log_was_changed_since() {
    let (site, _server) = Site::archived(2);
    let mail = site.mailbox().summaries().remove(0);
    let text = mail.part("text/plain");
    let command = text.lines().find(|line| line.starts_with("strongroom log verify --against ")).unwrap();
    let verify = || site.call(command.split(' ').skip(1)).run();
    site.add_documents(1);
    site.run_once().run().expect_code(0);
    verify().expect_code(0).expect_said("roots that were written down earlier and are known here are the log's own");
    let against = command.rsplit(' ').next().unwrap();
    let (size, root) = against.split_once(':').unwrap();
    let wrong = format!("{}:{root}", size.parse::<u64>().unwrap() - 1);
    let said = site.call(["log", "verify", "--against", &wrong]).run().expect_code(1).said();
    assert!(said.contains("(--against has it)"), "the last position is not the size: {said}");
}
