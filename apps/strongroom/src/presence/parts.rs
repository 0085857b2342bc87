//! How the parts of a process stand, as others see it.

use strongroom_bus::{Pipeline, PipelineView, RelayHandle, RelayHealth, RelayView, StageProgress};
use strongroom_model::event::AlarmKey;
use strongroom_model::presence::{Part, PartState, RELAY};
use strongroom_model::text::printable;

use crate::process::role::Role;

/// How much is shown of what a part waits for, in characters: a sign stays small.
pub(crate) const WAITS_CHARS: usize = 300;

/// The parts of a process, some of which may not have begun. Clones show the same.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    /// What it was opened for.
    roles: Vec<Role>,
    pipeline: PipelineView,
    relay: Option<RelayView>,
    /// Whether a broker brings the work.
    relayed: bool,
}

impl Parts {
    /// Of a process that was opened for these, with that pipeline and that relay; `relayed` where a broker brings the
    /// work.
    pub(crate) fn of(roles: &[Role], pipeline: &Pipeline, relay: Option<&RelayHandle>, relayed: bool) -> Self {
        // Without a broker there is no relay to be missed.
        let roles = roles.iter().copied().filter(|role| relayed || *role != Role::Relay).collect();
        Self { roles, pipeline: pipeline.view(), relay: relay.map(RelayHandle::view), relayed }
    }

    /// Whether a broker brings the work.
    pub(crate) const fn is_relayed(&self) -> bool {
        self.relayed
    }

    fn relay(&self) -> Option<RelayHealth> {
        self.relay.as_ref().map(RelayView::health)
    }

    /// What keeps the broker from being used, and what keeps the work from being done.
    pub(crate) fn troubles(&self) -> (Option<String>, Option<String>) {
        let (stages, relay) = (self.pipeline.progress(), self.relay());
        let unlinked = stages.iter().find_map(|stage| {
            let link = stage.link.as_ref();
            // A paused stage takes nothing from its queue.
            let connected = stage.paused.is_some() || link.is_some_and(|link| link.connected);
            (!connected).then(|| link.and_then(|link| link.trouble.clone()))
        });
        let unlinked =
            unlinked.or_else(|| relay.as_ref().filter(|relay| !relay.connected).map(|relay| relay.trouble.clone()));
        let unlinked = match unlinked {
            Some(trouble) => Some(trouble.unwrap_or_else(|| "not connected yet".to_owned())),
            None => (stages.is_empty() && relay.is_none()).then(|| "nothing is taken from it yet".to_owned()),
        };
        let paused = stages.iter().find_map(|stage| Some(stage.paused.as_ref()?.obstacle.message.clone()));
        let hindered = relay.filter(|relay| relay.connected).and_then(|relay| {
            let blocked = relay.blocked.then(|| "the broker takes nothing: it is short of memory or disk".to_owned());
            blocked.or(relay.trouble)
        });
        (unlinked, paused.or(hindered))
    }

    /// What the process does now, in one line.
    pub(crate) fn status(&self) -> String {
        let stages = self.pipeline.progress().into_iter().map(|stage| {
            let done = format!("{}: {} in hand, {} done", stage.stage, stage.in_hand, stage.counts.done);
            match &stage.paused {
                Some(pause) => format!("{done}; waits: {}", pause.obstacle.message),
                None => done,
            }
        });
        let relay = self.relay().map(|relay| match (relay.connected, relay.active) {
            (false, _) => "relay: no broker".to_owned(),
            (true, true) => "relay: active".to_owned(),
            (true, false) => "relay: another one is active".to_owned(),
        });
        stages.chain(relay).collect::<Vec<_>>().join("; ")
    }

    /// How each stands; `waits_for` is what keeps the process from beginning, where an alarm was raised about that.
    pub(crate) fn now(&self, waits_for: Option<&str>) -> Vec<Part> {
        let stages = self.pipeline.progress();
        let relay = self.relay().map(|relay| relay_part(&relay));
        let mut parts: Vec<Part> = stages.iter().map(|stage| stage_part(stage, self.relayed)).chain(relay).collect();
        let begun = |role: &str, parts: &[Part]| parts.iter().any(|part| part.role == role);
        for role in self.roles.iter().map(|role| role.name()) {
            if !begun(role, &parts) {
                let state = if waits_for.is_some() { PartState::Paused } else { PartState::Cut };
                parts.push(part(role, state, waits_for.or(Some("it has not begun"))));
            }
        }
        parts
    }
}

fn part(role: &str, state: PartState, waits_for: Option<&str>) -> Part {
    let waits_for = waits_for.map(|text| printable(text, WAITS_CHARS));
    Part { role: role.to_owned(), drive: None, state, alarm: None, waits_for }
}

fn stage_part(stage: &StageProgress, relayed: bool) -> Part {
    let role = stage.stage.name();
    let link = stage.link.as_ref();
    let is_linked = !relayed || link.is_some_and(|link| link.connected);
    let standing = match &stage.paused {
        Some(pause) => part(role, PartState::Paused, Some(&pause.obstacle.message)),
        None if is_linked => part(role, PartState::Working, None),
        None => {
            let trouble = link.and_then(|link| link.trouble.as_deref());
            part(role, PartState::Cut, Some(trouble.unwrap_or("it is not connected to the broker yet")))
        }
    };
    let obstacle = stage.paused.as_ref().map(|pause| &pause.obstacle);
    let alarm = obstacle.map(|obstacle| AlarmKey::new(obstacle.kind, &obstacle.subject).to_string());
    Part { drive: link.and_then(|link| link.drive), alarm, ..standing }
}

/// A relay without a broker has raised an alarm about that.
fn relay_part(relay: &RelayHealth) -> Part {
    match (relay.connected, relay.active) {
        (false, _) => part(RELAY, PartState::Paused, Some(relay.trouble.as_deref().unwrap_or("no broker yet"))),
        (true, true) => part(RELAY, PartState::Working, relay.trouble.as_deref()),
        (true, false) => part(RELAY, PartState::StandingBy, None),
    }
}
