//! cron's lines.

use crate::tree;

/// What a line of /etc/cron.d says.
pub(crate) struct Line {
    /// Minute, hour, day of the month, month, day of the week.
    pub(crate) when: [String; 5],
    pub(crate) user: String,
    pub(crate) command: String,
}

/// The line of a file that is one.
pub(crate) fn line(file: &str) -> Line {
    let text = tree::read(file);
    let is_setting = |line: &str| line.split(' ').next().is_some_and(|word| word.contains('='));
    let lines: Vec<_> =
        text.lines().filter(|line| !line.starts_with('#') && !line.is_empty() && !is_setting(line)).collect();
    assert_eq!(lines.len(), 1, "{file}: one line");
    let mut fields = lines[0].split_whitespace();
    let mut next = || fields.next().unwrap_or_else(|| panic!("{file}: five times, a user and a command")).to_owned();
    let when = [next(), next(), next(), next(), next()];
    let user = next();
    Line { when, user, command: fields.collect::<Vec<_>>().join(" ") }
}

/// Whether a field is `*`, a number, a range or a list of these, each perhaps in steps, within bounds.
fn is_field(text: &str, least: u32, most: u32) -> bool {
    text.split(',').all(|part| {
        let (range, step) = part.split_once('/').unwrap_or((part, "1"));
        let within = |number: &str| number.parse::<u32>().is_ok_and(|number| (least..=most).contains(&number));
        let (from, to) = range.split_once('-').unwrap_or((range, range));
        step.parse::<u32>().is_ok_and(|step| (1..=most).contains(&step)) && (range == "*" || within(from) && within(to))
    })
}

#[test]
fn every_line_has_its_times_its_user_and_its_command() {
    for file in tree::files_like("cron/", "") {
        let line = line(&file);
        for (field, (least, most)) in line.when.iter().zip([(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]) {
            assert!(is_field(field, least, most), "{file}: {field}");
        }
        assert_eq!(line.user, "strongroom", "{file}");
        assert!(line.command.starts_with("strongroom "), "{file}: {}", line.command);
        // cron takes a percent sign for the end of the line.
        assert!(!line.command.contains('%'), "{file}");
        let text = tree::read(&file);
        assert!(
            text.lines().any(|line| line.starts_with("PATH=/usr/local/bin:")),
            "{file}: cron's own PATH has no /usr/local"
        );
        assert!(text.ends_with('\n'), "{file}: cron passes over a last line without an end");
    }
}

#[test]
fn what_is_no_time_is_seen() {
    assert!(is_field("*/2", 0, 59) && is_field("23,0-4", 0, 23) && is_field("*", 1, 12));
    for bad in ["60", "a", "", "1-99", "*/0", "5,", "-"] {
        assert!(!is_field(bad, 0, 59), "{bad}");
    }
}

/// The timer, cron's line and the CronJob are three ways to say the same.
#[test]
fn the_three_schedules_of_enumerate_are_one() {
    let cron = line("cron/strongroom-enumerate").when.join(" ");
    let job = &tree::yaml("kubernetes/enumerate-cronjob.yaml")[0];
    assert_eq!(job["spec"]["schedule"], cron.as_str());
    assert_eq!(cron, "*/2 23,0-4 * * *");
    let timer = tree::read("systemd/strongroom-enumerate.timer");
    let when = timer.lines().find_map(|line| line.strip_prefix("OnCalendar=")).unwrap();
    let mut calendar = tree::tool("systemd-analyze", "systemd");
    calendar.args(["calendar", "--iterations=200", "--base-time=2026-01-10 12:00:00 UTC", when]).env("TZ", "UTC");
    let said = tree::succeeds(&mut calendar);
    let times: Vec<_> = said.lines().filter_map(|line| line.rsplit_once(": ")?.1.strip_suffix(" UTC")).collect();
    let times: Vec<_> = times.iter().filter_map(|time| time.split(' ').nth(2)).collect();
    assert_eq!(times.len(), 200, "{said}");
    // Six hours of thirty each night, which begin at eleven.
    assert_eq!(
        (times[0], times[1], times[179], times[180]),
        ("23:00:00", "23:02:00", "04:58:00", "23:00:00"),
        "{said}"
    );
}
