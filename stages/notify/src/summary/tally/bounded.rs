/// A mail's screen; by then a person recognises the pattern.
pub(crate) const MAX_LISTED: usize = 10;

/// The first [`MAX_LISTED`] entries, and the total.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bounded<T> {
    first: Vec<T>,
    total: u64,
}

impl<T> Default for Bounded<T> {
    fn default() -> Self {
        Self { first: Vec::new(), total: 0 }
    }
}

impl<T> Bounded<T> {
    pub(crate) fn push(&mut self, entry: T) {
        self.total += 1;
        if self.first.len() < MAX_LISTED {
            self.first.push(entry);
        }
    }

    /// Adds entries that are not shown.
    pub(crate) fn count_more(&mut self, number: u64) {
        self.total += number;
    }

    pub(crate) fn first(&self) -> &[T] {
        &self.first
    }

    pub(crate) const fn total(&self) -> u64 {
        self.total
    }

    /// How many are not shown.
    pub(crate) fn left_out(&self) -> u64 {
        self.total.saturating_sub(self.first.len() as u64)
    }
}
