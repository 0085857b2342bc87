//! What is said of an error in one line.

use std::error::Error;
use std::iter::successors;

/// An error and what led to it, on one line. A cause that the words before it end with already, as
/// some libraries write them, is not said twice.
pub(crate) fn words(error: &(dyn Error + 'static)) -> String {
    successors(error.source(), |&cause| cause.source()).fold(error.to_string(), |mut text, cause| {
        let cause = cause.to_string();
        if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("no connection")]
    struct Unreachable(#[source] Told);

    /// An error that tells its cause itself, and names it as well.
    #[derive(Debug, thiserror::Error)]
    #[error("reading: {0}")]
    struct Told(#[source] io::Error);

    #[test]
    fn each_cause_is_said_once() {
        let error = Unreachable(Told(io::Error::other("refused")));
        assert_eq!(words(&error), "no connection: reading: refused");
        assert_eq!(words(&io::Error::other("refused")), "refused");
    }
}
