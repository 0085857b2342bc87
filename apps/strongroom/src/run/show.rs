//! Where progress is shown: a bar that moves on a terminal, plain lines elsewhere.

use std::io::{self, Write};
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use strongroom_model::ByteCount;
use strongroom_model::text::printable;
use tokio::time::Instant;
use tracing_subscriber::fmt::MakeWriter;

use crate::out::{is_terminal, tell};
use crate::run::tally::Tally;

const DRAW_EVERY: Duration = Duration::from_millis(100);
const LINE_CHARS: usize = 400;
/// Before that a rate would mean nothing.
const MIN_ELAPSED: Duration = Duration::from_millis(500);

const ASKING: &str = "{spinner} asking the server what waits";
const MOVING: &str = "{bar:30} {bytes}/{total_bytes} {bytes_per_sec}, {eta} left; {msg}";

#[derive(Debug, Clone)]
pub(crate) struct Show {
    bar: Option<ProgressBar>,
    /// Whether there are words for people at all.
    words: bool,
    started: Instant,
}

impl Show {
    /// A bar, if a person looks on; lines otherwise.
    pub(crate) fn new() -> Self {
        let bar = is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            bar.set_style(style(ASKING));
            bar.enable_steady_tick(DRAW_EVERY);
            bar
        });
        Self { bar, words: true, started: Instant::now() }
    }

    /// Nothing for people: log lines are for collectors.
    pub(crate) fn lines_only() -> Self {
        Self { bar: None, words: false, started: Instant::now() }
    }

    /// One message, above the bar where there is one.
    pub(crate) fn line(&self, text: &str) {
        if !self.words {
            return;
        }
        for line in text.lines() {
            let line = printable(line, LINE_CHARS);
            match &self.bar {
                Some(bar) => bar.println(line),
                None => tell(line),
            }
        }
    }

    /// How far it is; as a line only if one is due and something is under way. `came` counts
    /// bytes as they come, some perhaps twice.
    pub(crate) fn progress(&self, tally: &Tally, came: ByteCount, line_due: bool) {
        if let Some(bar) = self.bar.as_ref().filter(|_| tally.files > 0) {
            if bar.length() == Some(0) {
                bar.set_style(style(MOVING));
            }
            bar.set_length(tally.bytes.0);
            bar.set_position(came.max(tally.fetched_bytes).min(tally.bytes).0);
            bar.set_message(files(tally));
        } else if self.bar.is_none() && self.words && line_due && tally.left() > 0 {
            tell(progress_line(tally, self.started.elapsed()));
        }
    }

    /// Takes the bar away: what comes next is the ending.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Log lines go above the bar, too.
impl<'a> MakeWriter<'a> for Show {
    type Writer = AboveBar;

    fn make_writer(&'a self) -> AboveBar {
        AboveBar { bar: self.bar.clone() }
    }
}

pub(crate) struct AboveBar {
    bar: Option<ProgressBar>,
}

impl Write for AboveBar {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &self.bar {
            Some(bar) => bar.suspend(|| io::stderr().write(bytes)),
            None => io::stderr().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

fn style(template: &'static str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates are fixed, and a test makes them")
}

fn files(tally: &Tally) -> String {
    let mut text = format!("{} of {} files archived", tally.archived, tally.files);
    if tally.stuck > 0 {
        text += &format!(", {} need a person", tally.stuck);
    }
    text
}

fn progress_line(tally: &Tally, elapsed: Duration) -> String {
    let mut text = format!("{}; {} of {} fetched", files(tally), tally.fetched_bytes, tally.bytes);
    if let Some((rate, left)) = pace(tally, elapsed) {
        text += &format!(", {rate}/s, about {} left", HumanDuration(left));
    }
    text
}

/// Bytes in a second, and how long the rest takes at that rate.
pub(crate) fn pace(tally: &Tally, elapsed: Duration) -> Option<(ByteCount, Duration)> {
    if elapsed < MIN_ELAPSED || tally.fetched_bytes == ByteCount(0) {
        return None;
    }
    let rate = tally.fetched_bytes.0 as f64 / elapsed.as_secs_f64();
    let rest = tally.bytes.0.saturating_sub(tally.fetched_bytes.0) as f64;
    Some((ByteCount(rate as u64), Duration::from_secs_f64(rest / rate)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_line_says_how_far_how_fast_and_how_long() {
        let tally = Tally {
            files: 40,
            bytes: ByteCount(30 << 20),
            fetched_bytes: ByteCount(10 << 20),
            archived: 12,
            stuck: 1,
            ..Tally::default()
        };
        assert_eq!(
            progress_line(&tally, Duration::from_secs(5)),
            "12 of 40 files archived, 1 need a person; 10.0 MiB of 30.0 MiB fetched, 2.0 MiB/s, about 10 seconds left"
        );
    }

    #[test]
    fn the_bars_templates_are_well_formed() {
        style(ASKING);
        style(MOVING);
    }

    #[test]
    fn there_is_no_rate_before_anything_came() {
        assert_eq!(pace(&Tally::default(), Duration::from_secs(5)), None);
    }
}
