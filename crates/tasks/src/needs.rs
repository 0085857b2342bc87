//! What a task needs, besides its definition, to be restored on another host.

use crate::task::{Action, LogonType, Principal, Schedule, Task};

/// The needs of a task of Windows: one fragment of a sentence each.
#[must_use]
pub fn restore_needs(task: &Task) -> Vec<String> {
    if task.scheduler != crate::Scheduler::Windows {
        return Vec::new();
    }
    let mut needs = Vec::new();
    for principal in &task.principals {
        needs.extend(of_principal(principal));
    }
    let has = |wanted: fn(&Schedule) -> bool| task.triggers.iter().any(|trigger| wanted(&trigger.schedule));
    if has(|schedule| matches!(schedule, Schedule::Boot)) {
        needs.push("an administrator: it starts with the computer".to_owned());
    }
    if has(|schedule| matches!(schedule, Schedule::Signal(..))) {
        needs.push("nothing: Windows brings it along, and another build's may not fit".to_owned());
    }
    for action in &task.actions {
        match action {
            Action::ComHandler { class_id, .. } => {
                needs.push(format!("the COM class {}", strongroom_model::text::printable(class_id, 60)));
            }
            Action::SendEmail { .. } | Action::ShowMessage { .. } => {
                needs.push("another action: Windows no longer sends mail or shows messages".to_owned());
            }
            Action::Exec { .. } | Action::Unknown { .. } => {}
        }
    }
    needs.extend(cautions(task).into_iter().map(|caution| format!("care: {caution}")));
    needs.dedup();
    needs
}

/// Why a restored task must be looked at before it is switched on.
pub(crate) fn cautions(task: &Task) -> Vec<String> {
    let has = |wanted: fn(&Schedule) -> bool| task.triggers.iter().any(|trigger| wanted(&trigger.schedule));
    let cautions = [
        (has(|schedule| matches!(schedule, Schedule::Registration)), "registering or switching it on may start it"),
        (
            has(|schedule| matches!(schedule, Schedule::Once)) && task.settings.start_when_available,
            "a past start is made up for at once",
        ),
        (
            task.settings.delete_expired_after.is_some() && task.triggers.iter().any(|trigger| trigger.end.is_some()),
            "once its triggers have ended it is deleted",
        ),
        (!task.warnings.is_empty(), "not all of its definition was understood"),
    ];
    cautions.iter().filter(|(holds, _)| *holds).map(|(_, words)| (*words).to_owned()).collect()
}

fn of_principal(principal: &Principal) -> Vec<String> {
    let mut needs = Vec::new();
    let user = principal.user.as_deref().map(|user| strongroom_model::text::printable(user, 100));
    let Some(user) = user else { return needs };
    if principal.is_service() {
        needs.push("an administrator: it runs as a service account".to_owned());
        return needs;
    }
    if principal.needs_password() {
        needs.push(format!("the password of {user}"));
    }
    if principal.is_managed() {
        needs.push(format!("the managed service account {user}, installed on the host"));
    }
    if principal.logon == Some(LogonType::S4u) {
        needs
            .push(format!("an administrator, or the password of {user}: it runs without one, and without the network"));
    }
    // The identifiers of a computer's own accounts are made anew with it.
    if principal.sid().is_some_and(|sid| sid.starts_with("S-1-5-21-")) {
        needs.push(format!("the account behind {user}: on a new host it has another identifier"));
    } else if !user.contains(['\\', '@']) && principal.sid().is_none() {
        needs.push(format!("the host's or domain's name before {user}"));
    }
    needs
}
