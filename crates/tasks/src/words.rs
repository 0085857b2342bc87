//! Triggers in plain English: kind, period, time, window, bounds, delay, zone, and whether it is switched off.
//!
//! Two triggers that start a task at different times never read the same. For a schedule that repeats every day, week or
//! month the date of its start is left out once it makes no difference: tables have it in a column of its own.

#[cfg(test)]
mod tests;

use strongroom_model::text::printable;

use crate::moment::{Moment, fixed_zone, time_of_day};
use crate::task::{Days, EventQuery, Months, Repetition, Schedule, SessionChange, Task, Trigger, Weekdays, Weeks};

/// So many characters of a user's or a channel's name are shown.
const MAX_NAME_CHARS: usize = 200;

const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// All triggers of a task in one sentence.
#[must_use]
pub fn task_words(task: &Task) -> String {
    if !task.triggers.is_empty() {
        return task.triggers.iter().map(trigger_words).collect::<Vec<_>>().join("; also ");
    }
    match &task.settings.maintenance {
        Some(maintenance) => format!("in automatic maintenance, every {}", each(&maintenance.period.to_string())),
        None => "only by hand".to_owned(),
    }
}

/// One trigger.
#[must_use]
pub fn trigger_words(trigger: &Trigger) -> String {
    let mut words = match &trigger.schedule {
        Schedule::Once => once(trigger),
        Schedule::Daily(every) => calendar(trigger, &daily(*every)) + &counted(*every, trigger),
        Schedule::Weekly(every, days) => calendar(trigger, &weekly(*every, *days)) + &counted(*every, trigger),
        Schedule::Monthly(days, months) => calendar(trigger, &monthly(*days, *months)),
        Schedule::MonthlyWeekday(weeks, days, months) => calendar(trigger, &monthly_weekday(*weeks, *days, *months)),
        other => happening(other) + &repeated_after(trigger.repetition.as_ref()),
    };
    bounds(trigger, &mut words);
    words
}

/// `1 hour` as `hour`, `2 hours` as it is.
fn each(span: &str) -> String {
    span.strip_prefix("1 ").filter(|unit| !unit.contains(' ')).unwrap_or(span).to_owned()
}

fn interval(repetition: &Repetition) -> String {
    format!("every {}", each(&repetition.interval.to_string()))
}

fn once(trigger: &Trigger) -> String {
    let start = trigger.start.as_ref().map_or_else(|| "an unknown time".to_owned(), plain_start);
    match &trigger.repetition {
        None => format!("once at {start}"),
        Some(repetition) => match repetition.duration {
            None => format!("{} since {start}, without end", interval(repetition)),
            Some(duration) => format!("{} from {start} for {duration}", interval(repetition)),
        },
    }
}

/// The zone is said at the end.
fn plain_start(start: &Moment) -> String {
    match start {
        Moment::Fixed(civil, _) => Moment::Local(*civil).to_string(),
        other => other.to_string(),
    }
}

fn calendar(trigger: &Trigger, days: &str) -> String {
    let civil = trigger.start.as_ref().and_then(Moment::civil);
    let time = match (&trigger.start, civil) {
        (_, Some(civil)) => time_of_day(civil),
        (Some(unreadable), None) => unreadable.to_string(),
        (None, None) => "an unknown time".to_owned(),
    };
    let Some(repetition) = &trigger.repetition else { return format!("{days} at {time}") };
    let every = interval(repetition);
    let day = 86_400;
    match (repetition.duration, civil) {
        (None, _) => format!("{every} from {time} without end, {days}"),
        (Some(span), _) if span.months == 0 && span.seconds == day && time == "00:00" => {
            format!("{every}, all day, {days}")
        }
        (Some(span), _) if span.months == 0 && span.seconds == day => format!("{every}, all day from {time}, {days}"),
        (Some(span), Some(start)) if span.months == 0 && span.seconds < day => {
            let end =
                start.time().wrapping_add(jiff::SignedDuration::from_secs(i64::try_from(span.seconds).unwrap_or(0)));
            let end = time_of_day(start.date().to_datetime(end));
            format!("{every} between {time} and {end} {days}")
        }
        (Some(span), _) => format!("{every} from {time} for {span}, {days}"),
    }
}

/// `every second week`: what is counted from the start needs its date.
fn counted(every: u32, trigger: &Trigger) -> String {
    if every == 1 {
        return String::new();
    }
    let date = trigger.start.as_ref().and_then(Moment::civil).map(|civil| civil.date().to_string());
    format!(" (counted from {})", date.unwrap_or_else(|| "an unknown day".to_owned()))
}

fn daily(every: u32) -> String {
    match every {
        1 => "daily".to_owned(),
        other => format!("every {} day", nth(other)),
    }
}

fn weekly(every: u32, days: Weekdays) -> String {
    let named = match days.0 & 0x7f {
        0 => "never (no weekday is named)".to_owned(),
        0x7f => "daily".to_owned(),
        0b011_1110 => "weekdays".to_owned(),
        0b100_0001 => "weekends".to_owned(),
        _ => format!("every {}", list(weekday_names(days))),
    };
    if every == 1 {
        return named;
    }
    let named = named.strip_prefix("every ").map_or(named.clone(), |days| format!("on {days}"));
    format!("every {} week {named}", nth(every))
}

fn weekday_names(days: Weekdays) -> Vec<String> {
    // The week as people list it, from Monday on.
    (1..=7_u8).map(|day| day % 7).filter(|day| days.has(*day)).map(|day| DAYS[usize::from(day)].to_owned()).collect()
}

fn of_months(months: Months) -> String {
    if months.is_all() {
        return "of every month".to_owned();
    }
    let named = (1..=12_u8).filter(|month| months.has(*month)).map(|month| MONTHS[usize::from(month) - 1].to_owned());
    let named: Vec<_> = named.collect();
    if named.is_empty() { "of no month".to_owned() } else { format!("of {}", list(named)) }
}

fn monthly(days: Days, months: Months) -> String {
    let mut named: Vec<_> =
        (1..=31).filter(|day| days.bits >> day & 1 == 1).map(|day| format!("the {}", ordinal(day))).collect();
    if days.last {
        named.push("the last day".to_owned());
    }
    if named.is_empty() {
        return format!("never (no day is named) {}", of_months(months));
    }
    format!("on {} {}", list(named), of_months(months).replacen("of ", if months.is_all() { "of " } else { "in " }, 1))
}

fn monthly_weekday(weeks: Weeks, days: Weekdays, months: Months) -> String {
    let names = ["first", "second", "third", "fourth"];
    let mut named: Vec<_> =
        (1..=4).filter(|week| weeks.bits >> week & 1 == 1).map(|week| names[week - 1].to_owned()).collect();
    if weeks.last {
        named.push("last".to_owned());
    }
    let days = weekday_names(days);
    if named.is_empty() || days.is_empty() {
        let missing = if named.is_empty() { "week" } else { "weekday" };
        let rest = [list(named), list(days)].concat();
        return format!("never (no {missing} is named) {rest} {}", of_months(months));
    }
    format!("on the {} {} {}", list(named), list(days), of_months(months))
}

fn happening(schedule: &Schedule) -> String {
    let name = |text: &str| printable(text, MAX_NAME_CHARS);
    let who = |user: &Option<String>| user.as_deref().map_or_else(|| "anyone".to_owned(), name);
    match schedule {
        Schedule::Boot => "when the computer starts".to_owned(),
        Schedule::Logon(user) => format!("when {} logs on", who(user)),
        Schedule::Idle => "when the computer is idle".to_owned(),
        Schedule::Registration => "when the task is registered or changed".to_owned(),
        Schedule::Event(event) => event_words(event),
        Schedule::Session(change, user) => session(change, user.as_deref()),
        Schedule::Signal(state, data) => {
            let data = data.as_deref().map(|data| format!(" with data {}", name(data))).unwrap_or_default();
            format!("on an internal Windows signal ({}{data})", name(state))
        }
        Schedule::Cron(cron, zone) => {
            let zone = zone.as_deref().map(|zone| format!(" ({})", name(zone))).unwrap_or_default();
            format!("{}{zone}", cron.words())
        }
        Schedule::OnCalendar(calendar) => calendar.words(),
        Schedule::Monotonic(monotonic) => format!("{} {}", monotonic.after, after_what(monotonic.base)),
        Schedule::Anacron(Some(1)) => "once a day, when the computer is on".to_owned(),
        Schedule::Anacron(Some(days)) => format!("once every {days} days, when the computer is on"),
        Schedule::Anacron(None) => "once a month, when the computer is on".to_owned(),
        Schedule::Described(words) if words.is_empty() => "not known".to_owned(),
        Schedule::Described(words) => format!("as the listing says: {}", printable(words, 400)),
        Schedule::Unknown(element, text) => {
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            format!("on something unknown ({}: {})", name(element), printable(&text, 400))
        }
        Schedule::Once
        | Schedule::Daily(_)
        | Schedule::Weekly(..)
        | Schedule::Monthly(..)
        | Schedule::MonthlyWeekday(..) => String::new(),
    }
}

const fn after_what(base: crate::task::MonotonicBase) -> &'static str {
    use crate::task::MonotonicBase;
    match base {
        MonotonicBase::Active => "after the timer was switched on",
        MonotonicBase::Boot => "after the computer starts",
        MonotonicBase::Startup => "after systemd starts",
        MonotonicBase::UnitActive => "after the last start",
        MonotonicBase::UnitInactive => "after the last end",
    }
}

fn session(change: &SessionChange, user: Option<&str>) -> String {
    let user = user.map(|user| printable(user, MAX_NAME_CHARS));
    let of = |user: Option<String>| user.map(|user| format!(" by {user}")).unwrap_or_default();
    let (what, by) = match change {
        SessionChange::Lock => ("the workstation is locked", of(user)),
        SessionChange::Unlock => ("the workstation is unlocked", of(user)),
        SessionChange::ConsoleConnect => ("a session is connected at the computer", of(user)),
        SessionChange::ConsoleDisconnect => ("a session is disconnected at the computer", of(user)),
        SessionChange::RemoteConnect => ("a session is connected from elsewhere", of(user)),
        SessionChange::RemoteDisconnect => ("a session is disconnected from elsewhere", of(user)),
        SessionChange::Other(other) => {
            return format!("when a session changes (\"{}\"){}", printable(other, MAX_NAME_CHARS), of(user));
        }
    };
    format!("when {what}{by}")
}

fn event_words(event: &EventQuery) -> String {
    let name = |text: &str| printable(text, MAX_NAME_CHARS);
    let channel = event.channel.as_deref().map_or_else(|| "several logs".to_owned(), name);
    let mut words = if event.ids.is_empty() {
        // A query that is more than numbers of events: its own text tells two of them apart.
        let query = event.query.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("on events matching a query of {channel}: {}", printable(&query, 2_000))
    } else {
        let provider = event.provider.as_deref().map(|provider| format!(" of {}", name(provider))).unwrap_or_default();
        let events = if event.ids.len() == 1 { "event" } else { "events" };
        let levels = list(event.levels.iter().cloned());
        let levels = if levels.is_empty() { levels } else { format!(" with level {levels}") };
        format!("on {events} {}{provider} in {channel}{levels}", list(event.ids.iter().cloned()))
    };
    if let Some((count, within)) = &event.occurrences {
        let within = within.map(|within| format!(" within {within}")).unwrap_or_default();
        words.push_str(&format!(", after {count} of them{within}"));
    }
    words
}

fn repeated_after(repetition: Option<&Repetition>) -> String {
    let Some(repetition) = repetition else { return String::new() };
    let how_long = repetition.duration.map_or_else(|| "without end".to_owned(), |duration| format!("for {duration}"));
    format!(", then {} {how_long}", interval(repetition))
}

fn bounds(trigger: &Trigger, words: &mut String) {
    let own_start = matches!(
        trigger.schedule,
        Schedule::Once
            | Schedule::Daily(_)
            | Schedule::Weekly(..)
            | Schedule::Monthly(..)
            | Schedule::MonthlyWeekday(..)
    );
    if let Some(start) = trigger.start.as_ref().filter(|_| !own_start) {
        words.push_str(&format!(", from {start} on"));
    }
    if let Some(end) = &trigger.end {
        words.push_str(&format!(", until {end}"));
    }
    if let Some(delay) = trigger.delay {
        words.push_str(&format!(", after {delay}"));
    }
    if let Some(delay) = trigger.random_delay {
        words.push_str(&format!(", up to {delay} later at random"));
    }
    if let Some(limit) = trigger.time_limit {
        words.push_str(&format!(", ended after {limit}"));
    }
    if trigger.repetition.is_some_and(|repetition| repetition.stop_at_end) {
        words.push_str(", ended at the end of the repetition");
    }
    if let (true, Some(Moment::Fixed(_, offset))) = (own_start, &trigger.start) {
        words.push_str(&format!(", {} fixed", fixed_zone(*offset)));
    }
    if !trigger.enabled {
        words.push_str(" (switched off)");
    }
}

fn nth(number: u32) -> String {
    match number {
        2 => "second".to_owned(),
        3 => "third".to_owned(),
        4 => "fourth".to_owned(),
        _ => ordinal(number),
    }
}

fn ordinal(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list(parts: impl IntoIterator<Item = String>) -> String {
    let mut parts: Vec<_> = parts.into_iter().collect();
    match parts.pop() {
        None => String::new(),
        Some(last) if parts.is_empty() => last,
        Some(last) => format!("{} and {last}", parts.join(", ")),
    }
}
