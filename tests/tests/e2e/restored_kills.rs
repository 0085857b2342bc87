//! `log import`, `log adopt` and `log recover` are killed at each durable step: doing it again ends where an undisturbed one
//! would have ended, and no number of a summary is mailed twice.

use std::collections::BTreeSet;
use std::fs;

use strongroom_model::{Event, Recorded};
use strongroom_tests::audit::{all_is_archived, events, export, r7_summaries_tile_the_log, the_log_is_sound};
use strongroom_tests::program::{Call, Ended, Running};
use strongroom_tests::site::Site;

use crate::restored::mailed;

/// More than two commits of an import, which stores 512 events at a time; each booking is four of them.
const BOOKINGS: usize = 300;

fn import(site: &Site) -> Call {
    site.call(["log", "import", "export.jsonl"])
}

#[test]
fn r4_an_import_that_is_killed_at_any_step_goes_on_and_ends_with_the_very_export() {
    let (mut site, server) = Site::served(BOOKINGS);
    site.set("enumerate.oldest", "1000");
    site.run_once().run().expect_code(0);
    drop(server);
    let exported = export(&site);
    fs::write(site.path("export.jsonl"), &exported).unwrap();
    assert!(exported.lines().count() > 2 * 512, "{}", exported.lines().count());
    let steps = [
        ("eventlog.before-wal", 1),
        ("eventlog.before-migrate", 1),
        ("eventlog.before-commit", 1),
        ("eventlog.after-commit", 1),
        ("eventlog.before-commit", 2),
        ("eventlog.after-commit", 2),
        ("eventlog.before-commit", 3),
        ("eventlog.after-commit", 3),
    ];
    for (index, (place, passing)) in steps.into_iter().enumerate() {
        site.put_the_log_aside(&format!("lost-{index}"));
        import(&site).kill_at(place, passing).run().expect_killed();
        import(&site).run().expect_code(0);
        assert_eq!(export(&site), exported, "{place}:{passing}");
        site.call(["log", "verify"]).run().expect_code(0);
    }
    all_is_archived(&site, BOOKINGS);
}

#[test]
fn r4_a_log_that_was_imported_in_part_is_refused_and_the_import_says_how_to_begin_anew() {
    let (mut site, _server) = Site::served(BOOKINGS);
    site.set("enumerate.oldest", "1000");
    site.run_once().run().expect_code(0);
    let exported = export(&site);
    fs::write(site.path("export.jsonl"), &exported).unwrap();
    site.put_the_log_aside("lost");
    import(&site).kill_at("eventlog.after-commit", 1).run().expect_killed();
    // Whoever forgot the timer: the part is recognised as such, and what is recorded is that.
    site.run_once().run().expect_code(1).expect_said("the log ends after 512 events");
    import(&site)
        .run()
        .expect_code(1)
        .expect_said("are not the first of the export")
        .expect_said("move the log's files away");
    site.put_the_log_aside("part");
    import(&site).run().expect_code(0);
    assert_eq!(export(&site), exported);
    site.run_once().run().expect_code(0);
}

/// How an older log was restored: three summaries were mailed since it was copied, and four bookings archived, and that it is
/// an older one was mailed as well.
struct Restored {
    site: Site,
    _server: Running,
}

impl Restored {
    fn new() -> Self {
        let (site, server) = Site::archived(2);
        fs::write(site.path("export.jsonl"), export(&site)).unwrap();
        for count in [1, 2, 1] {
            site.add_documents(count);
            site.run_once().run().expect_code(0);
        }
        site.put_the_log_aside("lost");
        import(&site).run().expect_code(0);
        site.run_once().run().expect_code(1).expect_said("strongroom log adopt --reason");
        Self { site, _server: server }
    }

    fn adopt(&self, place: Option<(&str, u32)>) -> Ended {
        let call = self.site.call(["log", "adopt", "--reason", "nothing newer exists"]);
        match place {
            Some((place, passing)) => call.kill_at(place, passing).run(),
            None => call.run(),
        }
    }

    /// What the log holds, without what differs from one time to the next; and the numbers of the mails about the log.
    fn state(&self) -> (Vec<String>, usize) {
        let shown = |event: Recorded| match event.event {
            Event::SummaryComposed(composed) => format!("{} composed {}..{}", event.stream, composed.from, composed.to),
            Event::SummarySent(_) | Event::AlarmRaised(_) | Event::AlarmCleared(_) | Event::AlarmNotified(_) => {
                format!("{} {}", event.stream, event.event.type_name())
            }
            other => other.type_name().to_owned(),
        };
        let mut streams: Vec<_> = events(&self.site).into_iter().map(shown).collect();
        streams.sort();
        (streams, self.site.mailbox().alarms().len())
    }

    /// Everything comes to its end, and no number was mailed twice.
    fn ends_well(&self, what: &str) {
        self.site.call(["log", "recover"]).run().expect_code(0);
        self.site.run_once().run().expect_code(0);
        all_is_archived(&self.site, 6);
        r7_summaries_tile_the_log(&events(&self.site));
        the_log_is_sound(&self.site);
        let numbers = mailed(&self.site);
        assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), numbers.len(), "{what}: {numbers:?}");
        assert_eq!(numbers.len(), 5, "{what}: one for each run that ended: {numbers:?}");
    }
}

#[test]
fn r7_an_adoption_that_is_killed_at_any_step_ends_as_an_undisturbed_one_and_no_number_is_mailed_twice() {
    let undisturbed = Restored::new();
    undisturbed.adopt(None).expect_code(0);
    let expected = undisturbed.state();
    undisturbed.ends_well("undisturbed");
    let steps = [
        ("adopt.alarm-raised", 1),
        ("eventlog.before-commit", 1),
        ("adopt.number-used", 1),
        ("eventlog.before-commit", 2),
        ("adopt.number-used", 3),
        ("adopt.mail-recorded", 1),
        ("checkpoint.before-rename", 1),
        ("adopt.checkpoint-kept", 1),
        ("checkpoint.before-rename", 2),
        ("adopt.checkpoint-kept", 2),
        ("adopt.alarm-cleared", 1),
    ];
    std::thread::scope(|scope| {
        for (worker, steps) in steps.chunks(4).enumerate() {
            let expected = &expected;
            scope.spawn(move || {
                for (index, (place, passing)) in steps.iter().enumerate() {
                    killed_and_done_again(place, *passing, (worker + index) % 2 == 1, expected);
                }
            });
        }
    });
}

/// `interrupted`: somebody starts the job in between, and is refused, unless all was decided.
fn killed_and_done_again(place: &str, passing: u32, interrupted: bool, expected: &(Vec<String>, usize)) {
    let what = format!("{place}:{passing}");
    let restored = Restored::new();
    restored.adopt(Some((place, passing))).expect_killed();
    if interrupted && place != "adopt.alarm-cleared" {
        restored.site.run_once().run().expect_code(1).expect_said("strongroom log adopt --reason");
    }
    restored.adopt(None).expect_code(0);
    assert_eq!(restored.state(), *expected, "{what}");
    restored.ends_well(&what);
}

#[test]
fn a_recovery_that_is_killed_at_any_step_ends_as_an_undisturbed_one() {
    let steps = [("eventlog.before-commit", 1), ("eventlog.after-commit", 1), ("recover.page-claimed", 1)];
    for (place, passing) in steps {
        let restored = Restored::new();
        restored.adopt(None).expect_code(0);
        restored.site.call(["log", "recover"]).kill_at(place, passing).run().expect_killed();
        let claimed = if place == "eventlog.before-commit" { 4 } else { 0 };
        let again = restored.site.call(["log", "recover"]).run().expect_code(0);
        again.expect_said(&format!("{claimed} bookings that the server has archived and this log did not know"));
        restored.ends_well(place);
    }
}

#[test]
fn r7_a_summary_whose_sending_was_lost_counts_as_sent_though_the_adoption_is_killed_after_it() {
    let (site, _server) = Site::served(2);
    let adopt = || site.call(["log", "adopt", "--reason", "nothing newer exists"]);
    // Composed, and not yet sent when the export is made.
    site.run_once().kill_at("notify.after-compose", 1).run().expect_killed();
    fs::write(site.path("export.jsonl"), export(&site)).unwrap();
    site.run_once().run().expect_code(0);
    let sent = mailed(&site);
    site.put_the_log_aside("lost");
    import(&site).run().expect_code(0);
    adopt().kill_at("adopt.summary-sent", 1).run().expect_killed();
    adopt().run().expect_code(0);
    site.run_once().run().expect_code(0);
    let all = events(&site);
    r7_summaries_tile_the_log(&all);
    let ends = |number: u64| {
        let stream = format!("summary/{number}");
        all.iter().filter(|one| one.stream.to_string() == stream && matches!(one.event, Event::SummarySent(_))).count()
    };
    assert!(sent.iter().all(|number| ends(*number) == 1), "{sent:?}");
    let numbers = mailed(&site);
    assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), numbers.len(), "none is mailed twice: {numbers:?}");
}
