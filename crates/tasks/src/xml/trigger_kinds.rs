//! Calendar triggers and event triggers.

use roxmltree::Node;

use super::node::{Reader, child, child_text, elements, quoted, text};
use crate::Span;
use crate::task::{Days, EventQuery, Months, Schedule, Weekdays, Weeks};

const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
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

pub(super) fn calendar(node: Node<'_, '_>, reader: &mut Reader<'_>) -> (Schedule, &'static [&'static str]) {
    const KINDS: [&str; 4] = ["ScheduleByDay", "ScheduleByWeek", "ScheduleByMonth", "ScheduleByMonthDayOfWeek"];
    let kind = elements(node).find(|child| KINDS.contains(&child.tag_name().name()));
    let Some(kind) = kind else {
        reader.warn("a calendar trigger says neither days, weeks nor months: when it starts the task is not known");
        return (Schedule::Unknown("CalendarTrigger".to_owned(), text(node)), &KINDS);
    };
    let mut interval = |name: &str| {
        let number = reader.value(kind, name, |text| text.parse().ok().filter(|number: &u32| *number > 0));
        number.unwrap_or(1)
    };
    let schedule = match kind.tag_name().name() {
        "ScheduleByDay" => Schedule::Daily(interval("DaysInterval")),
        "ScheduleByWeek" => Schedule::Weekly(interval("WeeksInterval"), weekdays(kind)),
        "ScheduleByMonth" => Schedule::Monthly(days(kind, reader), months(kind)),
        _ => Schedule::MonthlyWeekday(weeks(kind, reader), weekdays(kind), months(kind)),
    };
    let nothing = match &schedule {
        Schedule::Weekly(_, days) | Schedule::MonthlyWeekday(_, days, _) if days.0 == 0 => Some("day of the week"),
        Schedule::Monthly(days, _) if days.bits == 0 && !days.last => Some("day of the month"),
        Schedule::MonthlyWeekday(weeks, ..) if weeks.bits == 0 && !weeks.last => Some("week of the month"),
        _ => None,
    };
    if let Some(nothing) = nothing {
        reader.warn(format!("a trigger names no {nothing}: it never starts the task"));
    }
    (schedule, &KINDS)
}

fn weekdays(node: Node<'_, '_>) -> Weekdays {
    let named = child(node, "DaysOfWeek").map(|days| elements(days).collect::<Vec<_>>()).unwrap_or_default();
    let number = |day: &Node<'_, '_>| WEEKDAYS.iter().position(|name| *name == day.tag_name().name());
    Weekdays(named.iter().filter_map(number).fold(0, |bits, day| bits | 1 << day))
}

/// No months at all stand for every month.
fn months(node: Node<'_, '_>) -> Months {
    let named = child(node, "Months").map(|months| elements(months).collect::<Vec<_>>()).unwrap_or_default();
    let number = |month: &Node<'_, '_>| MONTHS.iter().position(|name| *name == month.tag_name().name());
    let bits = named.iter().filter_map(number).fold(0, |bits, month| bits | 2 << month);
    if bits == 0 { Months::ALL } else { Months(bits) }
}

fn days(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Days {
    let mut found = Days::default();
    for day in child(node, "DaysOfMonth").into_iter().flat_map(elements) {
        let day = text(day);
        match day.parse::<u32>() {
            Ok(number) if (1..=31).contains(&number) => found.bits |= 1 << number,
            // schtasks writes the last day as 32.
            Ok(32) => found.last = true,
            _ if day == "Last" => found.last = true,
            _ => reader.warn(format!("day {} of a month cannot be read", quoted(&day))),
        }
    }
    found
}

/// No weeks at all stand for every week.
fn weeks(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Weeks {
    let Some(weeks) = child(node, "Weeks") else { return Weeks { bits: 0b1_1110, last: true } };
    let mut found = Weeks::default();
    for week in elements(weeks) {
        let week = text(week);
        match week.parse::<u8>() {
            Ok(number) if (1..=4).contains(&number) => found.bits |= 1 << number,
            _ if week == "Last" => found.last = true,
            _ => reader.warn(format!("week {} of a month cannot be read", quoted(&week))),
        }
    }
    found
}

pub(super) const fn of_event() -> &'static [&'static str] {
    &["Subscription", "ValueQueries", "PeriodOfOccurrence", "NumberOfOccurrences", "MatchingElement"]
}

/// The subscription is XML within XML; its `Select`s hold XPath.
pub(super) fn event(node: Node<'_, '_>, reader: &mut Reader<'_>) -> EventQuery {
    let mut found = EventQuery { query: child_text(node, "Subscription").unwrap_or_default(), ..EventQuery::default() };
    let count = child_text(node, "NumberOfOccurrences").and_then(|text| text.parse().ok());
    found.occurrences = count.map(|count| (count, reader.value(node, "PeriodOfOccurrence", Span::parse)));
    let query = found.query.clone();
    let Ok(document) = super::parse(&query) else {
        reader.warn("the subscription of an event trigger is not XML");
        return found;
    };
    let mut channels = Vec::new();
    let mut providers = Vec::new();
    let mut plain = true;
    for select in document.descendants().filter(|node| node.tag_name().name() == "Select") {
        let parent = select.parent().and_then(|query| query.attribute("Path"));
        channels.extend(select.attribute("Path").or(parent).map(str::to_owned));
        plain &= terms(&text(select), &mut found, &mut providers);
    }
    plain &= !document.descendants().any(|node| node.tag_name().name() == "Suppress");
    let selects = channels.len();
    channels.dedup();
    providers.dedup();
    found.channel = (channels.len() == 1).then(|| channels.remove(0));
    // Several selects of different providers, or with levels of their own, are more than one sentence tells.
    if plain && providers.len() <= 1 && (selects == 1 || found.levels.is_empty()) && found.channel.is_some() {
        found.provider = providers.pop();
    } else {
        (found.ids, found.levels) = (Vec::new(), Vec::new());
    }
    found
}

/// Whether an XPath is no more than a provider, numbers of events and levels: these are taken from it.
fn terms(path: &str, found: &mut EventQuery, providers: &mut Vec<String>) -> bool {
    let mut rest = path.to_owned();
    while let Some(start) = rest.find("Provider[@Name=") {
        let value = start + "Provider[@Name=".len();
        let Some(quote) = rest[value..].chars().next().filter(|c| ['\'', '"'].contains(c)) else { return false };
        let Some(length) = rest[value + 1..].find(quote) else { return false };
        providers.push(rest[value + 1..value + 1 + length].to_owned());
        let end = value + length + 2;
        rest.replace_range(start..(end + usize::from(rest[end..].starts_with(']'))), " provider ");
    }
    numbers(&mut rest, "EventID=", " number ", &mut found.ids);
    numbers(&mut rest, "Level=", " level ", &mut found.levels);
    let others = rest.chars().any(|c| !c.is_ascii_alphanumeric() && !c.is_whitespace() && !"*[]()".contains(c));
    !others && !found.ids.is_empty() && is_conjunction(&rest)
}

/// Whether each of the parts that `and` joins speaks of one thing only, and no two of the same: alternatives of different
/// things are more than the words of a trigger can say.
fn is_conjunction(rest: &str) -> bool {
    let words = rest.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty() && *word != "System");
    let words: Vec<_> = words.collect();
    let mut seen = Vec::new();
    for part in words.split(|word| *word == "and") {
        let mut kinds: Vec<_> = part.iter().filter(|word| **word != "or").collect();
        kinds.dedup();
        let [kind] = kinds[..] else { return false };
        if !["provider", "number", "level"].contains(kind) || seen.contains(kind) {
            return false;
        }
        seen.push(*kind);
    }
    true
}

/// Takes each `NAME=NUMBER` from a text.
fn numbers(text: &mut String, name: &str, word: &str, into: &mut Vec<String>) {
    while let Some(start) = text.find(name) {
        let value = start + name.len();
        let digits = text[value..].bytes().take_while(u8::is_ascii_digit).count();
        into.push(text[value..value + digits].to_owned());
        text.replace_range(start..value + digits, word);
    }
}
