//! A list that keeps the first few, and counts the rest.

/// How many entries a list keeps: a screen of a mail; a person recognises the pattern by then.
pub const MAX_LISTED: usize = 10;

/// The first [`MAX_LISTED`] of what was pushed, and how many there were in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounded<T> {
    first: Vec<T>,
    total: u64,
}

impl<T> Default for Bounded<T> {
    fn default() -> Self {
        Self { first: Vec::new(), total: 0 }
    }
}

impl<T> Bounded<T> {
    /// One more.
    pub fn push(&mut self, entry: T) {
        self.total += 1;
        if self.first.len() < MAX_LISTED {
            self.first.push(entry);
        }
    }

    /// More that were counted elsewhere, and are not shown.
    pub fn count_more(&mut self, number: u64) {
        self.total += number;
    }

    /// The first of them.
    #[must_use]
    pub fn first(&self) -> &[T] {
        &self.first
    }

    /// How many there were.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// How many there were beyond the first.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.total.saturating_sub(self.first.len() as u64)
    }
}
