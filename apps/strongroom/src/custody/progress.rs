//! How far an act is: on a terminal, and else on standard error. Standard output has the result alone, for programs.

use std::time::{Duration, Instant};

use strongroom_model::custody::Custody;
use strongroom_model::text::grouped;

use crate::cli_error::CliError;
use crate::out::{Out, is_terminal, tell};

/// How often a line is written where nothing can move. An act that is done sooner needs none.
const EVERY: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Progress {
    began: Instant,
    /// How far it was when it began here.
    from: Option<u64>,
    last: Option<Instant>,
    moves: bool,
    shown: bool,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), from: None, last: None, moves: is_terminal(), shown: false }
    }

    pub(crate) fn show(&mut self, state: &Custody, out: &mut Out) -> Result<(), CliError> {
        let Some(requested) = state.requested.as_ref().filter(|_| state.is_open()) else { return Ok(()) };
        let from = *self.from.get_or_insert(state.next.0);
        let is_due = self.moves || self.last.unwrap_or(self.began).elapsed() >= EVERY;
        if state.next.0 == 0 || !is_due {
            return Ok(());
        }
        self.last = Some(Instant::now());
        let line = line(state, requested.until.0, from, self.began.elapsed());
        if self.moves {
            self.shown = true;
            out.raw(format_args!("\r\x1b[K{line}"))?;
            return out.flush();
        }
        tell(line);
        Ok(())
    }

    pub(crate) fn end(&mut self, out: &mut Out) -> Result<(), CliError> {
        if std::mem::take(&mut self.shown) { out.raw("\r\x1b[K") } else { Ok(()) }
    }
}

fn line(state: &Custody, until: u64, from: u64, elapsed: Duration) -> String {
    let tally = &state.tally;
    let files = tally.good + tally.damaged + tally.written;
    let done = state.next.0.min(until);
    let percent = done.saturating_mul(100).checked_div(until).unwrap_or(100);
    let advanced = done.saturating_sub(from);
    let left = (until - done).checked_mul(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX));
    let left = left.and_then(|left| left.checked_div(advanced)).map(|millis| millis / 1000);
    let left = match left {
        None => String::new(),
        Some(0..60) => ", less than a minute left".to_owned(),
        Some(seconds) => format!(", about {} min left", seconds.div_ceil(60)),
    };
    let damaged = if tally.damaged > 0 { format!(", {} damaged", grouped(tally.damaged)) } else { String::new() };
    format!("{percent:>3} %  {} files, {}{damaged}{left}", grouped(files), tally.bytes)
}

#[cfg(test)]
mod tests {
    use strongroom_model::ByteCount;
    use strongroom_model::event::Tally;
    use strongroom_model::quantity::Position;

    use super::*;

    #[test]
    fn a_line_says_how_far_it_is_and_how_long_it_takes() {
        let tally = Tally { good: 1204, damaged: 1, bytes: ByteCount(40 << 20), ..Tally::default() };
        let state = Custody { next: Position(600), tally, ..Custody::default() };
        let text = line(&state, 1000, 100, Duration::from_secs(250));
        assert_eq!(text, " 60 %  1,205 files, 40.0 MiB, 1 damaged, about 4 min left");
        let text = line(&state, 500, 100, Duration::from_secs(1));
        assert!(text.starts_with("100 %") && text.ends_with("less than a minute left"), "{text}");
    }
}
