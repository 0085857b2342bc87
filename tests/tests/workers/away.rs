//! The log's database is away for long: mailed although nothing can be recorded, and recorded afterwards.

use strongroom_model::{AlarmKind, Event};
use strongroom_tests::audit::{events, the_log_is_sound};
use strongroom_tests::fleet::{Crew, Fleet, Part};
use strongroom_tests::mailbox::Mail;
use strongroom_tests::wait;

fn mails(fleet: &Fleet, subject: &str) -> Vec<Mail> {
    fleet.site.mailbox().alarms_about(subject)
}

/// A fleet that mails within seconds.
fn quick() -> Fleet {
    let mut fleet = Fleet::shared();
    fleet.site.set("watch.every", "1s");
    fleet.site.set("watch.log_away_after", "2s");
    fleet
}

fn notify(fleet: &Fleet) -> Crew<'_> {
    let mut crew = Crew::start(fleet, &[Part::Notify]);
    crew.until("notify to be there", |fleet| fleet.site.status()["processes"].is_array());
    crew
}

const AWAY: &str = "The event log cannot be written";

#[test]
fn r8_a_database_that_is_away_is_mailed_once_though_nothing_can_be_recorded_and_recorded_afterwards() {
    let fleet = quick();
    let mut crew = notify(&fleet);
    fleet.to_postgres.cut();
    wait::until_true("the mail", || mails(&fleet, AWAY).len() == 1);
    let mail = mails(&fleet, AWAY).remove(0);
    let text = mail.part("text/plain").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("Nothing can be recorded in the log at postgres://") && text.contains(" CE"), "{text}");
    assert!(text.contains("See that Postgres runs"), "{text}");
    // Whoever starts meanwhile knows that it was mailed.
    let refused = fleet.site.call(["notify"]).run().expect_code(1);
    assert!(!refused.said().contains("could not be mailed"), "{}", refused.said());
    assert_eq!(mails(&fleet, AWAY).len(), 1);
    fleet.to_postgres.mend();
    crew.until("its end to be mailed", |fleet| mails(fleet, "Over: ").len() == 1);
    let kinds: Vec<_> = events(&fleet.site)
        .into_iter()
        .filter(|event| event.stream.id().starts_with(AlarmKind::LogUnreachable.code()))
        .map(|event| match event.event {
            Event::AlarmRaised(alarm) => format!("raised {}", alarm.kind.code()),
            Event::AlarmNotified(_) => "notified".to_owned(),
            Event::AlarmCleared(_) => "cleared".to_owned(),
            other => other.type_name().to_owned(),
        })
        .collect();
    assert_eq!(kinds[..3], ["raised log-unreachable", "notified", "cleared"], "{kinds:?}");
    assert_eq!(mails(&fleet, AWAY).len(), 1, "its beginning is not mailed again");
    the_log_is_sound(&fleet.site);
}

#[test]
fn r8_a_kill_after_the_mail_about_a_database_that_is_away_sends_no_other_mail() {
    let fleet = quick();
    let mut dying = fleet.site.call(["notify"]).kill_at("away.after-mail", 1).start();
    wait::until_true("notify to be there", || fleet.site.status()["processes"].is_array());
    fleet.to_postgres.cut();
    wait::until_true("notify to be killed", || !dying.is_running());
    dying.kill().expect_killed();
    let sent = mails(&fleet, AWAY);
    assert_eq!(sent.len(), 1);
    // Nothing says that it went out: the next process sends it again, under the same Message-ID, over the same file.
    fleet.site.call(["notify"]).run().expect_code(1);
    let again = mails(&fleet, AWAY);
    assert_eq!((again.len(), again[0].header("Message-ID")), (1, sent[0].header("Message-ID")));
    fleet.to_postgres.mend();
    let mut crew = Crew::start(&fleet, &[Part::Notify]);
    crew.until("its end to be mailed", |fleet| mails(fleet, "Over: ").len() == 1);
    assert_eq!(mails(&fleet, AWAY).len(), 1);
    the_log_is_sound(&fleet.site);
}

#[test]
fn r8_a_full_disk_that_only_another_process_meets_is_mailed_by_one_that_has_nothing_to_record() {
    let fleet = quick();
    let mut crew = notify(&fleet);
    fleet.ledger.fill_the_disk();
    // It asks for a run each second. Who mails does so for nothing but alarms, of which none comes.
    crew.add(Part::Enumerate);
    crew.until("the mail", |fleet| mails(fleet, AWAY).len() == 1);
    let text = mails(&fleet, AWAY).remove(0).part("text/plain").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("No space left on device"), "{text}");
    fleet.ledger.make_room();
    crew.until("its end to be mailed", |fleet| mails(fleet, "Over: ").len() == 1);
    the_log_is_sound(&fleet.site);
}

#[test]
fn r8_a_second_outage_right_after_the_first_is_mailed_as_well() {
    let fleet = quick();
    let mut crew = notify(&fleet);
    for outage in 1..=2 {
        fleet.to_postgres.cut();
        wait::until_true("the mail", || mails(&fleet, AWAY).len() == outage);
        fleet.to_postgres.mend();
        crew.until("its end to be mailed", |fleet| mails(fleet, "Over: ").len() == outage);
    }
    the_log_is_sound(&fleet.site);
}
