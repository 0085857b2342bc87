//! The Task Scheduler's own codes (Task Scheduler Error and Success Constants).

use windows_sys::Win32::Foundation as windows;

use super::{Known, Outcome};

/// The value is Windows' constant of that name, so neither can be mistyped.
macro_rules! codes {
    ($($name:ident $outcome:ident $words:literal)*) => {
        &[$(Known { code: windows::$name.cast_unsigned(), name: stringify!($name), outcome: Outcome::$outcome, words: $words }),*]
    };
}

pub(super) const CODES: &[Known] = codes![
    SCHED_S_TASK_READY NotYetRun "ready, and has not run yet"
    SCHED_S_TASK_RUNNING Running "it runs"
    SCHED_S_TASK_DISABLED Disabled "it is switched off"
    SCHED_S_TASK_HAS_NOT_RUN NotYetRun "has never run"
    SCHED_S_TASK_NO_MORE_RUNS NoMoreRuns "ran, and has no more runs to come"
    SCHED_S_TASK_NOT_SCHEDULED Misconfigured "what is needed to schedule it is not set"
    SCHED_S_TASK_TERMINATED Terminated "the last run was ended by a user or by its time limit"
    SCHED_S_TASK_NO_VALID_TRIGGERS Misconfigured "it has no trigger, or all are switched off or not set"
    SCHED_S_EVENT_TRIGGER NotYetRun "its trigger waits for an event: it has no run times"
    SCHED_S_SOME_TRIGGERS_FAILED Misconfigured "it is registered, but not with all of its triggers"
    SCHED_S_BATCH_LOGON_PROBLEM Misconfigured "it is registered, but its account may lack the right to log on as a batch job"
    SCHED_S_TASK_QUEUED Queued "it waits for another instance to end"
    SCHED_E_TRIGGER_NOT_FOUND Failed "a trigger of it was not found"
    SCHED_E_TASK_NOT_READY Misconfigured "it is not ready to run: what it needs is not set"
    SCHED_E_TASK_NOT_RUNNING Failed "no instance of it runs"
    SCHED_E_SERVICE_NOT_INSTALLED Failed "the Task Scheduler service is not installed"
    SCHED_E_CANNOT_OPEN_TASK Failed "the task could not be opened"
    SCHED_E_INVALID_TASK Misconfigured "the task is damaged or not valid"
    SCHED_E_ACCOUNT_INFORMATION_NOT_SET Misconfigured "no account is set for it"
    SCHED_E_ACCOUNT_NAME_NOT_FOUND Misconfigured "its account does not exist"
    SCHED_E_ACCOUNT_DBASE_CORRUPT Failed "the scheduler's store of accounts is damaged"
    SCHED_E_NO_SECURITY_SERVICES Failed "the scheduler's security services are not available"
    SCHED_E_UNKNOWN_OBJECT_VERSION Misconfigured "the task was made by another version of the scheduler, or is damaged"
    SCHED_E_UNSUPPORTED_ACCOUNT_OPTION Misconfigured "its account and its options do not fit together"
    SCHED_E_SERVICE_NOT_RUNNING Failed "the Task Scheduler service does not run"
    SCHED_E_UNEXPECTEDNODE Misconfigured "its definition has an element that is not expected"
    SCHED_E_NAMESPACE Misconfigured "its definition has another namespace than the scheduler's"
    SCHED_E_INVALIDVALUE Misconfigured "its definition has a value that is out of range or in a wrong format"
    SCHED_E_MISSINGNODE Misconfigured "its definition lacks a required element"
    SCHED_E_MALFORMEDXML Misconfigured "its definition is not well-formed"
    SCHED_E_TOO_MANY_NODES Misconfigured "its definition has too many elements of one kind"
    SCHED_E_PAST_END_BOUNDARY NoMoreRuns "its last trigger's end has passed"
    SCHED_E_ALREADY_RUNNING Refused "it was not started: an instance was still running"
    SCHED_E_USER_NOT_LOGGED_ON Held "it was not started: its user was not logged on"
    SCHED_E_INVALID_TASK_HASH Misconfigured "the task's stored form is damaged or was tampered with"
    SCHED_E_SERVICE_NOT_AVAILABLE Failed "the Task Scheduler service is not available"
    SCHED_E_SERVICE_TOO_BUSY Failed "the Task Scheduler service is too busy"
    SCHED_E_TASK_ATTEMPTED Failed "it was started, and did not run: one of its conditions did not hold"
    SCHED_E_TASK_DISABLED Disabled "it is switched off"
    SCHED_E_TASK_NOT_V1_COMPAT Misconfigured "it uses what the oldest scheduler does not have"
    SCHED_E_START_ON_DEMAND Refused "it may not be started by hand"
    SCHED_E_TASK_NOT_UBPM_COMPAT Misconfigured "it uses what the unified scheduling engine does not have"
    SCHED_E_DEPRECATED_FEATURE_USED Misconfigured "it uses a feature that Windows no longer has, such as sending mail"
    SCHED_E_SERVICE_NOT_LOCALSYSTEM Failed "the Task Scheduler service does not run as LocalSystem"
];
