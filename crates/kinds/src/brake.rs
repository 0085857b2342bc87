//! The brake: how many deletions are too many.

use strongroom_model::text::{files, grouped};
use strongroom_plugin::protocol::{Outcome, Report, Retry};

use crate::report::bounded;
use crate::state::median;

/// So many times what is usual is a person's to look at.
const UNUSUAL_TIMES: u64 = 10;
/// What is usual is known from so many runs.
const MIN_REMEMBERED: usize = 3;
/// So few deletions are never unusual.
const MIN_UNUSUAL: u64 = 10;

/// Whether so many deletions are within the run's bound, and not far more than usual; or why not.
///
/// # Errors
/// The reason, as one sentence for the report.
pub(crate) fn within_bounds(planned: u64, max_delete: u64, usual: &[u64]) -> Result<(), String> {
    if planned == 0 {
        return Ok(());
    }
    let would = format!("{} would be deleted from the copy", files(planned));
    if planned > max_delete {
        let bound = if max_delete == 0 { "none may be".to_owned() } else { format!("{} may be", grouped(max_delete)) };
        return Err(format!("{would}, and {bound} (max_delete): nothing was deleted."));
    }
    let Some(usual) = median(usual).filter(|_| usual.len() >= MIN_REMEMBERED) else { return Ok(()) };
    if planned > MIN_UNUSUAL && planned > usual.max(1).saturating_mul(UNUSUAL_TIMES) {
        return Err(format!("{would}, where {} are usual: nothing was deleted.", grouped(usual)));
    }
    Ok(())
}

/// The report of a run that the brake stopped, whose reason is this.
pub(crate) fn refused(reason: &str) -> Report {
    Report::new(Outcome::Failed, bounded(reason))
        .because("would-delete-too-much")
        .next_step("see what would be deleted with `strongroom job plan`, then raise max_delete for one run")
        .retry(Retry::Never)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_the_bound_or_ten_times_the_usual_is_refused() {
        assert_eq!(within_bounds(0, 0, &[]), Ok(()));
        assert_eq!(within_bounds(5, 5, &[]), Ok(()));
        assert!(within_bounds(6, 5, &[]).is_err());
        assert!(within_bounds(1, 0, &[]).unwrap_err().contains("none may be"));
        assert_eq!(within_bounds(100, 1_000, &[1, 2]), Ok(()), "two runs say nothing");
        assert!(within_bounds(100, 1_000, &[1, 2, 3]).unwrap_err().contains("where 2 are usual"));
        assert_eq!(within_bounds(10, 1_000, &[0, 0, 0]), Ok(()));
        assert_eq!(within_bounds(200, 1_000, &[20, 20, 20]), Ok(()));
    }
}
