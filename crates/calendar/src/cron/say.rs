//! A cron expression in plain English.

use super::Grid;
use super::field::{DAY, Field, HOUR, MINUTE, MONTH};
use crate::words::{MONTHS, WEEKDAYS, list, ordinal, ranges, step_of};

/// So many times of a day are listed one by one.
const MAX_TIMES: usize = 6;

const WORKDAYS: u64 = 0b011_1110;
const WEEKEND: u64 = 0b100_0001;
const WHOLE_WEEK: u64 = 0x7f;

pub(super) fn grid(grid: &Grid) -> String {
    let mut words = time(grid);
    let days = days(grid);
    if !days.is_empty() {
        words.push(' ');
        words.push_str(&days);
    }
    for (field, name) in grid.fields().iter().zip(["minute", "hour", "day", "month", "day of the week"]) {
        if let Some((low, high)) = field.random {
            words.push_str(&format!(", {name} chosen by cron from {low} to {high}, here the last"));
        }
    }
    if grid.never_happens() {
        words.push_str(", a date that never comes");
    }
    words
}

fn numbers(field: Field) -> Vec<u32> {
    let bits = field.effective();
    (0..64).filter(|number| bits >> number & 1 == 1).collect()
}

fn time(grid: &Grid) -> String {
    let (minutes, hours) = (numbers(grid.minute), numbers(grid.hour));
    let (every_minute, every_hour) = (grid.minute.effective() == MINUTE.all(), grid.hour.effective() == HOUR.all());
    if minutes.len() * hours.len() <= MAX_TIMES {
        let times = hours.iter().flat_map(|hour| minutes.iter().map(move |minute| format!("{hour:02}:{minute:02}")));
        return format!("at {}", list(times));
    }
    let minute = match (step_of(&minutes, MINUTE.high), &minutes[..]) {
        _ if every_minute => "every minute".to_owned(),
        (Some(step), [0, ..]) if 60 % step == 0 => format!("every {step} minutes"),
        (_, [minute]) => format!("at minute {minute}"),
        _ => format!("at minutes {}", ranges(&minutes, |minute| minute.to_string())),
    };
    if every_hour {
        return if minute.starts_with("every") { minute } else { format!("{minute} of every hour") };
    }
    match (step_of(&hours, HOUR.high), &hours[..]) {
        (Some(step), [0, ..]) if 24 % step == 0 => format!("{minute} of every {} hour from 00:00", ordinal(step)),
        (_, [hour]) => format!("{minute} of the hour from {hour:02}:00"),
        _ => format!("{minute} of the hours from {}", ranges(&hours, |hour| format!("{hour:02}:00"))),
    }
}

fn days(grid: &Grid) -> String {
    let (any_day, weekdays) = (grid.day.effective() == DAY.all(), grid.weekdays());
    let months = months(grid);
    let of_months = if months.is_empty() { " of every month".to_owned() } else { format!(" of {months}") };
    let in_months = if months.is_empty() { String::new() } else { format!(" in {months}") };
    let day_list = format!("on the {}{of_months}", ranges(&numbers(grid.day), ordinal));
    match (any_day, weekdays == WHOLE_WEEK, grid.both_days()) {
        (true, true, _) | (true, _, false) | (_, true, false) if grid.both_days() && months.is_empty() => daily(grid),
        (true, true, _) | (true, _, false) | (_, true, false) => format!("every day{in_months}"),
        (true, false, true) => format!("{}{in_months}", weekday_list(weekdays)),
        (false, true, true) => day_list,
        (false, false, true) => format!("{day_list} if that day is {}", list(weekday_names(weekdays))),
        (false, false, false) => format!("{day_list}, and also {}{in_months}", weekday_list(weekdays)),
    }
}

/// `every minute` needs no word more, `at 02:30` does.
fn daily(grid: &Grid) -> String {
    if grid.hour.effective() == HOUR.all() { String::new() } else { "every day".to_owned() }
}

fn months(grid: &Grid) -> String {
    if grid.month.effective() == MONTH.all() {
        return String::new();
    }
    ranges(&numbers(grid.month), |month| MONTHS[month as usize - 1].to_owned())
}

fn weekday_names(bits: u64) -> Vec<&'static str> {
    // The week as people list it, from Monday on.
    (1..=7).map(|day| day % 7).filter(|day| bits >> day & 1 == 1).map(|day| WEEKDAYS[day]).collect()
}

fn weekday_list(bits: u64) -> String {
    match bits {
        WORKDAYS => "on weekdays".to_owned(),
        WEEKEND => "on weekends".to_owned(),
        _ => format!("on {}", list(weekday_names(bits))),
    }
}
