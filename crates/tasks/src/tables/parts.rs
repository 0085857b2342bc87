//! Cells.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::Span;
use crate::task::{Action, Days, Months, Schedule, Weekdays, Weeks};

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

/// RFC 3339 with the offset of the host's zone; with `Z`, which tells nothing of the host, if the zone is not known.
pub(super) fn instant(at: Option<Timestamp>, zone: Option<&TimeZone>) -> Option<String> {
    at.map(|at| match zone {
        Some(zone) => at.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
        None => at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    })
}

/// What the host's clock shows, whose zone is not known: without an offset.
pub(super) fn local(at: Option<DateTime>) -> Option<String> {
    at.map(|at| at.strftime("%Y-%m-%dT%H:%M:%S").to_string())
}

pub(super) const fn yes(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

pub(super) fn span(span: Option<Span>) -> Option<String> {
    span.map(Span::iso)
}

/// Several values in one cell.
pub(super) fn joined<T: AsRef<str>>(parts: impl IntoIterator<Item = T>) -> String {
    parts.into_iter().map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("; ")
}

/// What only some kinds of schedule have.
#[derive(Default)]
pub(super) struct Calendar {
    pub(super) days_interval: Option<u32>,
    pub(super) weeks_interval: Option<u32>,
    pub(super) days_of_week: Option<String>,
    pub(super) days_of_month: Option<String>,
    pub(super) weeks_of_month: Option<String>,
    pub(super) months: Option<String>,
    pub(super) event_query: Option<String>,
    pub(super) user_filter: Option<String>,
}

pub(super) fn calendar(schedule: &Schedule) -> Calendar {
    let none = Calendar::default();
    match schedule {
        Schedule::Daily(every) => Calendar { days_interval: Some(*every), ..none },
        Schedule::Weekly(every, days) => {
            Calendar { weeks_interval: Some(*every), days_of_week: Some(weekdays(*days)), ..none }
        }
        Schedule::Monthly(days, of) => {
            Calendar { days_of_month: Some(days_of_month(*days)), months: Some(months(*of)), ..none }
        }
        Schedule::MonthlyWeekday(weeks, days, of) => Calendar {
            weeks_of_month: Some(weeks_of_month(*weeks)),
            days_of_week: Some(weekdays(*days)),
            months: Some(months(*of)),
            ..none
        },
        Schedule::Event(event) => Calendar { event_query: Some(event.query.clone()), ..none },
        Schedule::Logon(user) | Schedule::Session(_, user) => Calendar { user_filter: user.clone(), ..none },
        _ => none,
    }
}

fn weekdays(days: Weekdays) -> String {
    // As people list a week, from Monday on.
    joined((1..=7_u8).map(|day| day % 7).filter(|day| days.has(*day)).map(|day| DAYS[usize::from(day)]))
}

fn days_of_month(days: Days) -> String {
    let numbers = (1..=31).filter(|day| days.bits >> day & 1 == 1).map(|day: u32| day.to_string());
    joined(numbers.chain(days.last.then(|| "last".to_owned())))
}

fn weeks_of_month(weeks: Weeks) -> String {
    let numbers = (1..=4).filter(|week| weeks.bits >> week & 1 == 1).map(|week: u32| week.to_string());
    joined(numbers.chain(weeks.last.then(|| "last".to_owned())))
}

fn months(months: Months) -> String {
    joined((1..=12_u8).filter(|month| months.has(*month)).map(|month| MONTHS[usize::from(month) - 1]))
}

/// Command, arguments, folder and class of an action.
pub(super) struct ActionCells {
    pub(super) command: Option<String>,
    pub(super) arguments: Option<String>,
    pub(super) working_directory: Option<String>,
    pub(super) com_class: Option<String>,
    pub(super) data: Option<String>,
}

pub(super) fn action(action: Option<&Action>) -> ActionCells {
    let none = ActionCells { command: None, arguments: None, working_directory: None, com_class: None, data: None };
    match action {
        Some(Action::Exec { command, arguments, working_directory, input }) => ActionCells {
            command: Some(command.clone()),
            arguments: arguments.clone(),
            working_directory: working_directory.clone(),
            data: input.clone(),
            ..none
        },
        Some(Action::ComHandler { class_id, data }) => {
            ActionCells { com_class: Some(class_id.clone()), data: data.clone(), ..none }
        }
        Some(Action::SendEmail { to, subject }) => ActionCells { data: subject.clone().or_else(|| to.clone()), ..none },
        Some(Action::ShowMessage { title, body }) => {
            ActionCells { data: body.clone().or_else(|| title.clone()), ..none }
        }
        Some(Action::Unknown { text, .. }) => ActionCells { data: Some(text.clone()), ..none },
        None => none,
    }
}
