//! A calendar expression in plain English.

use super::chain::{Chain, Item};
use super::{MICROSECONDS, OnCalendar, WHOLE_WEEK};
use crate::words::{MONTHS, WEEKDAYS, list, ordinal};

/// So many times of a day are listed one by one.
const MAX_TIMES: usize = 6;

pub(super) fn words(spec: &OnCalendar) -> String {
    let mut words = format!("{} {}", time(spec), date(spec)).trim_end().to_owned();
    if !spec.year.is_any() {
        words.push_str(&format!(", only in {}", chain(&spec.year, |year| year.to_string())));
    }
    if let Some(zone) = &spec.zone {
        words.push_str(&format!(" ({})", zone.iana_name().unwrap_or("UTC")));
    }
    if spec.never_happens() {
        words.push_str(", a date that never comes");
    }
    words
}

fn item(item: Item, name: impl Fn(i64) -> String, one: i64) -> String {
    let steps = |step: i64| plain(step, one);
    match (item.stop, item.step) {
        (None, None) => name(item.start),
        (Some(stop), step) if step.is_none_or(|step| step == one) => format!("{} to {}", name(item.start), name(stop)),
        (Some(stop), step) => {
            format!("{} to {} in steps of {}", name(item.start), name(stop), steps(step.unwrap_or(one)))
        }
        (None, Some(step)) => format!("{} and on in steps of {}", name(item.start), steps(step)),
    }
}

fn chain(chain: &Chain, name: impl Fn(i64) -> String) -> String {
    list(chain.0.iter().map(|one| item(*one, &name, 1)))
}

/// A number of microseconds as seconds, where `one` is a second.
fn plain(number: i64, one: i64) -> String {
    if number % one == 0 {
        return (number / one).to_string();
    }
    let fraction = format!("{:06}", number % one);
    format!("{}.{}", number / one, fraction.trim_end_matches('0'))
}

fn time(spec: &OnCalendar) -> String {
    if let (Some(hours), Some(minutes), Some(second)) = (spec.hour.numbers(), spec.minute.numbers(), spec.second.only())
        && hours.len() * minutes.len() <= MAX_TIMES
    {
        let seconds = if second == 0 { String::new() } else { format!(":{:0>2}", plain(second, MICROSECONDS)) };
        let times = hours.iter().flat_map(|hour| minutes.iter().map(move |minute| (hour, minute)));
        return format!("at {}", list(times.map(|(hour, minute)| format!("{hour:02}:{minute:02}{seconds}"))));
    }
    let hours = match (spec.hour.is_any(), every(&spec.hour, 24)) {
        (true, _) => String::new(),
        (_, Some(step)) => format!(" of every {} hour from 00:00", ordinal_of(step)),
        _ => format!(" of hour {}", chain(&spec.hour, |hour| hour.to_string())),
    };
    let whole = spec.second.only() == Some(0);
    let minutes = match (spec.minute.is_any(), every(&spec.minute, 60), whole) {
        (true, _, true) => "every minute".to_owned(),
        (_, Some(step), true) => format!("every {step} minutes"),
        (true, ..) => " of every minute".to_owned(),
        (.., true) => format!("at minute {}", chain(&spec.minute, |minute| minute.to_string())),
        _ => format!(" of minute {}", chain(&spec.minute, |minute| minute.to_string())),
    };
    let hours = if hours.is_empty() && !minutes.contains("every") { " of every hour".to_owned() } else { hours };
    if whole {
        return format!("{minutes}{hours}");
    }
    let second = |number: i64| plain(number, MICROSECONDS);
    let seconds = match spec.second.0[..] {
        [Item { start: 0, stop: None, step: Some(MICROSECONDS) }] => "every second".to_owned(),
        [Item { start: 0, stop: None, step: Some(step) }] if 60 * MICROSECONDS % step == 0 => {
            format!("every {} seconds", second(step))
        }
        _ => format!("at second {}", list(spec.second.0.iter().map(|one| item(*one, second, MICROSECONDS)))),
    };
    format!("{seconds}{minutes}{hours}")
}

/// The step of `0/step`, where it divides the whole.
fn every(chain: &Chain, whole: i64) -> Option<i64> {
    match chain.0[..] {
        [Item { start: 0, stop: None, step: Some(step) }] if whole % step == 0 => Some(step),
        _ => None,
    }
}

/// How many days at the end of a month are meant, by `~7/1` or `~1..7`.
fn last_days(days: &Chain) -> Option<i64> {
    match days.0[..] {
        [Item { start, stop: None, step: Some(1) }] | [Item { start: 1, stop: Some(start), step: Some(1) }] => {
            Some(start)
        }
        _ => None,
    }
}

fn ordinal_of(number: i64) -> String {
    u32::try_from(number).map_or_else(|_| number.to_string(), ordinal)
}

fn date(spec: &OnCalendar) -> String {
    let months = chain(&spec.month, |month| month_name(month).to_owned());
    let weekdays = weekdays(spec.weekdays);
    if spec.day.is_any() {
        let months = if months.is_empty() { String::new() } else { format!(" in {months}") };
        return match weekdays {
            None if months.is_empty() && (spec.hour.is_any() || every(&spec.hour, 24).is_some()) => String::new(),
            None => format!("every day{months}"),
            Some(weekdays) => format!("on {weekdays}{months}"),
        };
    }
    let months = if months.is_empty() { "every month".to_owned() } else { months };
    let days = match (spec.from_end, spec.day.only()) {
        (true, Some(1)) => "the last day".to_owned(),
        (true, _) if last_days(&spec.day).is_some() => {
            format!("each of the last {} days", last_days(&spec.day).unwrap_or(1))
        }
        (true, _) => format!("the {} last day", chain(&spec.day, ordinal_of)),
        _ => format!("the {}", chain(&spec.day, ordinal_of)),
    };
    let days = format!("on {days} of {months}");
    weekdays.map_or(days.clone(), |weekdays| format!("{days}, {weekdays} only"))
}

fn month_name(month: i64) -> &'static str {
    usize::try_from(month - 1).ok().and_then(|index| MONTHS.get(index)).copied().unwrap_or("?")
}

fn weekdays(bits: u8) -> Option<String> {
    match bits {
        WHOLE_WEEK => None,
        0b001_1111 => Some("weekdays".to_owned()),
        0b110_0000 => Some("weekends".to_owned()),
        _ => Some(list((0..7).filter(|day| bits >> day & 1 == 1).map(|day| WEEKDAYS[(day + 1) % 7]))),
    }
}
