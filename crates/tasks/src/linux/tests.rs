use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::codes::Outcome;
use crate::restore::{LinuxLink, LinuxRestore};
use crate::task::{Action, Schedule};
use crate::watch::{LastRun, State};
use crate::{Scheduler, task_words};

fn system(text: &str) -> crate::Reading {
    read_crontab("/etc/crontab", text.as_bytes(), &CrontabForm::System)
}

#[test]
fn crontabs_have_settings_between_their_jobs() {
    let text = "# m h dom mon dow user command\nSHELL = \"/bin/bash\"\nMAILTO=a b\n\n17 *\t* * *   root    cd / && run\n\
                CRON_TZ=Asia/Tokyo\n-30 2 * * 1-5 backup tar c \\%x % in put%second\n@reboot root /usr/bin/x\n";
    let found = system(text);
    assert_eq!(found.problems, []);
    let read: Vec<_> = found
        .tasks
        .iter()
        .map(|task| (task.path.as_str(), task.principals[0].user.as_deref().unwrap(), task_words(task)))
        .collect();
    assert_eq!(
        read,
        [
            ("/etc/crontab:5", "root", "at minute 17 of every hour".to_owned()),
            ("/etc/crontab:7", "backup", "at 02:30 on weekdays (Asia/Tokyo)".to_owned()),
            ("/etc/crontab:8", "root", "when the computer starts (Asia/Tokyo)".to_owned()),
        ]
    );
    let Action::Exec { command, input, .. } = &found.tasks[1].actions[0] else { panic!() };
    assert_eq!((command.as_str(), input.as_deref()), ("tar c %x ", Some(" in put\nsecond")));
}

#[test]
fn a_line_that_cron_refuses_stops_nothing_but_itself() {
    let found =
        system("61 * * * * root x\n0 0 * * *\n0 0 * * * root\n0 0 30 2 * root y\n@nightly root z\n5 5 * * * root good");
    let problems: Vec<_> = found.problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems[0], "line 1 cannot be read: minute \"61\": a number is out of range; allowed: 0-59");
    assert_eq!(problems[1], "line 2 cannot be read: there is no command after the time");
    assert_eq!(problems[2], "line 3 cannot be read: there is no command after the account");
    assert_eq!((problems.len(), found.tasks.len()), (4, 2));
    assert_eq!(found.tasks[1].warnings, ["the file does not end in a line break: some crons ignore its last line"]);
    assert_eq!(system("#!/bin/sh\nexit 0\n").problems[0].to_string(), "is a script, not a crontab");
}

#[test]
fn a_files_place_tells_whose_table_it_is() {
    assert_eq!(CrontabForm::of_place("/etc/cron.d/backup"), CrontabForm::System);
    assert_eq!(CrontabForm::of_place("/var/spool/cron/crontabs/jo"), CrontabForm::User("jo".to_owned()));
    let dotted = read_crontab("/etc/cron.d/a.bak", b"0 0 * * * root x\n", &CrontabForm::System);
    assert!(dotted.tasks[0].warnings[0].contains("Debian"));
    let own = read_crontab("jo", b"* * * * * Mon-Fri run\n", &CrontabForm::User("jo".to_owned()));
    assert_eq!(own.tasks[0].actions[0], Action::exec("Mon-Fri run"));
}

#[test]
fn anacrontabs_and_their_stamps_are_read() {
    let text = "RANDOM_DELAY=45\nSTART_HOURS_RANGE=3-22\n1\t5\tcron.daily\t\tnice \\\nrun-parts /etc/cron.daily\n\
                @monthly 45 cron.monthly run\nx 1 a b\n7 5\n";
    let found = read_anacrontab("/etc/anacrontab", text.as_bytes());
    let read: Vec<_> = found.tasks.iter().map(|task| (task.path.as_str(), task_words(task))).collect();
    assert_eq!(
        read,
        [
            (
                "/etc/anacrontab:cron.daily",
                "once a day, when the computer is on, after 5 minutes, up to 45 minutes later at random".to_owned()
            ),
            (
                "/etc/anacrontab:cron.monthly",
                "once a month, when the computer is on, after 45 minutes, up to 45 minutes later at random".to_owned()
            ),
        ]
    );
    assert_eq!(found.tasks[0].actions[0], Action::exec("nice run-parts /etc/cron.daily"));
    assert_eq!(found.problems.len(), 2);
    let zone = Some(&TimeZone::UTC);
    assert_eq!(read_anacron_stamp("20260331\n", zone), LastRun::At("2026-03-31T00:00:00Z".parse().unwrap()));
    assert!(matches!(read_anacron_stamp("yesterday", zone), LastRun::Unknown(_)));
    let unknown = LastRun::Unknown("on 2026-03-31, by the clock of a host whose zone is not known".to_owned());
    assert_eq!(read_anacron_stamp("20260331\n", None), unknown);
}

#[test]
fn the_sites_unit_replaces_the_distributions_and_links_tell_what_is_switched_on() {
    let timer = |when: &str| format!("[Timer]\nOnCalendar={when}\n[Install]\nWantedBy=timers.target\n").into_bytes();
    let (mine, theirs) = (timer("*-*-* 02:00"), timer("hourly"));
    let files = [
        UnitFile { file: "usr/lib/systemd/system/a.timer", bytes: &theirs },
        UnitFile { file: "etc/systemd/system/a.timer", bytes: &mine },
        UnitFile { file: "usr/lib/systemd/system/a.timer.d/1.conf", bytes: b"[Timer]\nOnCalendar=weekly\n" },
        UnitFile { file: "etc/systemd/system/a.timer.d/2.conf", bytes: b"[Timer]\nOnCalendar=\nOnCalendar=monthly\n" },
        UnitFile { file: "etc/systemd/system/a.timer.d/1.conf", bytes: b"[Timer]\nOnCalendar=yearly\n" },
        UnitFile { file: "usr/lib/systemd/system/masked.timer", bytes: &theirs },
        UnitFile { file: "usr/lib/systemd/system/off.timer", bytes: &theirs },
        UnitFile { file: "usr/lib/systemd/system/static.timer", bytes: b"[Timer]\nOnCalendar=daily\n" },
    ];
    let switched = LinuxRestore {
        enabled: vec!["a.timer".to_owned()],
        links: vec![LinuxLink { path: "etc/systemd/system/masked.timer".to_owned(), target: "/dev/null".to_owned() }],
        ..LinuxRestore::default()
    };
    let found = read_units(&files, Some(&switched));
    let read: Vec<_> =
        found.tasks.iter().map(|task| (task.path.as_str(), task.triggers.len(), task.settings.enabled)).collect();
    assert_eq!(
        read,
        [("a.timer", 1, true), ("masked.timer", 1, false), ("off.timer", 1, false), ("static.timer", 1, true)]
    );
    assert!(task_words(&found.tasks[0]).contains("on the 1st"), "{}", task_words(&found.tasks[0]));
    assert!(read_units(&files, None).tasks.iter().all(|task| task.settings.enabled));
}

#[test]
fn timers_are_put_together_with_their_services_and_drop_ins() {
    let timer = "[Unit]\nDescription=Täglich\n[Timer]\nOnCalendar=daily\nOnBootSec=15min\nPersistent=true\nRandomizedDelaySec=1h\n\
                 [Install]\nWantedBy=timers.target\n";
    let over = "[Timer]\nOnCalendar=\nOnCalendar=Mon..Fri *-*-* 07:30\nOnCalendar=never\n";
    let service = "[Service]\nUser=backup\nExecStart=/usr/bin/backup \\\n  --all\n# no\nExecStart=/bin/true\n";
    let files = [
        UnitFile { file: "/etc/systemd/system/b.timer.d/o.conf", bytes: over.as_bytes() },
        UnitFile { file: "/lib/systemd/system/b.service", bytes: service.as_bytes() },
        UnitFile { file: "/lib/systemd/system/b.timer", bytes: timer.as_bytes() },
        UnitFile { file: "lonely.timer", bytes: b"[Timer]\nOnUnitActiveSec=1d\n" },
    ];
    let found = read_units(&files, None);
    let backup = &found.tasks[0];
    assert_eq!((backup.path.as_str(), backup.scheduler), ("b.timer", Scheduler::Systemd));
    assert_eq!(
        task_words(backup),
        "at 07:30 on weekdays, up to 1 hour later at random; also on something unknown (OnCalendar: never), up to 1 hour \
         later at random; also 15 minutes after the computer starts, up to 1 hour later at random"
    );
    assert_eq!(backup.actions[0], Action::exec("/usr/bin/backup --all"));
    assert_eq!((backup.actions.len(), backup.settings.persistent), (2, true));
    assert!(backup.warnings[0].starts_with("OnCalendar: unknown word \"never\""));
    assert_eq!(
        found.tasks[1].warnings,
        [
            "lonely.service, which it starts, is not among the files",
            "no [Install] section: something else must start the timer"
        ]
    );
}

#[test]
fn listed_timers_have_instants_or_none() {
    let text = r#"[{"next":1784520003798018,"left":1,"last":1784439292006193,"passed":3,"unit":"a.timer","activates":"a.service"},
        {"next":null,"last":0,"unit":"b.timer","activates":["b.service","c.service"]},
        {"next":18446744073709551615,"unit":"c.timer","activates":null}]"#;
    let found = read_list_timers(text.as_bytes()).unwrap();
    assert_eq!(found[0].next.unwrap().to_string(), "2026-07-20T04:00:03.798018Z");
    assert_eq!((&found[1].next, &found[1].last_run, found[1].activates.len()), (&None, &LastRun::Never, 2));
    assert_eq!(found[2].next, None);
    assert!(matches!(found[2].last_run, LastRun::Unknown(_)));
    let table = b"NEXT LEFT LAST PASSED UNIT ACTIVATES\n\n0 timers listed.\n";
    assert!(read_list_timers(table).unwrap_err().to_string().contains("table only"));
    assert!(read_list_timers(b"{}").unwrap_err().to_string().starts_with("is not a list of timers as JSON"));
}

#[test]
fn shown_timers_are_judged_by_their_services() {
    let text = "Id=logrotate.timer\nActiveState=active\nFragmentPath=/usr/lib/systemd/system/logrotate.timer\n\
                UnitFileState=enabled\nTimersCalendar={ OnCalendar=*-*-* 00:00:00 ; next_elapse=Sat 2026-04-11 17:04:57 +03 }\n\
                TimersMonotonic={ OnBootUSec=15min ; next_elapse=0 }\nAccuracyUSec=1h\n\nId=logrotate.service\n\
                ExecStart={ path=/usr/sbin/logrotate ; argv[]=/usr/sbin/logrotate /etc/logrotate.conf ; ignore_errors=no }\n\
                Result=exit-code\nExecMainStatus=3\nActiveState=inactive\n\nId=cron-x.timer\nSourcePath=/etc/crontab\n\
                FragmentPath=/run/systemd/generator/cron-x.timer\n";
    let found = read_show("show.txt", text.as_bytes()).unwrap();
    assert_eq!(found.len(), 1, "a timer that was generated from a crontab is left out");
    let shown = &found[0];
    assert_eq!(task_words(&shown.task), "at 00:00 every day; also 15 minutes after the computer starts");
    assert_eq!(shown.task.actions, [Action::exec("/usr/sbin/logrotate /etc/logrotate.conf")]);
    assert_eq!(
        (&shown.state, shown.judged.clone()),
        (&State::Ready, Some((Outcome::Failed, "ended with status 3".to_owned())))
    );
    assert!(matches!(shown.task.triggers[0].schedule, Schedule::OnCalendar(_)));
}

proptest! {
    #[test]
    fn no_text_panics(text in "([*0-9@a-z=%\\\\ \t\\[\\]{};-]{0,30}\n){0,6}\\PC{0,20}") {
        let _ = system(&text);
        let _ = read_anacrontab("a", text.as_bytes());
        let _ = read_units(&[UnitFile { file: "a.timer", bytes: text.as_bytes() }], None);
        let _ = read_list_timers(text.as_bytes());
        let _ = read_show("a", text.as_bytes());
    }
}
