//! `definitions`, `triggers` and `actions`.

use serde::Serialize;

use super::parts::{action, calendar, joined, span, yes};
use crate::collection::{Collection, Entry};
use crate::restore_needs;
use crate::task::{Principal, Task, Trigger};
use crate::words::{task_words, trigger_words};

/// One task. The first four columns are those of the report that this one replaces: `interval` holds words, and `path`
/// the command. Columns of triggers and actions tell the first one's; the others are in tables of their own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[expect(missing_docs, reason = "the columns' names are their documentation; docs/tasks.md explains them")]
pub struct DefinitionRow {
    pub name: String,
    pub description: Option<String>,
    pub interval: String,
    pub path: Option<String>,
    pub host: Option<String>,
    pub task_path: String,
    pub uri: Option<String>,
    pub version: Option<String>,
    pub file: String,
    pub sha256: String,
    pub encoding_found: String,
    pub author: Option<String>,
    pub registered: Option<String>,
    pub trigger_count: usize,
    pub trigger_kinds: String,
    pub trigger_words: String,
    pub first_start: Option<String>,
    pub end: Option<String>,
    pub repeat_every: Option<String>,
    pub repeat_for: Option<String>,
    pub random_delay: Option<String>,
    pub delay: Option<String>,
    pub days_interval: Option<u32>,
    pub weeks_interval: Option<u32>,
    pub days_of_week: Option<String>,
    pub days_of_month: Option<String>,
    pub weeks_of_month: Option<String>,
    pub months: Option<String>,
    pub event_query: Option<String>,
    pub user_filter: Option<String>,
    pub action_count: usize,
    pub action_kinds: String,
    pub command: Option<String>,
    pub arguments: Option<String>,
    pub working_directory: Option<String>,
    pub com_class: Option<String>,
    pub principal: Option<String>,
    pub sid: Option<String>,
    pub account: Option<String>,
    pub group: Option<String>,
    pub logon_type: Option<String>,
    pub run_level: Option<&'static str>,
    pub needs_password: &'static str,
    pub enabled: &'static str,
    pub hidden: &'static str,
    pub multiple_instances: &'static str,
    pub execution_time_limit: Option<String>,
    pub start_when_available: &'static str,
    pub on_battery: &'static str,
    pub stop_on_battery: &'static str,
    pub idle_only: &'static str,
    pub network_only: &'static str,
    pub wake: &'static str,
    pub restart_every: Option<String>,
    pub restart_count: Option<u32>,
    pub delete_expired_after: Option<String>,
    pub maintenance_period: Option<String>,
    pub maintenance_deadline: Option<String>,
    pub priority: Option<u8>,
    pub sddl: Option<String>,
    pub referenced_files: String,
    pub missing_files: String,
    pub restore_needs: String,
    pub warnings: String,
}

/// One trigger of a task.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[expect(missing_docs, reason = "the columns' names are their documentation; docs/tasks.md explains them")]
pub struct TriggerRow {
    pub host: Option<String>,
    pub task_path: String,
    pub number: usize,
    pub kind: String,
    pub enabled: &'static str,
    pub words: String,
    pub start: Option<String>,
    pub end: Option<String>,
    pub repeat_every: Option<String>,
    pub repeat_for: Option<String>,
    pub random_delay: Option<String>,
    pub delay: Option<String>,
    pub execution_time_limit: Option<String>,
    pub days_interval: Option<u32>,
    pub weeks_interval: Option<u32>,
    pub days_of_week: Option<String>,
    pub days_of_month: Option<String>,
    pub weeks_of_month: Option<String>,
    pub months: Option<String>,
    pub event_query: Option<String>,
    pub user_filter: Option<String>,
}

/// One action of a task.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[expect(missing_docs, reason = "the columns' names are their documentation; docs/tasks.md explains them")]
pub struct ActionRow {
    pub host: Option<String>,
    pub task_path: String,
    pub number: usize,
    pub kind: String,
    pub command: Option<String>,
    pub arguments: Option<String>,
    pub working_directory: Option<String>,
    pub com_class: Option<String>,
    pub data: Option<String>,
}

pub(super) fn triggers<'a>(collection: &'a Collection, entry: &'a Entry) -> impl Iterator<Item = TriggerRow> + 'a {
    entry.task.triggers.iter().enumerate().map(|(index, trigger)| {
        let cells = calendar(&trigger.schedule);
        TriggerRow {
            host: collection.host.clone(),
            task_path: entry.task.path.clone(),
            number: index + 1,
            kind: trigger.schedule.kind().to_owned(),
            enabled: yes(trigger.enabled),
            words: trigger_words(trigger),
            start: trigger.start.as_ref().map(ToString::to_string),
            end: trigger.end.as_ref().map(ToString::to_string),
            repeat_every: trigger.repetition.map(|repetition| repetition.interval.iso()),
            repeat_for: trigger.repetition.and_then(|repetition| span(repetition.duration)),
            random_delay: span(trigger.random_delay),
            delay: span(trigger.delay),
            execution_time_limit: span(trigger.time_limit),
            days_interval: cells.days_interval,
            weeks_interval: cells.weeks_interval,
            days_of_week: cells.days_of_week,
            days_of_month: cells.days_of_month,
            weeks_of_month: cells.weeks_of_month,
            months: cells.months,
            event_query: cells.event_query,
            user_filter: cells.user_filter,
        }
    })
}

pub(super) fn actions<'a>(collection: &'a Collection, entry: &'a Entry) -> impl Iterator<Item = ActionRow> + 'a {
    entry.task.actions.iter().enumerate().map(|(index, found)| {
        let cells = action(Some(found));
        ActionRow {
            host: collection.host.clone(),
            task_path: entry.task.path.clone(),
            number: index + 1,
            kind: found.kind().to_owned(),
            command: cells.command,
            arguments: cells.arguments,
            working_directory: cells.working_directory,
            com_class: cells.com_class,
            data: cells.data,
        }
    })
}

pub(super) fn definition(collection: &Collection, entry: &Entry) -> DefinitionRow {
    let row = identity(collection, entry);
    let row = with_trigger(row, &entry.task);
    let row = with_actions(row, &entry.task);
    // What is not known is empty, not a default.
    let row = if entry.task.is_defined() { with_settings(row, &entry.task) } else { row };
    with_restore(row, entry)
}

fn identity(collection: &Collection, entry: &Entry) -> DefinitionRow {
    let task = &entry.task;
    DefinitionRow {
        name: task.name().to_owned(),
        description: task.description.clone(),
        interval: task_words(task),
        host: collection.host.clone(),
        task_path: task.path.clone(),
        uri: task.uri.clone(),
        version: task.version.clone(),
        file: task.origin.file.clone(),
        sha256: task.origin.sha256.clone(),
        encoding_found: task.origin.encoding.clone(),
        author: task.author.clone(),
        registered: task.registered.as_ref().map(ToString::to_string),
        sddl: entry.sddl.clone().or_else(|| task.security.clone()),
        warnings: joined(&task.warnings),
        ..DefinitionRow::default()
    }
}

fn with_trigger(row: DefinitionRow, task: &Task) -> DefinitionRow {
    let first: Option<&Trigger> = task.triggers.first();
    let repetition = first.and_then(|trigger| trigger.repetition);
    let cells = first.map(|trigger| calendar(&trigger.schedule)).unwrap_or_default();
    DefinitionRow {
        trigger_count: task.triggers.len(),
        trigger_kinds: joined(task.triggers.iter().map(|trigger| trigger.schedule.kind())),
        trigger_words: task_words(task),
        first_start: first.and_then(|trigger| trigger.start.as_ref()).map(ToString::to_string),
        end: first.and_then(|trigger| trigger.end.as_ref()).map(ToString::to_string),
        repeat_every: repetition.map(|repetition| repetition.interval.iso()),
        repeat_for: repetition.and_then(|repetition| span(repetition.duration)),
        random_delay: first.and_then(|trigger| span(trigger.random_delay)),
        delay: first.and_then(|trigger| span(trigger.delay)),
        days_interval: cells.days_interval,
        weeks_interval: cells.weeks_interval,
        days_of_week: cells.days_of_week,
        days_of_month: cells.days_of_month,
        weeks_of_month: cells.weeks_of_month,
        months: cells.months,
        event_query: cells.event_query,
        user_filter: cells.user_filter,
        ..row
    }
}

fn with_actions(row: DefinitionRow, task: &Task) -> DefinitionRow {
    let cells = action(task.actions.first());
    DefinitionRow {
        path: cells.command.clone(),
        action_count: task.actions.len(),
        action_kinds: joined(task.actions.iter().map(|action| action.kind())),
        command: cells.command,
        arguments: cells.arguments,
        working_directory: cells.working_directory,
        com_class: cells.com_class,
        ..row
    }
}

fn with_settings(row: DefinitionRow, task: &Task) -> DefinitionRow {
    let settings = &task.settings;
    let principal: Option<&Principal> = task.principals.first();
    let maintenance = settings.maintenance.as_ref();
    DefinitionRow {
        principal: principal.and_then(|principal| principal.id.clone()),
        sid: principal.and_then(Principal::sid).map(str::to_owned),
        account: principal.filter(|principal| principal.sid().is_none()).and_then(|principal| principal.user.clone()),
        group: principal.and_then(|principal| principal.group.clone()),
        logon_type: principal.and_then(|principal| principal.logon.as_ref()).map(|logon| logon.name().to_owned()),
        run_level: principal.map(|principal| if principal.elevated { "HighestAvailable" } else { "LeastPrivilege" }),
        needs_password: yes(task.principals.iter().any(Principal::needs_password)),
        enabled: yes(settings.enabled),
        hidden: yes(settings.hidden),
        multiple_instances: settings.instances.name(),
        execution_time_limit: span(settings.time_limit),
        start_when_available: yes(settings.start_when_available || settings.persistent),
        on_battery: yes(!settings.not_on_battery),
        stop_on_battery: yes(settings.stop_on_battery),
        idle_only: yes(settings.only_if_idle),
        network_only: yes(settings.only_with_network),
        wake: yes(settings.wake),
        restart_every: settings.restart.map(|(_, every)| every.iso()),
        restart_count: settings.restart.map(|(count, _)| count),
        delete_expired_after: span(settings.delete_expired_after),
        maintenance_period: maintenance.map(|maintenance| maintenance.period.iso()),
        maintenance_deadline: maintenance.and_then(|maintenance| span(maintenance.deadline)),
        priority: Some(settings.priority),
        ..row
    }
}

fn with_restore(row: DefinitionRow, entry: &Entry) -> DefinitionRow {
    let missing = entry.files.iter().filter(|file| file.exists == Some(false));
    DefinitionRow {
        referenced_files: joined(entry.files.iter().map(|file| &file.path)),
        missing_files: joined(missing.map(|file| &file.path)),
        restore_needs: joined(restore_needs(&entry.task)),
        ..row
    }
}
