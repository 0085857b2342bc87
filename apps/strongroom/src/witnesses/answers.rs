//! What each witness answered last, kept in the data folder for the doctor.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strongroom_model::SiteId;
use strongroom_model::text::printable;
use strongroom_proof::WitnessKey;
use strongroom_service::{Config, blocking};

use crate::checkpoint::data_folder;

const MAX_BYTES: usize = 64 * 1024;
const PROBLEM_CHARS: usize = 300;

/// A witness's last answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// Its public key.
    pub(crate) key: String,
    /// The size of the checkpoint that it cosigned last, and when.
    pub(crate) cosigned: Option<(u64, Timestamp)>,
    /// Why it did not cosign the last one, if it did not, and since when.
    pub(crate) problem: Option<(String, Timestamp)>,
    /// Whether it says that the log was rewritten.
    pub(crate) is_refused: bool,
}

impl Answer {
    /// An answer about a checkpoint of that size; the problem, and whether the witness refuses the log.
    pub(super) fn new(key: &WitnessKey, size: u64, at: Timestamp, problem: Option<(String, bool)>) -> Self {
        let is_refused = problem.as_ref().is_some_and(|(_, is_refused)| *is_refused);
        let cosigned = problem.is_none().then_some((size, at));
        let problem = problem.map(|(problem, _)| (printable(&problem, PROBLEM_CHARS), at));
        Self { key: key.to_string(), cosigned, problem, is_refused }
    }

    /// The witness's name.
    pub(crate) fn name(&self) -> &str {
        self.key.split('+').next().unwrap_or_default()
    }

    /// Goes on from the answer before, and says a new problem once.
    fn after(mut self, before: Option<&Self>) -> Self {
        let name = self.name().to_owned();
        let Some((problem, since)) = &mut self.problem else { return self };
        self.cosigned = before.and_then(|before| before.cosigned);
        match before.and_then(|before| before.problem.as_ref()) {
            Some((known, at)) if known == problem => *since = *at,
            _ if self.is_refused => {
                tracing::error!(witness = name, reason = %problem, "a witness does not cosign the log");
            }
            _ => {
                tracing::warn!(witness = name, reason = %problem, "a witness does not cosign the log: it is asked again");
            }
        }
        self
    }
}

/// Several sites may share a data folder.
fn name(site: &SiteId) -> String {
    format!("witnesses.{site}")
}

/// What cannot be read counts as nothing: it is written anew with the next checkpoint.
pub(crate) async fn answers(config: &Config, site: &SiteId) -> Vec<Answer> {
    let (folder, name) = (data_folder(config), name(site));
    let text = blocking(move || folder.text(&name, MAX_BYTES)).await;
    text.ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

pub(super) async fn keep(config: &Config, site: &SiteId, given: Vec<Answer>) {
    let before = answers(config, site).await;
    let last = |answer: &Answer| before.iter().find(|before| before.key == answer.key);
    let given: Vec<Answer> = given
        .into_iter()
        .map(|answer| {
            let last = last(&answer);
            answer.after(last)
        })
        .collect();
    let Ok(text) = serde_json::to_string(&given) else { return };
    let (folder, name) = (data_folder(config), name(site));
    if let Err(error) = blocking(move || folder.replace(&name, &text)).await {
        tracing::debug!(%error, "the witnesses' answers could not be kept");
    }
}
