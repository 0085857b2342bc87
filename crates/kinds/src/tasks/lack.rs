//! Why a collection is partial, and what to do about it.

use strongroom_tasks::collection::{NOT_ALL_READ, Rights};

use super::gathered::Gathered;
use super::terms::Judged;

/// A run's log has at most so many files that could not be read: a damaged folder may have thousands.
pub(super) const MAX_LOGGED: usize = 200;

/// What a collection lacks.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lack {
    /// Why, as a fragment of a sentence.
    pub(super) why: String,
    /// What to do.
    pub(super) next_step: &'static str,
}

/// `None`: the collection is complete. Of several causes the one that hides the most counts: tasks that an account may
/// not read leave no trace.
pub(super) fn of(judged: &Judged, gathered: &Gathered) -> Option<Lack> {
    let collection = &judged.collection;
    let first = collection.partial.first()?;
    if collection.rights == Rights::Lacking {
        let next_step = "collect as an administrator, on Linux as root; the run's log has every reason";
        return Some(Lack { why: first.clone(), next_step });
    }
    if gathered.is_denied {
        let denied = gathered.left_out.iter().find(|why| why.contains("denied")).unwrap_or(first);
        let next_step = "let the account that Strongroom runs as read the source; the run's log has every reason";
        return Some(Lack { why: denied.clone(), next_step });
    }
    if let Some((file, problem)) = collection.problems.first().filter(|_| first == NOT_ALL_READ) {
        let more = match collection.problems.len() - 1 {
            0 => String::new(),
            1 => "; one more could not be read".to_owned(),
            n => format!("; {n} more could not be read"),
        };
        let next_step = "correct what could not be read, and collect again; the run's log names each";
        return Some(Lack { why: format!("{file} {problem}{more}"), next_step });
    }
    let next_step = match collection.rights {
        Rights::Unknown => "collect with collect.ps1, or by a job on the host: its manifest has what is not known",
        Rights::All | Rights::Lacking => "see the run's log, which has every reason, and collect again",
    };
    Some(Lack { why: first.clone(), next_step })
}
