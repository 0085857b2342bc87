//! One start of the plugin, and what came of it.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Ask, Transcript};
use crate::host::{End, Ended, Obstacle};
use crate::protocol::{Outcome, Report, Request};

/// Of standard error.
const MAX_STDERR_BYTES: usize = 800;
/// Of standard output.
const MAX_STDOUT_BYTES: usize = 1_500;

/// One start of the plugin, and what came of it.
#[derive(Debug)]
pub(in crate::kit) struct Trial {
    pub(in crate::kit) ask: Ask,
    pub(super) request: Request,
    pub(in crate::kit) result: Result<Ended, Obstacle>,
    pub(in crate::kit) stdout: Vec<u8>,
    pub(in crate::kit) stderr: Vec<u8>,
    pub(in crate::kit) stalls: u32,
    pub(in crate::kit) took: Duration,
    pub(in crate::kit) leaks: Vec<String>,
}

impl Trial {
    /// The host's verdict.
    pub(in crate::kit) fn report(&self) -> Option<&Report> {
        self.result.as_ref().ok().map(|ended| &ended.verdict.report)
    }

    pub(in crate::kit) fn outcome(&self) -> Option<Outcome> {
        self.report().map(|report| report.outcome)
    }

    /// Whether it was done, or there was nothing to do.
    pub(in crate::kit) fn is_well(&self) -> bool {
        matches!(self.outcome(), Some(Outcome::Done | Outcome::Nothing))
    }

    pub(in crate::kit) fn is_unsupported(&self) -> bool {
        let cause = self.report().and_then(|report| report.cause.as_deref());
        cause == Some("unsupported") && self.result.as_ref().is_ok_and(|ended| ended.end == End::Code(0))
    }

    /// What it left for the next operation.
    pub(in crate::kit) fn state(&self) -> Value {
        self.result.as_ref().ok().and_then(|ended| ended.state.clone()).unwrap_or_default()
    }

    /// What was seen, for a person: the verdict and the bytes.
    pub(in crate::kit) fn seen(&self) -> String {
        let verdict = match &self.result {
            Err(obstacle) => format!("not started: {obstacle}"),
            Ok(ended) => {
                let report = &ended.verdict.report;
                let cause = report.cause.as_deref().unwrap_or("no cause");
                format!("{} ({cause}), {}: {}", report.outcome.name(), end(ended), report.sentence)
            }
        };
        let last = |bytes: &[u8], most: usize| {
            String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(most)..]).into_owned()
        };
        let (stdout, stderr) = (last(&self.stdout, MAX_STDOUT_BYTES), last(&self.stderr, MAX_STDERR_BYTES));
        format!("{}: {verdict} stdout: {stdout:?} stderr: {stderr:?}", self.ask.op)
    }

    pub(super) fn transcript(&self, folder: &str) -> Transcript {
        let neutral = |text: &str| text.replace(folder, "{folder}");
        let mut request = json!(self.request);
        if let Some(secrets) = request.get_mut("secrets").and_then(Value::as_object_mut) {
            secrets.values_mut().for_each(|secret| *secret = "{secret}".into());
        }
        let request = serde_json::from_str(&neutral(&request.to_string())).unwrap_or(request);
        let stdout = neutral(&String::from_utf8_lossy(&self.stdout));
        Transcript {
            case: self.ask.case,
            request,
            stdout: stdout.lines().map(ToOwned::to_owned).collect(),
            end: self.result.as_ref().map_or_else(ToString::to_string, end),
        }
    }
}

fn end(ended: &Ended) -> String {
    match ended.end {
        End::Code(code) => format!("exit code {code}"),
        End::Signal(signal) => format!("signal {signal}"),
        End::Stuck => "did not end".to_owned(),
    }
}
