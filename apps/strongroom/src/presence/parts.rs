//! How the parts of a process stand, as others see it.

use strongroom_bus::{Pipeline, PipelineView, RelayHandle, RelayHealth, RelayView, StageProgress};
use strongroom_model::event::AlarmKey;
use strongroom_model::presence::{Part, PartState, RELAY};
use strongroom_model::text::printable;
use strongroom_model::{HostName, Partition};

use crate::process::role::Role;

/// How much is shown of what a part waits for, in characters: a sign stays small.
pub(crate) const WAITS_CHARS: usize = 300;

/// The parts of a process, some of which may not have begun. Clones show the same.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    roles: Vec<Role>,
    pipeline: PipelineView,
    relay: Option<RelayView>,
    /// Whether a broker brings the work.
    relayed: bool,
    /// Whose jobs it runs.
    host: HostName,
}

#[derive(Debug)]
pub(crate) struct Troubles {
    pub(crate) broker: Option<String>,
    pub(crate) drive: Option<String>,
    /// What else keeps the work from being done.
    pub(crate) work: Option<String>,
}

impl Parts {
    /// Of a process that was opened for these, with that pipeline and that relay; `relayed` where a broker brings the
    /// work. It runs that host's jobs, if any.
    pub(crate) fn of(
        roles: &[Role],
        pipeline: &Pipeline,
        relay: Option<&RelayHandle>,
        relayed: bool,
        host: HostName,
    ) -> Self {
        // Without a broker there is no relay to be missed.
        let roles = roles.iter().copied().filter(|role| relayed || *role != Role::Relay).collect();
        Self { roles, pipeline: pipeline.view(), relay: relay.map(RelayHandle::view), relayed, host }
    }

    /// Whether a broker brings the work.
    pub(crate) const fn is_relayed(&self) -> bool {
        self.relayed
    }

    fn relay(&self) -> Option<RelayHealth> {
        self.relay.as_ref().map(RelayView::health)
    }

    /// Whether it was opened for a role that is so.
    pub(crate) fn is_any(&self, so: fn(Role) -> bool) -> bool {
        self.roles.iter().any(|role| so(*role))
    }

    pub(crate) fn troubles(&self) -> Troubles {
        let (stages, relay) = (self.pipeline.progress(), self.relay());
        Troubles {
            broker: self.relayed.then(|| unlinked(&stages, relay.as_ref())).flatten(),
            drive: self.of_the_drive(&stages),
            work: of_the_work(&stages, relay),
        }
    }

    fn of_the_drive(&self, stages: &[StageProgress]) -> Option<String> {
        let looks = |role: &Role| stages.iter().any(|stage| stage.stage.name() == role.name() && stage.readiness_known);
        let paused = stages.iter().find_map(|stage| about_the_drive(stage, true));
        paused.or_else(|| {
            let mut waiting = self.roles.iter().filter(|role| role.needs_drive() && !looks(role));
            waiting.next().map(|role| format!("{} has not looked at it yet", role.name()))
        })
    }

    /// What the process does now, in one line.
    pub(crate) fn status(&self) -> String {
        let stages = self.pipeline.progress().into_iter().map(|stage| {
            let done = format!("{}: {} in flight, {} done", stage.stage, stage.in_flight, stage.counts.done);
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

    pub(crate) fn now(&self) -> Vec<Part> {
        let stages = self.pipeline.progress();
        let relay = self.relay().map(|relay| relay_part(&relay));
        let mut parts: Vec<Part> = stages.iter().map(|stage| stage_part(stage, self.relayed)).chain(relay).collect();
        let begun = |role: &str, parts: &[Part]| parts.iter().any(|part| part.role == role);
        for role in &self.roles {
            if *role == Role::Monitor {
                parts.push(part(role.name(), PartState::Working, None));
            } else if !begun(role.name(), &parts) {
                parts.push(part(role.name(), PartState::Cut, Some("it has not begun")));
            }
        }
        // Also without a broker, or before it is connected: nothing but the configuration says whose jobs they are.
        let is_of_jobs = |part: &&mut Part| Role::of_jobs().any(|role| role.name() == part.role);
        parts.iter_mut().filter(is_of_jobs).for_each(|part| part.partition = Some(Partition::from(&self.host)));
        parts
    }
}

/// Why the broker cannot be used, where it brings the work.
fn unlinked(stages: &[StageProgress], relay: Option<&RelayHealth>) -> Option<String> {
    let lost = stages.iter().find_map(|stage| {
        let link = stage.link.as_ref();
        // A paused stage takes nothing from its queue.
        let connected = stage.paused.is_some() || link.is_some_and(|link| link.connected);
        (!connected).then(|| link.and_then(|link| link.error.clone()))
    });
    match lost.or_else(|| relay.filter(|relay| !relay.connected).map(|relay| relay.error.clone())) {
        Some(trouble) => Some(trouble.unwrap_or_else(|| "not connected yet".to_owned())),
        None => (stages.is_empty() && relay.is_none()).then(|| "nothing is taken from it yet".to_owned()),
    }
}

/// What is in the way of a stage, where it is (not) about the drive.
fn about_the_drive(stage: &StageProgress, is_so: bool) -> Option<String> {
    let obstacle = stage.paused.as_ref().map(|paused| &paused.obstacle);
    obstacle.filter(|obstacle| obstacle.kind.is_of_one_host() == is_so).map(|obstacle| obstacle.message.clone())
}

/// What else keeps the work from being done.
fn of_the_work(stages: &[StageProgress], relay: Option<RelayHealth>) -> Option<String> {
    let paused = stages.iter().find_map(|stage| about_the_drive(stage, false));
    paused.or_else(|| {
        let relay = relay.filter(|relay| relay.connected)?;
        let blocked = relay.blocked.then(|| "the broker takes nothing: it is short of memory or disk".to_owned());
        blocked.or(relay.error)
    })
}

fn part(role: &str, state: PartState, waits_for: Option<&str>) -> Part {
    let waits_for = waits_for.map(|text| printable(text, WAITS_CHARS));
    Part { role: role.to_owned(), partition: None, state, alarm: None, waits_for }
}

fn stage_part(stage: &StageProgress, relayed: bool) -> Part {
    let role = stage.stage.name();
    let link = stage.link.as_ref();
    let is_linked = !relayed || link.is_some_and(|link| link.connected);
    let standing = match &stage.paused {
        Some(pause) => part(role, PartState::Paused, Some(&pause.obstacle.message)),
        None if !stage.readiness_known => part(role, PartState::Paused, Some("it looks at what it needs")),
        None if is_linked => part(role, PartState::Working, None),
        None => {
            let trouble = link.and_then(|link| link.error.as_deref());
            part(role, PartState::Cut, Some(trouble.unwrap_or("it is not connected to the broker yet")))
        }
    };
    let obstacle = stage.paused.as_ref().map(|pause| &pause.obstacle);
    let alarm = obstacle.map(|obstacle| AlarmKey::new(obstacle.kind, &obstacle.subject).to_string());
    Part { partition: link.and_then(|link| link.partition.clone()), alarm, ..standing }
}

/// A relay without a broker has raised an alarm about that.
fn relay_part(relay: &RelayHealth) -> Part {
    match (relay.connected, relay.active) {
        (false, _) => part(RELAY, PartState::Paused, Some(relay.error.as_deref().unwrap_or("no broker yet"))),
        (true, true) => part(RELAY, PartState::Working, relay.error.as_deref()),
        (true, false) => part(RELAY, PartState::StandingBy, None),
    }
}
