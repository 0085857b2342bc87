//! A host's state.

use crate::envelope::Recorded;
use crate::event::{Event, HostJoined};
use crate::fold::{Fold, IllegalTransition};

/// A host on which jobs run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Host {
    /// What it said of itself last.
    pub joined: Option<HostJoined>,
    /// Whether nothing is expected of it any more.
    pub is_retired: bool,
}

impl Fold for Host {
    fn next(mut self, event: &Recorded) -> Result<Self, IllegalTransition> {
        match &event.event {
            Event::HostJoined(data) => {
                self.joined = Some(data.clone());
                self.is_retired = false;
            }
            Event::HostRetired(_) if self.joined.is_some() && !self.is_retired => self.is_retired = true,
            other => return Err(self.refuse(other)),
        }
        Ok(self)
    }

    fn describe(&self) -> String {
        match (&self.joined, self.is_retired) {
            (None, _) => "an unknown host",
            (Some(_), false) => "a host that runs jobs",
            (Some(_), true) => "a retired host",
        }
        .to_owned()
    }

    fn attempt(&self) -> u32 {
        1
    }
}
