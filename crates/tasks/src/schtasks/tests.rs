use proptest::prelude::*;

use crate::problem::{Format, Reading};

fn reading(text: &str) -> Reading {
    crate::read_file("list.csv", None, text.as_bytes(), None)
}

const HEADER: &str = "\"HostName\",\"TaskName\",\"Next Run Time\",\"Status\",\"Logon Mode\",\"Last Run Time\",\"Last Result\",\"Author\",\
\"Task To Run\",\"Start In\",\"Comment\",\"Scheduled Task State\",\"Idle Time\",\"Power Management\",\"Run As User\",\
\"Delete Task If Not Rescheduled\",\"Stop Task If Runs X Hours and X Mins\",\"Schedule\",\"Schedule Type\",\"Start Time\",\
\"Start Date\",\"End Date\",\"Days\",\"Months\",\"Repeat: Every\",\"Repeat: Until: Time\",\"Repeat: Until: Duration\",\
\"Repeat: Stop If Still Running\"";

fn row(path: &str, result: &str, command: &str, comment: &str, kind: &str) -> String {
    format!(
        "\"PC\",\"{path}\",\"13/02/2025 17:30:00\",\"Ready\",\"Interactive only\",\"13/02/2025 17:15:00\",\"{result}\",\
         \"PC\\jo\",\"{command}\",\"C:\\x\",\"{comment}\",\"Enabled\",\"Disabled\",\"\",\"jo\",\"Disabled\",\"72:00:00\",\
         \"Scheduling data is not available in this format.\",\"{kind}\",\"17:15:00\",\"13/02/2025\",\"N/A\",\"32\",\
         \"Every month\",\"Disabled\",\"Disabled\",\"Disabled\",\"Disabled\""
    )
}

#[test]
fn a_header_is_repeated_for_every_folder_in_any_language() {
    let german = HEADER.replace("TaskName", "Aufgabenname").replace("Last Result", "Letztes Ergebnis");
    for header in [HEADER, &german] {
        let text = [header, &row("\\A", "0", "a", "", "Daily"), header, header, &row("\\B\\b", "1", "b", "", "Daily")]
            .join("\r\n");
        let found = reading(&text);
        assert_eq!(found.format, Format::SchtasksCsv);
        assert_eq!(found.problems, []);
        let paths: Vec<_> = found.statuses.iter().map(|row| (row.path.as_str(), row.last_result, row.line)).collect();
        assert_eq!(paths, [("\\A", Some(0), 2), ("\\B\\b", Some(1), 5)]);
    }
}

#[test]
fn a_row_for_each_trigger_is_one_task() {
    let text = [HEADER, &row("\\A", "-2147024894", "a", "", "Daily"), &row("\\A", "-2147024894", "a", "", "Weekly")]
        .join("\n");
    let found = reading(&text);
    assert_eq!(found.statuses.len(), 1);
    assert_eq!(found.statuses[0].last_result, Some(0x8007_0002));
    let kinds: Vec<_> = found.statuses[0].schedules.iter().map(|cells| cells[0].as_str()).collect();
    assert_eq!(kinds, ["Daily", "Weekly"]);
}

#[test]
fn quotes_that_are_not_escaped_shift_nothing() {
    let quoted = row("\\A", "267011", "\"C:\\Program Files\\x.exe\" -File y", "say \"it\"), weekly", "Monthly");
    let commas = row("\\B", "3", "x", "one\",\"two\",\"three", "Daily");
    let lines = row("\\C", "4", "x", "first\nsecond \"line", "Daily");
    let found = reading(&[HEADER, &quoted, &commas, &lines].join("\n"));
    let rows: Vec<_> = found.statuses.iter().map(|row| (row.command.as_deref(), row.comment.as_deref())).collect();
    assert_eq!(
        rows,
        [
            (Some("\"C:\\Program Files\\x.exe\" -File y"), Some("say \"it\"), weekly")),
            (Some("x"), Some("one\",\"two\",\"three")),
            (Some("x"), Some("first\nsecond \"line")),
        ]
    );
    assert!(
        found
            .statuses
            .iter()
            .all(|row| row.enabled.as_deref() == Some("Enabled") && row.run_as.as_deref() == Some("jo"))
    );
    assert_eq!(
        found.statuses[1].warnings,
        ["the command or the comment holds quotes and commas: where one ends is not certain"]
    );
}

#[test]
fn a_listing_of_nothing_is_not_an_empty_host() {
    for text in
        [HEADER.to_owned(), format!("{HEADER}\r\n{HEADER}\r\n"), "\"TaskName\",\"Next Run Time\",\"Status\"".to_owned()]
    {
        let found = reading(&text);
        assert!(found.problems[0].to_string().contains("may not read"), "{:?}", found.problems);
    }
}

#[test]
fn short_ragged_and_cut_listings_say_what_is_missing() {
    let short = reading("\"TaskName\",\"Next Run Time\",\"Status\"\n\"\\A\",\"N/A\",\"Ready\"\n");
    assert_eq!((short.format, short.statuses[0].path.as_str()), (Format::SchtasksShortCsv, "\\A"));
    assert_eq!((&short.statuses[0].next_run, short.statuses[0].state.as_deref()), (&None, Some("Ready")));

    let mine = reading("\"TaskName\",\"State\",\"Last\",\"Result\"\n\"\\A\",\"Ready\",\"x\",\"0\"\n");
    assert_eq!(mine.statuses[0].last_result, None, "the columns are not known");
    assert!(mine.problems[0].to_string().contains("only the path is read"));

    let ragged = reading(&format!("{HEADER}\n{}", row("\\A", "5", "a", "", "Daily").rsplit_once(',').unwrap().0));
    assert_eq!(ragged.statuses[0].warnings, ["27 of 28 columns: the others are not known"]);

    let strange = reading(&format!("{HEADER}\n\"PC\",\"A\",\"x\",\"y\",\"z\",\"w\",\"0\"\n"));
    assert_eq!(
        strange.problems[0].to_string(),
        "line 2 cannot be read: no column holds the path of a task, which begins with a backslash"
    );
}

/// As `/fo list /v` prints a task.
fn block(path: &str, result: &str, comment: &str, kind: &str) -> String {
    let keys = HEADER.trim_matches('"').split("\",\"").map(|key| format!("{key}:"));
    let row = row(path, result, "\"C:\\a b.exe\" -x", comment, kind);
    let values = row.trim_matches('"').split("\",\"");
    keys.zip(values).map(|(key, value)| format!("{key:<37} {value}\n")).collect()
}

#[test]
fn a_list_is_read_by_position_in_any_language() {
    let english = format!(
        "\nFolder: \\\n{}\n{}\n\nFolder: \\Empty\nINFO: There are no scheduled tasks presently available.\n",
        block("\\A", "-2147024894", "first\nsecond: not a key", "Daily"),
        block("\\A", "-2147024894", "first\nsecond: not a key", "Weekly"),
    );
    let french =
        english.replace("TaskName:     ", "Nom de tâche :").replace("Last Result:      ", "Dernier résultat :");
    for text in [&english, &french] {
        let found = reading(text);
        assert_eq!((found.format, found.statuses.len()), (Format::SchtasksList, 1), "{:?}", found.problems);
        let task = &found.statuses[0];
        assert_eq!(
            (task.path.as_str(), task.last_result, task.host.as_deref()),
            ("\\A", Some(0x8007_0002), Some("PC"))
        );
        assert_eq!(task.command.as_deref(), Some("\"C:\\a b.exe\" -x"));
        assert_eq!(task.comment.as_deref(), Some("first\nsecond: not a key"));
        assert_eq!((task.run_as.as_deref(), task.enabled.as_deref()), (Some("jo"), Some("Enabled")));
        let kinds: Vec<_> = task.schedules.iter().map(|cells| (cells[0].as_str(), cells[9].as_str())).collect();
        assert_eq!(kinds, [("Daily", "Disabled"), ("Weekly", "Disabled")]);
        assert_eq!(task.warnings, [""; 0]);
        assert!(found.problems.len() == 1 && found.problems[0].to_string().starts_with("lists no tasks for \\Empty:"));
    }
    let short =
        "HostName:      PC\nTaskName:      \\A\nNext Run Time: N/A\nStatus:        Ready\nLogon Mode:    Interactive\n";
    let found = reading(short);
    assert_eq!((found.statuses[0].path.as_str(), found.statuses[0].state.as_deref()), ("\\A", Some("Ready")));
    assert_eq!((found.statuses[0].last_result, found.problems.len()), (None, 0));
    let odd = reading(&format!("{short}More:          x\n"));
    assert!(
        odd.statuses.is_empty() && odd.problems[0].to_string().contains("list it again with /v"),
        "{:?}",
        odd.problems
    );
}

#[test]
fn a_table_is_read_where_no_name_is_cut_off() {
    let head = "TaskName                                 Next Run Time          Status         \n\
                ======================================== ====================== ===============\n";
    let row = |name: &str| format!("{name:<40} 13/02/2025 17:30:00    Ready          \n");
    let long = "A name that is longer than forty characters has no end";
    let text = format!(
        "\nFolder: \\\n{head}{}{}\nFolder: \\Offen\n{head}{}{}{}\nFolder: \\Leer\n{head}INFO: There are no scheduled tasks.\n",
        row("One"),
        row("One"),
        row("Zwei für alle"),
        row(&long[..40]),
        row("任务"),
    );
    let found = reading(&text);
    let read: Vec<_> =
        found.statuses.iter().map(|row| (row.path.as_str(), row.next_run.as_deref(), row.state.as_deref())).collect();
    let at = Some("13/02/2025 17:30:00");
    assert_eq!(read, [("\\One", at, Some("Ready")), ("\\Offen\\Zwei für alle", at, Some("Ready"))]);
    let problems: Vec<_> = found.problems.iter().map(ToString::to_string).collect();
    assert!(problems[0].contains("is cut off at 40 characters; use schtasks /query /fo csv /v"), "{problems:?}");
    assert!(
        problems[1].contains("of different widths") && problems[2].starts_with("lists no tasks for \\Leer:"),
        "{problems:?}"
    );
    let verbose = reading(&format!("Folder: \\\n{}\n{}\n", ["====="; 28].join(" "), row("x")));
    assert!(verbose.statuses.is_empty() && verbose.problems[0].to_string().contains("a table with /v"));
}

#[test]
fn properties_of_powershell_are_read() {
    let text = "TaskName           : Copy\nTaskPath           : \\Open\\\nLastRunTime        : 20.09.2026 00:30:01\n\
                LastTaskResult     : 3221225786\nNumberOfMissedRuns : 2\n\nLastTaskResult : 0x1\nTaskName:X\n";
    let found = reading(text);
    assert_eq!(found.format, Format::TaskInfo);
    let (first, second) = (&found.statuses[0], &found.statuses[1]);
    assert_eq!(
        (first.path.as_str(), first.last_result, first.missed_runs),
        ("\\Open\\Copy", Some(0xc000_013a), Some(2))
    );
    assert_eq!((second.path.as_str(), second.last_result), ("X", Some(1)));
    assert_eq!(second.warnings, ["the listing does not say which folder the task is in"]);
}

proptest! {
    #[test]
    fn no_listing_panics(text in "(\"[\\\\a\",\n]{0,12}\",?\n?){0,8}|\\PC{0,60}") {
        let _ = reading(&text);
    }
}
