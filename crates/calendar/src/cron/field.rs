//! One field of a cron expression (entry.c of cronie: get_list, get_range).

use super::{CronError, FieldProblem};

/// The numbers that a field names; what a field may hold is below 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Field {
    pub(super) bits: u64,
    /// The text begins with `*`: that decides how the two day fields combine, and what changes of the clock mean.
    pub(super) star: bool,
    /// The bounds of a `~`, from which cron takes one number when it reads the table.
    pub(super) random: Option<(u32, u32)>,
}

/// What a field is called, and what it may hold.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) low: u32,
    pub(super) high: u32,
    pub(super) allowed: &'static str,
    names: &'static [&'static str],
}

pub(super) const MINUTE: Kind = Kind { name: "minute", low: 0, high: 59, allowed: "0-59", names: &[] };
pub(super) const HOUR: Kind = Kind { name: "hour", low: 0, high: 23, allowed: "0-23", names: &[] };
pub(super) const DAY: Kind = Kind { name: "day of month", low: 1, high: 31, allowed: "1-31", names: &[] };
pub(super) const MONTH: Kind = Kind {
    name: "month",
    low: 1,
    high: 12,
    allowed: "1-12 or jan-dec",
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
pub(super) const WEEKDAY: Kind = Kind {
    name: "day of week",
    low: 0,
    high: 7,
    allowed: "0-7 (0 and 7 are Sunday) or sun-sat",
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

impl Field {
    pub(super) const fn of(bits: u64, star: bool) -> Self {
        Self { bits, star, random: None }
    }

    pub(super) fn parse(text: &str, kind: &Kind) -> Result<Self, CronError> {
        let mut field = Self { bits: 0, star: text.starts_with('*'), random: None };
        for part in text.split(',') {
            let problem =
                |problem| CronError::Field { field: kind.name, value: text.to_owned(), problem, allowed: kind.allowed };
            field.add(part, kind).map_err(problem)?;
        }
        Ok(field)
    }

    fn add(&mut self, part: &str, kind: &Kind) -> Result<(), FieldProblem> {
        if let Some((low, high)) = part.split_once('~') {
            return self.add_random(low, high, kind);
        }
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(parse_step(step)?)),
            None => (part, None),
        };
        let (low, high) = match range.split_once('-') {
            _ if range == "*" => (kind.low, kind.high),
            Some((low, high)) => (kind.number(low)?, kind.number(high)?),
            None if step.is_some() => return Err(FieldProblem::StepWithoutRange),
            None => {
                let number = kind.number(range)?;
                (number, number)
            }
        };
        if low > high {
            return Err(FieldProblem::Backwards);
        }
        (low..=high).step_by(step.unwrap_or(1)).for_each(|number| self.bits |= 1 << number);
        Ok(())
    }

    fn add_random(&mut self, low: &str, high: &str, kind: &Kind) -> Result<(), FieldProblem> {
        let low = if low.is_empty() { kind.low } else { kind.number(low)? };
        let high = if high.is_empty() { kind.high } else { kind.number(high)? };
        if low > high {
            return Err(FieldProblem::Backwards);
        }
        if self.random.is_some() {
            return Err(FieldProblem::TwoRandom);
        }
        self.random = Some((low, high));
        Ok(())
    }

    /// With a `~` replaced by the number that `choose` takes from its bounds.
    pub(super) fn settled(self, choose: impl FnOnce(u32, u32) -> u32) -> Self {
        let Some((low, high)) = self.random else { return self };
        Self { bits: self.bits | 1 << choose(low, high).clamp(low, high), random: None, ..self }
    }

    /// The numbers, of a `~` the greatest.
    pub(super) fn effective(self) -> u64 {
        self.settled(|_, high| high).bits
    }
}

impl Kind {
    fn number(&self, text: &str) -> Result<u32, FieldProblem> {
        if text.is_empty() {
            return Err(FieldProblem::Empty);
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            let number = text.parse().map_err(|_| FieldProblem::OutOfRange)?;
            return if (self.low..=self.high).contains(&number) { Ok(number) } else { Err(FieldProblem::OutOfRange) };
        }
        let named = self.names.iter().zip(self.low..).find(|(name, _)| name.eq_ignore_ascii_case(text));
        named.map(|(_, number)| number).ok_or(FieldProblem::NotANumber)
    }

    pub(super) fn all(&self) -> u64 {
        (self.low..=self.high).fold(0, |bits, number| bits | 1 << number)
    }
}

fn parse_step(text: &str) -> Result<usize, FieldProblem> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(0) => Err(FieldProblem::ZeroStep),
        Ok(step) if digits => Ok(step),
        _ => Err(FieldProblem::BadStep),
    }
}
