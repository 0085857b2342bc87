//! One `<Task>`.

use roxmltree::Node;

use super::node::{Reader, boolean, child, child_text, elements, quoted, text};
use super::{NAMESPACE, Named, trigger};
use crate::task::{Action, InstancesPolicy, LogonType, Maintenance, Origin, Principal, Scheduler, Settings, Task};
use crate::{Moment, Span};

/// The most triggers that a definition may have.
const MAX_TRIGGERS: usize = 48;
/// The most actions.
const MAX_ACTIONS: usize = 32;

pub(super) fn task(node: Node<'_, '_>, origin: &Origin, named: Named<'_>) -> Task {
    let info = child(node, "RegistrationInfo");
    let info_text = |name: &str| info.and_then(|info| child_text(info, name));
    let uri = info_text("URI");
    let path = path(named, uri.as_deref(), origin);
    let mut task = Task::new(path, Scheduler::Windows, origin.clone());
    let mut warnings = Vec::new();
    let mut reader = Reader { warnings: &mut warnings };
    if node.tag_name().namespace() != Some(NAMESPACE) {
        reader.warn("the namespace is not Task Scheduler's: Windows will refuse to import it");
    }
    reader.unknown(node, &["RegistrationInfo", "Triggers", "Principals", "Settings", "Actions", "Data"]);
    if let Some(info) = info {
        let known =
            ["Date", "Author", "Version", "Description", "URI", "Source", "Documentation", "SecurityDescriptor"];
        reader.unknown(info, &known);
    }
    task.version = node.attribute("version").map(str::to_owned);
    task.author = info_text("Author");
    task.description = info_text("Description");
    task.security = info_text("SecurityDescriptor");
    task.registered = info_text("Date").map(|date| Moment::parse(&date));
    if let Some(Moment::Unreadable(date)) = &task.registered {
        reader.warn(format!("Date {} cannot be read", quoted(date)));
    }
    task.uri = uri;
    if let (Named::Place(_), Some(uri)) = (named, &task.uri)
        && uri.trim_start_matches('\\') != task.path.trim_start_matches('\\')
    {
        reader.warn(format!("the definition gives its own path as {}, the file's name says another", quoted(uri)));
    }
    if let Some(triggers) = child(node, "Triggers") {
        task.triggers = elements(triggers).map(|trigger| trigger::trigger(trigger, &mut reader)).collect();
    }
    if let Some(principals) = child(node, "Principals") {
        reader.unknown(principals, &["Principal"]);
        task.principals = elements(principals).map(|node| principal(node, &mut reader)).collect();
    }
    if let Some(node) = child(node, "Settings") {
        task.settings = settings(node, &mut reader);
    }
    match child(node, "Actions") {
        Some(actions) => task.actions = elements(actions).map(|node| action(node, &mut reader)).collect(),
        None => reader.warn("there are no actions"),
    }
    if task.triggers.len() > MAX_TRIGGERS {
        reader.warn(format!("{} triggers; Windows allows {MAX_TRIGGERS}", task.triggers.len()));
    }
    if task.actions.len() > MAX_ACTIONS {
        reader.warn(format!("{} actions; Windows allows {MAX_ACTIONS}", task.actions.len()));
    }
    task.warnings = warnings;
    task
}

/// The definition's own URI may be out of date after a copy: it counts where it ends in the file's name, and tells the
/// folder then, or where nothing else names the task.
fn path(named: Named<'_>, uri: Option<&str>, origin: &Origin) -> String {
    let uri = uri.map(|uri| format!("\\{}", uri.trim_start_matches('\\')));
    let last = |path: &str| path.rsplit('\\').next().unwrap_or_default().to_lowercase();
    match (named, uri) {
        (Named::Known(path), _) => path.to_owned(),
        (Named::Place(place), Some(uri)) if last(place) == last(&uri) => uri,
        (Named::Place(place), _) => place.to_owned(),
        (Named::Itself, Some(uri)) => uri,
        (Named::Itself, None) => format!("\\(a task without a path in {})", origin.file),
    }
}

fn principal(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Principal {
    let known =
        ["UserId", "GroupId", "LogonType", "RunLevel", "DisplayName", "ProcessTokenSidType", "RequiredPrivileges"];
    reader.unknown(node, &known);
    let level = child_text(node, "RunLevel");
    if let Some(level) = level.as_deref().filter(|level| !["LeastPrivilege", "HighestAvailable"].contains(level)) {
        reader.warn(format!("RunLevel {} is not known", quoted(level)));
    }
    let logon = child_text(node, "LogonType").map(|logon| LogonType::parse(&logon));
    if let Some(LogonType::Other(other)) = &logon {
        reader.warn(format!("LogonType {} is not known", quoted(other)));
    }
    Principal {
        id: node.attribute("id").map(str::to_owned),
        user: child_text(node, "UserId"),
        group: child_text(node, "GroupId"),
        logon,
        elevated: level.as_deref() == Some("HighestAvailable"),
    }
}

const KNOWN_SETTINGS: [&str; 26] = [
    "Enabled",
    "Hidden",
    "MultipleInstancesPolicy",
    "ExecutionTimeLimit",
    "StartWhenAvailable",
    "DisallowStartIfOnBatteries",
    "StopIfGoingOnBatteries",
    "RunOnlyIfIdle",
    "RunOnlyIfNetworkAvailable",
    "NetworkSettings",
    "NetworkProfileName",
    "WakeToRun",
    "Priority",
    "AllowStartOnDemand",
    "AllowHardTerminate",
    "DeleteExpiredTaskAfter",
    "RestartOnFailure",
    "IdleSettings",
    "MaintenanceSettings",
    "Volatile",
    "UseUnifiedSchedulingEngine",
    "DisallowStartOnRemoteAppSession",
    "Compatibility",
    "RunOnlyIfLoggedOn",
    "Context",
    "Data",
];

fn settings(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Settings {
    reader.unknown(node, &KNOWN_SETTINGS);
    let defaults = Settings::default();
    let mut flag = |name: &str, default: bool| reader.value(node, name, boolean).unwrap_or(default);
    let mut found = Settings {
        enabled: flag("Enabled", defaults.enabled),
        hidden: flag("Hidden", defaults.hidden),
        start_when_available: flag("StartWhenAvailable", defaults.start_when_available),
        not_on_battery: flag("DisallowStartIfOnBatteries", defaults.not_on_battery),
        stop_on_battery: flag("StopIfGoingOnBatteries", defaults.stop_on_battery),
        only_if_idle: flag("RunOnlyIfIdle", defaults.only_if_idle),
        only_with_network: flag("RunOnlyIfNetworkAvailable", defaults.only_with_network),
        wake: flag("WakeToRun", defaults.wake),
        on_demand: flag("AllowStartOnDemand", defaults.on_demand),
        hard_terminate: flag("AllowHardTerminate", defaults.hard_terminate),
        volatile: flag("Volatile", defaults.volatile),
        ..defaults
    };
    if let Some(policy) = reader.value(node, "MultipleInstancesPolicy", InstancesPolicy::parse) {
        found.instances = policy;
    }
    if let Some(limit) = reader.value(node, "ExecutionTimeLimit", Span::parse) {
        found.time_limit = (!limit.is_zero()).then_some(limit);
    }
    if let Some(priority) = reader.value(node, "Priority", |text| text.parse().ok()) {
        found.priority = priority;
    }
    found.delete_expired_after = reader.value(node, "DeleteExpiredTaskAfter", Span::parse);
    found.network = child(node, "NetworkSettings").and_then(|network| child_text(network, "Name"));
    if let Some(restart) = child(node, "RestartOnFailure") {
        let interval = reader.value(restart, "Interval", Span::parse);
        let count = reader.value(restart, "Count", |text| text.parse().ok());
        found.restart = count.zip(interval);
    }
    if let Some(idle) = child(node, "IdleSettings") {
        found.idle.duration = reader.value(idle, "Duration", Span::parse).or(found.idle.duration);
        found.idle.wait = reader.value(idle, "WaitTimeout", Span::parse).or(found.idle.wait);
        found.idle.stop_on_end = reader.value(idle, "StopOnIdleEnd", boolean).unwrap_or(found.idle.stop_on_end);
        found.idle.restart = reader.value(idle, "RestartOnIdle", boolean).unwrap_or(false);
    }
    if let Some(maintenance) = child(node, "MaintenanceSettings") {
        found.maintenance = reader.value(maintenance, "Period", Span::parse).map(|period| Maintenance {
            period,
            deadline: child_text(maintenance, "Deadline").and_then(|deadline| Span::parse(&deadline)),
            exclusive: child_text(maintenance, "Exclusive").and_then(|text| boolean(&text)).unwrap_or(false),
        });
    }
    found
}

fn action(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Action {
    let get = |name: &str| child_text(node, name);
    match node.tag_name().name() {
        "Exec" => {
            reader.unknown(node, &["Command", "Arguments", "WorkingDirectory"]);
            let command = get("Command");
            if command.is_none() {
                reader.warn("an action has no command");
            }
            Action::Exec {
                command: command.unwrap_or_default(),
                arguments: get("Arguments"),
                working_directory: get("WorkingDirectory"),
                input: None,
            }
        }
        "ComHandler" => Action::ComHandler { class_id: get("ClassId").unwrap_or_default(), data: get("Data") },
        "SendEmail" => Action::SendEmail { to: get("To"), subject: get("Subject") },
        "ShowMessage" => Action::ShowMessage { title: get("Title"), body: get("Body") },
        other => {
            reader.warn(format!("unknown action {other}"));
            Action::Unknown { name: other.to_owned(), text: text(node) }
        }
    }
}
