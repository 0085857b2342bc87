use proptest::prelude::*;

use crate::problem::{Format, Reading};
use crate::task::{Action, InstancesPolicy, LogonType, Months, Schedule, SessionChange, Weekdays};
use crate::{Span, read_file};

const OPEN: &str = "<Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">";
const ACTION: &str = "<Actions><Exec><Command>a.exe</Command></Exec></Actions>";

fn reading(text: &str) -> Reading {
    read_file("OpenData/Nightly.xml", None, text.as_bytes(), None)
}

fn task_of(inner: &str) -> crate::Task {
    let found = reading(&format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n{OPEN}{inner}</Task>"));
    assert_eq!(found.problems, []);
    found.tasks.into_iter().next().unwrap()
}

fn triggers(inner: &str) -> Vec<crate::Trigger> {
    task_of(&format!("<Triggers>{inner}</Triggers>{ACTION}")).triggers
}

fn problem(text: &str) -> String {
    let found = reading(text);
    assert_eq!(found.tasks, []);
    found.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[test]
fn a_definition_is_read_in_any_order_with_the_schemas_defaults() {
    let task = task_of(
        "<Settings><Hidden>1</Hidden><ExecutionTimeLimit>PT0S</ExecutionTimeLimit><Priority>4</Priority>\
         <MultipleInstancesPolicy>Queue</MultipleInstancesPolicy><RestartOnFailure><Interval>PT5M</Interval>\
         <Count>3</Count></RestartOnFailure></Settings>\
         <Actions Context=\"A\"><Exec><Command>\"C:\\a b\\x.exe\"</Command><Arguments>-x &amp; y</Arguments></Exec>\
         <ComHandler><ClassId>{1}</ClassId><Data><![CDATA[<a>]]></Data></ComHandler></Actions>\
         <Principals><Principal id=\"A\"><UserId>CORP\\jo</UserId><LogonType>Password</LogonType>\
         <RunLevel>HighestAvailable</RunLevel></Principal></Principals>\
         <RegistrationInfo><Date>2010-09-30T14:53:37.9516706</Date><URI>\\OpenData\\Nightly</URI></RegistrationInfo>\
         <Triggers/>",
    );
    assert_eq!((task.path.as_str(), task.folder(), task.name()), ("\\OpenData\\Nightly", "\\OpenData\\", "Nightly"));
    let settings = &task.settings;
    assert!(settings.enabled && settings.hidden && settings.not_on_battery && settings.on_demand);
    assert_eq!((settings.time_limit, settings.priority, settings.instances), (None, 4, InstancesPolicy::Queue));
    assert_eq!(settings.restart, Some((3, Span::of_seconds(300))));
    assert_eq!(task.principals[0].logon, Some(LogonType::Password));
    assert!(task.principals[0].elevated && task.principals[0].needs_password());
    assert_eq!(task.actions[1], Action::ComHandler { class_id: "{1}".to_owned(), data: Some("<a>".to_owned()) });
    assert_eq!(task.warnings, Vec::<String>::new());
    assert_eq!(task_of(ACTION).settings.time_limit, Some(Span::of_seconds(72 * 3600)));
}

#[test]
fn every_kind_of_trigger_is_read() {
    let kinds = triggers(
        "<TimeTrigger><StartBoundary>2018-01-01T00:00:00</StartBoundary><Repetition><Interval>PT5M</Interval>\
         <Duration></Duration></Repetition><RandomDelay>PT30M</RandomDelay></TimeTrigger>\
         <CalendarTrigger><ScheduleByDay><DaysInterval>2</DaysInterval></ScheduleByDay></CalendarTrigger>\
         <CalendarTrigger><ScheduleByWeek><DaysOfWeek><Monday/><Sunday/></DaysOfWeek></ScheduleByWeek></CalendarTrigger>\
         <CalendarTrigger><ScheduleByMonth><DaysOfMonth><Day>1</Day><Day>Last</Day></DaysOfMonth><Months><March/></Months>\
         </ScheduleByMonth></CalendarTrigger>\
         <CalendarTrigger><ScheduleByMonthDayOfWeek><Weeks><Week>Last</Week></Weeks><DaysOfWeek><Friday/></DaysOfWeek>\
         </ScheduleByMonthDayOfWeek></CalendarTrigger>\
         <BootTrigger><Delay>PT30S</Delay></BootTrigger><LogonTrigger/><IdleTrigger/><RegistrationTrigger/>\
         <SessionStateChangeTrigger><StateChange>SessionUnlock</StateChange></SessionStateChangeTrigger>\
         <WnfStateChangeTrigger><StateName>7550BCA3</StateName></WnfStateChangeTrigger>\
         <EventTrigger><Subscription>&lt;QueryList&gt;&lt;Query Path='System'&gt;&lt;Select Path='System'&gt;\
         *[System[Provider[@Name='User32'] and EventID=1074]]&lt;/Select&gt;&lt;/Query&gt;&lt;/QueryList&gt;</Subscription>\
         </EventTrigger>",
    );
    let names: Vec<_> = kinds.iter().map(|trigger| trigger.schedule.kind()).collect();
    let expected = [
        "Time",
        "Daily",
        "Weekly",
        "Monthly",
        "MonthlyDOW",
        "Boot",
        "Logon",
        "Idle",
        "Registration",
        "SessionStateChange",
        "WnfStateChange",
        "Event",
    ];
    assert_eq!(names, expected);
    assert_eq!(
        kinds[0].repetition.map(|repetition| (repetition.interval, repetition.duration)),
        Some((Span::of_seconds(300), None))
    );
    assert_eq!(kinds[1].schedule, Schedule::Daily(2));
    assert_eq!(kinds[2].schedule, Schedule::Weekly(1, Weekdays(0b11)));
    let Schedule::Monthly(days, months) = kinds[3].schedule else { panic!("{:?}", kinds[3]) };
    assert_eq!((days.bits, days.last, months), (2, true, Months(8)));
    assert_eq!(kinds[9].schedule, Schedule::Session(SessionChange::Unlock, None));
    let Schedule::Event(event) = &kinds[11].schedule else { panic!("{:?}", kinds[11]) };
    assert_eq!((event.channel.as_deref(), event.provider.as_deref()), (Some("System"), Some("User32")));
    assert_eq!(event.ids, ["1074"]);
}

#[test]
fn an_event_query_is_put_in_words_only_where_they_say_all_of_it() {
    let words = |path: &str| {
        let select =
            format!("<QueryList><Query Path='System'><Select Path='System'>{path}</Select></Query></QueryList>");
        let escaped = select.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let found = triggers(&format!("<EventTrigger><Subscription>{escaped}</Subscription></EventTrigger>"));
        crate::trigger_words(&found[0])
    };
    assert_eq!(words("*[System[(EventID=1 or EventID=2)]]"), "on events 1 and 2 in System");
    assert_eq!(
        words("*[System[Provider[@Name='A B'] and (Level=4 or Level=0) and (EventID=7)]]"),
        "on event 7 of A B in System with level 4 and 0"
    );
    for more in [
        "*[System[EventID=1] and EventData[Data='x']]",
        "*[System[(EventID&gt;=1)]]",
        "*[System[Level=2]]",
        "*[System[(EventID=1 or Level=2)]]",
        "*",
    ] {
        assert!(words(more).starts_with("on events matching a query of System: <QueryList>"), "{}", words(more));
    }
}

#[test]
fn what_is_not_known_is_kept_and_warned_of() {
    let task = task_of(
        "<Triggers><DailyTrigger><StartBoundary>x</StartBoundary></DailyTrigger><TimeTrigger><Colour>red</Colour>\
         <StartBoundary>2023-02-30T00:00:00</StartBoundary><Enabled>yes</Enabled></TimeTrigger></Triggers>\
         <Settings><Volume>11</Volume><Priority>many</Priority></Settings><Actions><Play>tune.wav</Play></Actions>",
    );
    assert_eq!(task.triggers[0].schedule, Schedule::Unknown("DailyTrigger".to_owned(), "x".to_owned()));
    assert!(task.triggers[1].enabled, "a value that cannot be read counts as missing");
    assert_eq!(task.actions[0].kind(), "unknown");
    insta::assert_snapshot!(task.warnings.join("\n"));
}

#[test]
fn a_dump_has_the_paths_in_comments_and_each_task_stands_for_itself() {
    let good = format!("<!-- \\A\\one -->\n{OPEN}{ACTION}</Task>\n");
    let bad = format!("<!-- \\A\\two -->\n{OPEN}<Actions></Task>\n");
    let unnamed = format!("{OPEN}<RegistrationInfo><URI>\\B\\three</URI></RegistrationInfo>{ACTION}</Task>\n");
    let paths = |found: &Reading| found.tasks.iter().map(|task| task.path.clone()).collect::<Vec<_>>();
    let whole = reading(&format!("<?xml version=\"1.0\"?>\n<Tasks>\n{good}{unnamed}</Tasks>"));
    assert_eq!((whole.format, paths(&whole)), (Format::TaskDump, vec!["\\A\\one".to_owned(), "\\B\\three".to_owned()]));
    assert_eq!(whole.problems, []);
    let plain = format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?>\n{OPEN}{ACTION}</Task>\n");
    let repeated = reading(&plain.repeat(2));
    assert_eq!((repeated.format, repeated.tasks.len(), repeated.problems.len()), (Format::TaskDump, 2, 0));
    let damaged = reading(&format!("<Tasks>\n{good}{bad}{unnamed}</Tasks>"));
    assert_eq!(paths(&damaged), ["\\A\\one", "\\B\\three"]);
    let problems: Vec<_> = damaged.problems.iter().map(ToString::to_string).collect();
    assert!(problems[0].starts_with("\\A\\two is cut off or not well-formed XML"), "{problems:?}");
}

#[test]
fn a_damaged_file_is_named_as_such() {
    assert!(problem(&format!("{OPEN}<Triggers></Task>")).starts_with("the file is cut off or not well-formed XML ("));
    assert!(
        problem(&format!("<!-- not -- allowed -->{OPEN}{ACTION}</Task>"))
            .starts_with("the file is cut off or not well-formed XML")
    );
    assert!(problem(&format!("{OPEN}{ACTION}")).starts_with("the file is cut off or not well-formed XML"));
}

#[test]
fn bombs_and_depths_are_refused() {
    let bomb = "<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]><Task>&b;</Task>";
    assert_eq!(problem(bomb), "has a document type, which a task definition never has; it is not read");
    let deep = format!("{}{}", "<a>".repeat(500_000), "</a>".repeat(500_000));
    assert_eq!(problem(&deep), "nests elements more than 64 deep; it is not read");
    let wide = format!("<Task>{}</Task>", "<a/>".repeat(400_001));
    assert_eq!(problem(&wide), "has more than 400000 elements; it is not read");
    assert!(problem(&"<".repeat(crate::text::MAX_FILE_BYTES + 1)).contains("has at most 4194304"));
}

#[test]
fn other_formats_are_recognised_and_named() {
    assert!(problem("<ScheduledTasks clsid=\"{1}\"><TaskV2/></ScheduledTasks>").contains("Group Policy Preferences"));
    assert!(
        problem("<Objs Version=\"1.1.0.1\" xmlns=\"http://schemas.microsoft.com/powershell/2004/04\"/>")
            .contains("Export-Clixml")
    );
    assert_eq!(problem("<html/>"), "is XML with the root element \"html\", not a task definition");
    let mut job = vec![0_u8; 80];
    job[..4].copy_from_slice(&[1, 5, 1, 0]);
    let found = read_file("Nightly.job", None, &job, None);
    assert!(found.problems[0].to_string().starts_with("is a .job file"));
    assert_eq!(problem("hello"), "is neither a task definition nor a listing of tasks that is known here");
    assert_eq!(problem(" \n"), "is empty");
}

#[test]
fn a_files_name_and_the_own_path_of_a_definition_are_told_apart() {
    let of = |file: &str, uri: &str| {
        let text = format!("{OPEN}<RegistrationInfo><URI>{uri}</URI></RegistrationInfo>{ACTION}</Task>");
        let task = read_file(file, None, text.as_bytes(), None).tasks.remove(0);
        (task.path, task.warnings.len())
    };
    assert_eq!(of("Nightly.xml", "OpenData\\Nightly"), ("\\OpenData\\Nightly".to_owned(), 0));
    assert_eq!(of("OpenData/Copy.xml", "\\OpenData\\Nightly"), ("\\OpenData\\Copy".to_owned(), 1));
}

proptest! {
    #[test]
    fn no_markup_panics(text in "(<[/!?a-zT-]{0,6}(Task|Triggers|!--|\\[CDATA\\[)?[ =\"'/>]{0,4}|\\PC{0,5}|-->|]]>){0,12}") {
        let _ = reading(&text);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read_file("x", None, &bytes, None);
    }

    #[test]
    fn no_cut_definition_panics(at in 0_usize..400) {
        let text = format!("<?xml version=\"1.0\"?>{OPEN}<Triggers><TimeTrigger><StartBoundary>2018-01-01T00:00:00Z\
                            </StartBoundary></TimeTrigger></Triggers>{ACTION}</Task>");
        let _ = reading(text.get(..at.min(text.len())).unwrap());
    }
}
