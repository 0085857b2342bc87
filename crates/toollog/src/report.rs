//! What a log says: its runs, each judged.

use serde::Serialize;
use strongroom_model::text::{grouped, printable};

use crate::items::Item;
use crate::outcome::{Cause, Counts, Outcome, Retry};
use crate::sentence::{MAX_SENTENCE_CHARS, not_a_copy};
use crate::tool::Tool;
use crate::{rclone, restic, robocopy, rsync};

/// What is concluded from one run's output and exit code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// How it ended: the worst of what the output and the exit code say.
    pub outcome: Outcome,
    /// One sentence for people, at most 300 characters, safe to print.
    pub sentence: String,
    /// Why it did not end well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// What a person can do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
    /// Whether it may work later without a person.
    pub retry: Retry,
    /// What was counted.
    pub counts: Counts,
    /// Bytes copied, where the tool says so; rounded where the tool rounds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// What else a reader must know: left-out links, words that contradict each other.
    pub problems: Vec<String>,
}

impl Verdict {
    /// Of a tool that printed nothing that is known: its exit code is all there is.
    #[must_use]
    pub fn of_silent(tool: Tool, exit_code: i64) -> Self {
        match tool {
            Tool::Robocopy => robocopy::judge(&robocopy::Facts::default(), Some(exit_code)),
            Tool::Rsync => rsync::judge(&rsync::Facts::default(), Some(exit_code)),
            Tool::Rclone => rclone::judge(&rclone::Facts::default(), Some(exit_code)),
            Tool::Restic => restic::judge(&restic::Facts::default(), Some(exit_code)),
        }
    }
}

/// What the output said, before the exit code is known.
#[derive(Debug, Clone)]
pub(crate) enum Facts {
    Robocopy(Box<robocopy::Facts>),
    Rsync(Box<rsync::Facts>),
    Rclone(Box<rclone::Facts>),
    Restic(Box<restic::Facts>),
}

impl Facts {
    const fn tool(&self) -> Tool {
        match self {
            Self::Robocopy(_) => Tool::Robocopy,
            Self::Rsync(_) => Tool::Rsync,
            Self::Rclone(_) => Tool::Rclone,
            Self::Restic(_) => Tool::Restic,
        }
    }

    fn is_dry_run(&self) -> bool {
        match self {
            Self::Robocopy(facts) => facts.is_dry_run,
            Self::Rsync(facts) => facts.is_dry_run,
            Self::Rclone(facts) => facts.is_dry_run(),
            Self::Restic(facts) => facts.is_dry_run(),
        }
    }

    /// Taken for a copy, which a dry run is not.
    fn verdict(&self, exit_code: Option<i64>) -> Verdict {
        let verdict = self.judge(exit_code);
        if self.is_dry_run() { not_a_copy(verdict) } else { verdict }
    }

    /// What was done; of a dry run, what would be done.
    fn judge(&self, exit_code: Option<i64>) -> Verdict {
        match self {
            Self::Robocopy(facts) => robocopy::judge(facts, exit_code),
            Self::Rsync(facts) => rsync::judge(facts, exit_code),
            Self::Rclone(facts) => rclone::judge(facts, exit_code),
            Self::Restic(facts) => restic::judge(facts, exit_code),
        }
    }

    fn ended(&self) -> bool {
        match self {
            Self::Robocopy(facts) => facts.summary.is_some(),
            Self::Rsync(facts) => facts.ended(),
            Self::Rclone(facts) => facts.ended(),
            Self::Restic(facts) => facts.ended(),
        }
    }

    fn items(&self) -> &crate::items::Items {
        match self {
            Self::Robocopy(facts) => &facts.items,
            Self::Rsync(facts) => &facts.items,
            Self::Rclone(facts) => &facts.items,
            Self::Restic(facts) => &facts.items,
        }
    }
}

/// One run of a tool.
#[derive(Debug, Clone, Serialize)]
pub struct Run {
    /// Which tool.
    pub tool: Tool,
    /// How it ended, and why.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Whether the output shows that the tool came to its end.
    pub ended: bool,
    /// What it ended with, where that was given or is in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i64>,
    /// What was not copied, or differs: at most 100.
    pub items: Vec<Item>,
    /// How many there were.
    pub items_total: u64,
    #[serde(skip)]
    pub(crate) facts: Facts,
    /// Its last line, by its number in the log.
    #[serde(skip)]
    pub(crate) last_line: u64,
}

impl Run {
    pub(crate) fn new(facts: Facts) -> Self {
        Self {
            tool: facts.tool(),
            verdict: facts.verdict(None),
            ended: facts.ended(),
            exit_code: None,
            items: facts.items().kept().to_vec(),
            items_total: facts.items().total(),
            facts,
            last_line: 0,
        }
    }

    /// After its output, a shell says that a signal ended a process: that was not this one, or it did not end well.
    pub(crate) fn stop(&mut self, signal: &str) {
        self.verdict.outcome = Outcome::Cancelled;
        self.verdict.cause = Some(Cause::Stopped);
        self.verdict.retry = Retry::Later;
        self.verdict.next_step = Some("find out what was stopped, or give the exit code".to_owned());
        self.verdict.sentence = crate::sentence::bounded(&format!(
            "The log ends with \"{signal}\": something was stopped by a signal. Before that: {}",
            self.verdict.sentence
        ));
    }

    /// Returns how many there were.
    pub(crate) fn drop_items(&mut self) -> usize {
        match &mut self.facts {
            Facts::Robocopy(facts) => facts.items.keep_first(),
            Facts::Rsync(facts) => facts.items.keep_first(),
            Facts::Rclone(facts) => facts.items.keep_first(),
            Facts::Restic(facts) => facts.items.keep_first(),
        }
        std::mem::take(&mut self.items).len()
    }

    /// Judged again with the code that the tool exited with; negative if a signal or `TerminateProcess` ended it.
    #[must_use]
    pub fn with_exit_code(mut self, exit_code: i64) -> Self {
        self.verdict = self.facts.verdict(Some(exit_code));
        self.exit_code = Some(exit_code);
        self
    }

    /// Of a dry run that was meant as one: what it would do is its result. Of any other run, its verdict.
    #[must_use]
    pub fn plan(&self) -> Verdict {
        self.facts.judge(self.exit_code)
    }
}

/// What a log says.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Whose log it is; none if no tool's output was recognised.
    pub tool: Option<Tool>,
    /// Other tools whose output is in the same log.
    pub mixed_with: Vec<Tool>,
    /// The tool's version, where the log has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The last runs, oldest first: at most [`MAX_RUNS`](crate::read::MAX_RUNS).
    pub runs: Vec<Run>,
    /// How many there were.
    pub runs_total: u64,
    /// How many of them did not end well.
    pub runs_bad: u64,
    /// How much was read.
    pub bytes_read: u64,
    /// Lines that were longer than is read; the rest of each was ignored.
    pub lines_cut: u64,
}

impl Report {
    /// With the exit code of the last run.
    #[must_use]
    pub fn with_exit_code(mut self, exit_code: i64) -> Self {
        if let Some(run) = self.runs.pop() {
            let was_bad = u64::from(!run.verdict.outcome.is_well());
            let run = run.with_exit_code(exit_code);
            self.runs_bad = self.runs_bad - was_bad + u64::from(!run.verdict.outcome.is_well());
            self.runs.push(run);
        }
        self
    }

    /// The run that counts: the last one. Where output of several tools is mixed, the worst of each tool's last one.
    #[must_use]
    pub fn decisive(&self) -> Option<&Run> {
        let last = |tool: Tool| self.runs.iter().rev().find(|run| run.tool == tool);
        let ends = Tool::ALL.into_iter().filter_map(last);
        ends.max_by_key(|run| (run.verdict.outcome, run.last_line))
    }

    /// How the run that counts ended; failed if nothing was recognised.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.decisive().map_or(Outcome::Failed, |run| run.verdict.outcome)
    }

    /// What happened, in one sentence of at most 300 characters, safe to print.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Some(run) = self.decisive() else {
            let found = if self.bytes_read == 0 {
                "The log is empty: nothing shows that anything ran."
            } else {
                "This is not a log of robocopy, rsync, rclone or restic: nothing is known from it."
            };
            return found.to_owned();
        };
        let mut words = String::new();
        if let (Some(tool), false) = (self.tool, self.mixed_with.is_empty()) {
            let others = self.mixed_with.iter().map(|tool| tool.as_str()).collect::<Vec<_>>().join(" and ");
            words = format!("Output of {tool} and {others} is mixed in this log. ");
        }
        if self.runs_total > 1 {
            let bad = match self.runs_bad {
                0 => "all ended well".to_owned(),
                1 => "1 did not end well".to_owned(),
                n => format!("{} did not end well", grouped(n)),
            };
            let which = match self.mixed_with.is_empty() {
                true => "the last".to_owned(),
                false => format!("the worst of each one's last, {}", run.tool.as_str()),
            };
            words += &format!("{} runs, {bad}; {which}: ", grouped(self.runs_total));
        }
        printable(&(words + &run.verdict.sentence), MAX_SENTENCE_CHARS - 1)
    }
}
