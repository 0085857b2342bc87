//! The built-in kinds by name.

use strongroom_plugin::protocol::{Describe, Problem, Report, Request};
use strongroom_plugin::{Plugin, Speaker};

use crate::around::Around;
use crate::check::Check;
use crate::command::Command;
use crate::rclone::Rclone;
use crate::restic::Restic;
use crate::robocopy::Robocopy;
use crate::rsync::Rsync;
use crate::tasks::Tasks;

/// The names of the kinds.
pub const NAMES: [&str; 7] = ["check", "command", "rclone", "restic", "robocopy", "rsync", "tasks"];

/// A built-in kind.
pub struct BuiltIn(Box<dyn Plugin>);

impl BuiltIn {
    /// The kind of that name.
    #[must_use]
    pub fn named(name: &str, around: Around) -> Option<Self> {
        Some(Self(match name {
            "check" => Box::new(Check::new(around)),
            "command" => Box::new(Command::new(around)),
            "rclone" => Box::new(Rclone::new(around)),
            "restic" => Box::new(Restic::new(around)),
            "robocopy" => Box::new(Robocopy::new(around)),
            "rsync" => Box::new(Rsync::new(around)),
            "tasks" => Box::new(Tasks::new(around)),
            _ => return None,
        }))
    }
}

impl std::fmt::Debug for BuiltIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("BuiltIn").field(&self.0.describe().name).finish()
    }
}

impl Plugin for BuiltIn {
    fn describe(&self) -> Describe {
        self.0.describe()
    }

    fn validate(&self, request: &Request, speaker: &Speaker) -> Vec<Problem> {
        self.0.validate(request, speaker)
    }

    fn plan(&self, request: &Request, speaker: &Speaker) -> Report {
        self.0.plan(request, speaker)
    }

    fn run(&self, request: &Request, speaker: &Speaker) -> Report {
        self.0.run(request, speaker)
    }

    fn verify(&self, request: &Request, speaker: &Speaker) -> Report {
        self.0.verify(request, speaker)
    }
}
