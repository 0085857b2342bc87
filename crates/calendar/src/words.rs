//! Lists of numbers and names in plain English.

use std::fmt::Display;

pub(crate) const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
pub(crate) const MONTHS: [&str; 12] = [
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

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list<T: Display>(parts: impl IntoIterator<Item = T>) -> String {
    let parts: Vec<_> = parts.into_iter().map(|part| part.to_string()).collect();
    match parts.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// Numbers in order as a list, in which three or more neighbours become a range: `1, 5 to 9 and 12`.
pub(crate) fn ranges(numbers: &[u32], name: impl Fn(u32) -> String) -> String {
    let mut parts = Vec::new();
    let mut rest = numbers;
    while let Some(&first) = rest.first() {
        let run = rest.iter().zip(first..).take_while(|(number, expected)| *number == expected).count();
        if run >= 3 {
            parts.push(format!("{} to {}", name(first), name(rest[run - 1])));
            rest = &rest[run..];
        } else {
            parts.push(name(first));
            rest = &rest[1..];
        }
    }
    list(parts)
}

/// `1st`, `22nd`, `13th`.
pub(crate) fn ordinal(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// The step of `first, first+step, …` up to `max`, where the numbers are all of these and at least three.
pub(crate) fn step_of(numbers: &[u32], max: u32) -> Option<u32> {
    let [first, second, _, ..] = numbers else { return None };
    let step = second - first;
    let regular = numbers.windows(2).all(|pair| pair[1] - pair[0] == step);
    (regular && *first < step && numbers.last()? + step > max).then_some(step)
}
