//! One thing that the doctor looked at.

use serde::Serialize;

use crate::cli_error::CliError;

/// From the best to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CheckState {
    Well,
    /// The job runs, but a person should know.
    Warning,
    /// The job cannot run, or nobody would hear of it.
    Bad,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Check {
    /// What was looked at, in a word or two.
    pub(crate) name: &'static str,
    pub(crate) state: CheckState,
    /// In one sentence.
    pub(crate) found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_step: Option<String>,
}

impl Check {
    pub(crate) fn well(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, state: CheckState::Well, found: found.into(), next_step: None }
    }

    pub(crate) fn warning(name: &'static str, found: impl Into<String>, next_step: impl Into<String>) -> Self {
        Self { name, state: CheckState::Warning, found: found.into(), next_step: Some(next_step.into()) }
    }

    pub(crate) fn bad(name: &'static str, found: impl Into<String>, next_step: impl Into<String>) -> Self {
        Self { name, state: CheckState::Bad, found: found.into(), next_step: Some(next_step.into()) }
    }

    /// What could not even be begun.
    pub(crate) fn error(name: &'static str, error: &CliError) -> Self {
        let step =
            error.next.as_deref().unwrap_or("put it right in strongroom.toml; `strongroom config check` looks again");
        Self::bad(name, error.sentence(), step)
    }
}
