//! What a plugin in Rust implements.

use super::Speaker;
use crate::protocol::{Describe, Outcome, Problem, Report, Request};

/// A plugin. One value serves one operation of one process: [`serve`](super::serve) checks the version and the
/// operation, and calls the one method.
///
/// Only operations that [`describe`](Self::describe) lists are asked for. Methods block; they look at
/// [`Speaker::cancelled`] at least every few seconds, end their children when it is set, and answer
/// [`Outcome::Cancelled`]. Messages may be said from any thread, but none after the method has returned.
pub trait Plugin {
    /// What the plugin is. Touches nothing.
    fn describe(&self) -> Describe;

    /// What is wrong with `request.config`, live checks included; empty: nothing. Writes nothing.
    fn validate(&self, request: &Request, speaker: &Speaker) -> Vec<Problem>;

    /// Counts what [`run`](Self::run) would copy and delete. Writes nothing.
    fn plan(&self, request: &Request, speaker: &Speaker) -> Report {
        let _ = (request, speaker);
        not_listed("plan")
    }

    /// Transfers. Safe to repeat after any interruption.
    fn run(&self, request: &Request, speaker: &Speaker) -> Report;

    /// Proves what was transferred, from the copy's own bytes. Its report has evidence.
    fn verify(&self, request: &Request, speaker: &Speaker) -> Report {
        let _ = (request, speaker);
        not_listed("verify")
    }
}

fn not_listed(operation: &str) -> Report {
    Report::new(Outcome::Failed, format!("The plugin lists the operation {operation} and does not have it."))
}
