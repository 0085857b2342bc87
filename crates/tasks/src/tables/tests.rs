use super::*;
use crate::collection::{Assumed, CollectedFile, read_collection};
use crate::watch::{Watch, assess};

const DEFINITION: &str = "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n\
<Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\"><RegistrationInfo>\
<Author>CORP\\jo</Author><Description>Copies \"all\", nightly</Description><URI>\\OpenData\\Nightly</URI></RegistrationInfo>\
<Triggers><CalendarTrigger><StartBoundary>2024-01-01T02:00:00</StartBoundary><Repetition><Interval>PT15M</Interval>\
<Duration>PT2H</Duration></Repetition><ScheduleByWeek><DaysOfWeek><Monday/><Friday/></DaysOfWeek></ScheduleByWeek>\
</CalendarTrigger><BootTrigger/></Triggers><Principals><Principal id=\"Author\"><UserId>CORP\\backup</UserId>\
<LogonType>Password</LogonType></Principal></Principals><Settings><RestartOnFailure><Interval>PT5M</Interval>\
<Count>3</Count></RestartOnFailure></Settings><Actions><Exec><Command>powershell.exe</Command>\
<Arguments>-File C:\\b.ps1</Arguments></Exec><Exec><Command>two.exe</Command></Exec></Actions></Task>";

const MANIFEST: &str = r#"{"format":"strongroom-tasks/1","host":"SRV","collected_at":"2026-05-06T10:00:00Z",
"zone":{"iana":"Europe/Berlin"},"collector":{"elevated":true},"boot_time":"2026-05-01T05:00:00Z","tasks":[
{"path":"\\OpenData\\Nightly","file":"OpenData/Nightly.xml","state":"ready","last_run":"2026-05-01T00:00:01Z",
"last_result":2147942402,"next_run":"2026-05-08T00:00:00Z","missed_runs":1,"sddl":"D:(A;;FA;;;BA)",
"files":[{"path":"C:\\b.ps1","exists":false}]},
{"path":"\\OpenData\\Odd","state":"unknown"}]}"#;

fn made() -> Tables {
    let files = [
        CollectedFile { name: "manifest.json", bytes: MANIFEST.as_bytes() },
        CollectedFile { name: "OpenData/Nightly.xml", bytes: DEFINITION.as_bytes() },
    ];
    let collection = read_collection(&files, &Assumed::default());
    let zone = collection.zone_or_utc();
    let watch = Watch { boot: collection.boot, ..Watch::new(collection.collected_at.unwrap(), &zone) };
    let verdicts: Vec<_> = collection.entries.iter().map(|entry| assess(&entry.task, &entry.run, &watch)).collect();
    let agreed = [Agreed { success: vec![1, 3], quiet: Some("known".to_owned()), ..Agreed::default() }];
    tables(&collection, &verdicts, &agreed)
}

#[test]
fn the_tables_have_the_columns_of_the_old_reports_first() {
    let text = |rows: Vec<u8>| String::from_utf8(rows).unwrap();
    let files = made().files();
    let shown: Vec<_> = files
        .into_iter()
        .filter(|(name, _)| name.ends_with(".csv"))
        .map(|(name, bytes)| format!("{name}\n{}", text(bytes)))
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn json_has_the_same_columns_in_the_same_order() {
    let status = made().files().into_iter().find(|(name, _)| *name == "status.json").unwrap().1;
    insta::assert_snapshot!(String::from_utf8(status).unwrap());
}

#[test]
fn the_same_input_gives_the_same_bytes_and_nothing_is_still_a_table() {
    assert_eq!(made().files(), made().files());
    let none = Tables { definitions: vec![], triggers: vec![], actions: vec![], status: vec![], task_status: vec![] };
    let (_, bytes) = none.files().into_iter().find(|(name, _)| *name == "task-status.csv").unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), "name,lastResult,resultCode,timeStamp\n");
}

#[test]
fn a_time_of_a_host_whose_zone_is_not_known_has_no_offset() {
    let listing = "\"HostName\",\"TaskName\",\"Next\",\"Status\",\"Mode\",\"Last\",\"Result\",\"Author\",\"Run\"\n\
        \"PC\",\"\\Open\\A\",\"13/02/2027 17:30:00\",\"Ready\",\"x\",\"13/02/2026 17:15:00\",\"0\",\"jo\",\"a\"\n";
    let file = [CollectedFile { name: "list.csv", bytes: listing.as_bytes() }];
    let rows = |zone: Option<&str>| {
        let zone = zone.map(|name| (jiff::tz::TimeZone::get(name).unwrap(), name.to_owned()));
        let collected_at = Some("2026-05-06T10:00:00Z".parse().unwrap());
        let collection = read_collection(&file, &Assumed { zone: zone.clone(), collected_at, ..Assumed::default() });
        let utc = jiff::tz::TimeZone::UTC;
        let known = zone.as_ref().map_or(&utc, |(zone, _)| zone);
        let watch = Watch { zone_known: zone.is_some(), ..Watch::new(collection.collected_at.unwrap(), known) };
        let verdict = assess(&collection.entries[0].task, &collection.entries[0].run, &watch);
        let made = tables(&collection, &[verdict], &[]);
        let (row, simple) = (&made.status[0], &made.task_status[0]);
        [&row.old_next_run, &row.next_run_reported, &simple.time_stamp, &row.last_run, &row.collected_at]
            .map(|cell| cell.clone().unwrap())
    };
    let local = "2027-02-13T17:30:00";
    assert_eq!(rows(None), [local, local, local, "2026-02-13T17:15:00", "2026-05-06T10:00:00Z"]);
    let known = "2027-02-13T17:30:00+01:00";
    let expected = [known, known, known, "2026-02-13T17:15:00+01:00", "2026-05-06T12:00:00+02:00"];
    assert_eq!(rows(Some("Europe/Berlin")), expected);
}
