//! Why an expression is not one of cron's.

/// What is wrong with a cron expression. Texts of others are shown as Rust strings: escaped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// A word after `@` that cron does not know.
    #[error(
        "unknown word {0:?}; expected @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually or @reboot"
    )]
    Word(String),
    /// Not five fields.
    #[error(
        "a cron expression has five fields (minute, hour, day of month, month, day of week) or is a word such as \
         @daily; this one has {0}"
    )]
    FieldCount(usize),
    /// A field that cannot be read.
    #[error("{field} {value:?}: {problem}; allowed: {allowed}")]
    Field {
        /// Which.
        field: &'static str,
        /// Its whole text.
        value: String,
        /// What is wrong.
        problem: FieldProblem,
        /// What a number in it may be.
        allowed: &'static str,
    },
    /// Longer than [`crate::MAX_CRON_CHARS`].
    #[error("a cron expression has at most 1000 characters")]
    TooLong,
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FieldProblem {
    /// `1,,2`, `1-`.
    #[error("a number is missing")]
    Empty,
    /// `61`.
    #[error("a number is out of range")]
    OutOfRange,
    /// `x`, `*5`, `1.5`.
    #[error("this is neither a number, nor a name, nor `*`")]
    NotANumber,
    /// `5-1`, `fri-sun`.
    #[error("the range runs backwards; write it as two, separated by a comma")]
    Backwards,
    /// `5/10`, which other crons read as `5-59/10`.
    #[error("a step needs a range or `*` before it, as in 5-59/10")]
    StepWithoutRange,
    /// `*/0`.
    #[error("the step is zero")]
    ZeroStep,
    /// `*/x`.
    #[error("the step is not a number")]
    BadStep,
    /// `1~5,7~9`.
    #[error("one random range at most is read")]
    TwoRandom,
}
