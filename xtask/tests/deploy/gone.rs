//! Every alert rule, with the process gone that records what it asks: Prometheus finds that process no more, so that its
//! series end. Silence must not look well: the rule fires, or another one that is named here.

use std::collections::BTreeSet;

use strongroom_service::metrics::{METRICS, Metric, MetricKind, RecordedBy};
use strongroom_tests::rules::series as one;

use crate::watching::{known, rules};

/// For how many minutes all is well, and for how many more it is played.
const WELL: usize = 10;
const GONE: usize = 110;

/// Each rule, and which one fires where nobody is left who records what it asks.
const GONE_RULES: [(&str, &str); 23] = [
    ("StrongroomSilent", "StrongroomSilent"),
    ("StrongroomProcessDown", "StrongroomRoleGone"),
    ("StrongroomRoleGone", "StrongroomRoleGone"),
    ("StrongroomMissing", "StrongroomBlind"),
    ("StrongroomNoRelay", "StrongroomNoRelay"),
    ("StrongroomManyRelays", "StrongroomNoRelay"),
    ("StrongroomLogAway", "StrongroomSilent"),
    ("StrongroomBlind", "StrongroomBlind"),
    ("StrongroomMailStuck", "StrongroomBlind"),
    ("StrongroomServerAway", "StrongroomRoleGone"),
    ("StrongroomBrokerLost", "StrongroomSilent"),
    ("StrongroomBrokerShaky", "StrongroomSilent"),
    ("StrongroomAlarm", "StrongroomBlind"),
    ("StrongroomStagePaused", "StrongroomRoleGone"),
    ("StrongroomNobodyWorks", "StrongroomNoRelay"),
    ("StrongroomParked", "StrongroomNoRelay"),
    ("StrongroomUnroutable", "StrongroomNoRelay"),
    ("StrongroomRefused", "StrongroomNoRelay"),
    ("StrongroomNeedsAttention", "StrongroomBlind"),
    ("StrongroomRunOverdue", "StrongroomBlind"),
    ("StrongroomFailing", "StrongroomRoleGone"),
    ("StrongroomPanic", "StrongroomRoleGone"),
    ("StrongroomSlowLog", "StrongroomSilent"),
];

#[test]
fn every_rule_has_one_that_fires_where_the_processes_are_gone_that_record_what_it_asks() {
    let named: Vec<_> = rules().iter().map(|rule| rule["alert"].as_str().unwrap().to_owned()).collect();
    let tried: Vec<_> = GONE_RULES.iter().map(|(rule, _)| (*rule).to_owned()).collect();
    let untried: Vec<_> = named.iter().filter(|rule| !tried.contains(rule)).collect();
    assert!(untried.is_empty(), "what fires where the processes are gone that {untried:?} goes by?");
    assert_eq!(named.len(), tried.len(), "a rule that is gone is still named here");
    for rule in rules() {
        let (name, question) = (rule["alert"].as_str().unwrap(), rule["expr"].as_str().unwrap());
        let fires = GONE_RULES.iter().find(|(rule, _)| *rule == name).unwrap().1;
        for gone in recorders(name, question) {
            let firing = firing(&gone.iter().copied().collect());
            assert!(
                firing.contains(fires),
                "{gone:?} are gone; {fires} does not fire in the place of {name}: {firing:?}"
            );
        }
    }
}

#[test]
fn while_everybody_is_there_no_rule_fires() {
    assert_eq!(firing(&BTreeSet::new()), BTreeSet::new());
}

/// Of each metric that a rule asks for, the roles of the processes that record it.
fn recorders(name: &str, question: &str) -> BTreeSet<&'static [&'static str]> {
    let asked = known(name, question);
    let recorded = METRICS.iter().filter(|metric| asked.contains(metric.name)).map(|metric| metric.by.roles());
    // `up` is Prometheus' own, for each process that it was told to find: any one of them.
    recorded.chain(question.contains("up{").then_some(&["archive"][..])).collect()
}

/// The alerts that fire an hour after all was well, where the processes of these roles are gone since.
fn firing(gone: &BTreeSet<&str>) -> BTreeSet<String> {
    let series: String = RecordedBy::Every.roles().iter().map(|role| of_process(role, gone)).collect();
    strongroom_tests::rules::firing(&series)
}

/// What a process of that role records.
fn of_process(role: &str, gone: &BTreeSet<&str>) -> String {
    let minutes = if gone.contains(role) { WELL } else { WELL + GONE };
    let mut text = one(&format!("up{{job=\"strongroom\",instance=\"{role}\"}}"), &format!("1x{minutes}"));
    for metric in METRICS.iter().filter(|metric| metric.by.roles().contains(&role)) {
        match metric.name {
            // What each sees of the others.
            "strongroom_processes" | "strongroom_missing" => {
                for other in RecordedBy::Every.roles() {
                    let labels = format!("instance=\"{role}\",site=\"main\",role=\"{other}\"");
                    text += &one(&format!("{}{{{labels}}}", metric.name), &of_other(metric, other, minutes, gone));
                }
            }
            _ => text += &of_metric(metric, role, minutes),
        }
    }
    text
}

/// What one process sees of those of a role. Nothing waits, so only who is always needed is missing.
fn of_other(metric: &Metric, other: &str, minutes: usize, gone: &BTreeSet<&str>) -> String {
    let is_missed = metric.name == "strongroom_missing";
    let well = u8::from(!is_missed);
    if !gone.contains(other) || minutes == WELL {
        return format!("{well}x{minutes}");
    }
    let now = if is_missed { u8::from(["relay", "notify"].contains(&other)) } else { 0 };
    format!("{well}x{WELL} {now}x{GONE}")
}

fn of_metric(metric: &Metric, role: &str, minutes: usize) -> String {
    let labels: String = metric.labels.iter().map(|label| format!(",{label}=\"{}\"", value_of(label, role))).collect();
    let series = |suffix: &str, more: &str| format!("{}{suffix}{{instance=\"{role}\"{labels}{more}}}", metric.name);
    match metric.kind {
        MetricKind::Histogram { .. } => ["0.1", "+Inf"]
            .map(|bound| one(&series("_bucket", &format!(",le=\"{bound}\"")), &format!("0+100x{minutes}")))
            .concat(),
        MetricKind::Counter => one(&series("", ""), &format!("0x{minutes}")),
        MetricKind::Gauge if metric.name.ends_with("_timestamp_seconds") => {
            one(&series("", ""), &format!("0+60x{minutes}"))
        }
        MetricKind::Gauge => one(&series("", ""), &format!("{}x{minutes}", u8::from(is_one_while_well(metric.name)))),
    }
}

fn is_one_while_well(name: &str) -> bool {
    ["_active", "_connected", "_reachable", "_consumers", "_info"].iter().any(|end| name.ends_with(end))
}

fn value_of(label: &str, role: &str) -> String {
    match label {
        "site" => "main".to_owned(),
        "stage" => role.to_owned(),
        other => format!("some-{other}"),
    }
}
