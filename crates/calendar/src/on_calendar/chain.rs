//! One component of an expression: what it matches.

/// Alternatives; none stands for `*`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Chain(pub(super) Vec<Item>);

/// A number, a range, or a repetition, bounded or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) start: i64,
    pub(super) stop: Option<i64>,
    pub(super) step: Option<i64>,
}

impl Item {
    pub(super) fn number(start: i64) -> Self {
        Self { start, stop: None, step: None }
    }

    fn next(self, least: i64) -> Option<i64> {
        if self.start >= least {
            return Some(self.start);
        }
        let step = self.step?;
        let found = self.start + (least - self.start + step - 1) / step * step;
        self.stop.is_none_or(|stop| found <= stop).then_some(found)
    }

    /// The same days, counted from the beginning of a month whose last day is `last`.
    fn counted_from_end(self, last: i64) -> Option<Self> {
        let start = last + 1 - self.start;
        match self.stop {
            None => (start >= 1).then_some(Self { start, ..self }),
            // A range is given from the day next to the end: 1..7 are the last seven, repeated from the seventh last.
            Some(stop) => Some(Self { start: last + 1 - stop, stop: Some(start), ..self }),
        }
    }
}

impl Chain {
    pub(super) fn is_any(&self) -> bool {
        self.0.is_empty()
    }

    /// The smallest match at or above `least`.
    pub(super) fn next(&self, least: i64) -> Option<i64> {
        if self.is_any() { Some(least) } else { self.0.iter().filter_map(|item| item.next(least)).min() }
    }

    /// As [`Self::next`], of days counted from the end of a month.
    pub(super) fn next_from_end(&self, least: i64, last: i64) -> Option<i64> {
        if self.is_any() {
            return Some(least);
        }
        self.0.iter().filter_map(|item| item.counted_from_end(last)?.next(least)).min()
    }

    /// The numbers, where all are plain ones.
    pub(super) fn numbers(&self) -> Option<Vec<i64>> {
        let plain = |item: &Item| (item.stop.is_none() && item.step.is_none()).then_some(item.start);
        if self.is_any() { None } else { self.0.iter().map(plain).collect() }
    }

    /// The number, where there is one only.
    pub(super) fn only(&self) -> Option<i64> {
        match self.numbers()?[..] {
            [number] => Some(number),
            _ => None,
        }
    }
}
