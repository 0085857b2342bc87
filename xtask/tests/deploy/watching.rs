//! Prometheus' rules and Grafana's dashboard, against the table of metrics in the code.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use strongroom_service::metrics::{METRICS, Metric, MetricKind};

use crate::tree;

pub(crate) fn promtool() -> std::process::Command {
    tree::tool("promtool", "prometheus")
}

#[test]
fn prometheus_takes_its_configuration_and_the_rules_hold_in_their_tests() {
    tree::succeeds(promtool().args(["check", "config", "prometheus/prometheus.yml"]));
    tree::succeeds(promtool().args(["check", "rules", "prometheus/alerts.yml"]));
    let said = tree::succeeds(promtool().args(["test", "rules", "prometheus/alerts.test.yml"]));
    assert!(said.contains("SUCCESS"), "{said}");
}

pub(crate) fn rules() -> Vec<Value> {
    let groups = tree::yaml("prometheus/alerts.yml").remove(0);
    groups["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

#[test]
fn every_rule_says_what_to_do_and_is_tried() {
    let tests = tree::read("prometheus/alerts.test.yml");
    for rule in rules() {
        let name = rule["alert"].as_str().unwrap();
        assert!(["critical", "warning"].iter().any(|severity| rule["labels"]["severity"] == *severity), "{name}");
        assert!(rule["annotations"]["summary"].is_string() && rule["annotations"]["description"].is_string(), "{name}");
        assert!(tests.contains(name), "alerts.test.yml tries no {name}");
    }
}

fn dashboard() -> Value {
    serde_json::from_str(&tree::read("grafana/strongroom.json")).unwrap()
}

/// The panels that show something, with their questions.
fn panels(dashboard: &Value) -> Vec<(String, Vec<String>)> {
    let panels = dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row");
    let questions = |panel: &Value| -> Vec<String> {
        let targets = panel["targets"].as_array().unwrap();
        targets.iter().map(|target| target["expr"].as_str().unwrap().to_owned()).collect()
    };
    panels.map(|panel| (panel["title"].as_str().unwrap().to_owned(), questions(panel))).collect()
}

/// The metric that a series belongs to: a histogram has several.
fn metric(series: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| match metric.kind {
        MetricKind::Histogram { .. } => {
            ["_bucket", "_sum", "_count"].iter().any(|end| series.strip_suffix(end) == Some(metric.name))
        }
        MetricKind::Counter | MetricKind::Gauge => metric.name == series,
    })
}

/// The series of ours that a question names, each with the labels that it is picked by.
fn series(question: &str) -> Vec<(String, Vec<String>)> {
    let of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let starts = question.match_indices("strongroom_").filter(|(at, _)| !question[..*at].ends_with(of_name));
    starts
        .map(|(at, _)| {
            let rest = &question[at..];
            let (name, after) = rest.split_at(rest.find(|c| !of_name(c)).unwrap_or(rest.len()));
            let braces = after.strip_prefix('{').and_then(|inner| Some(inner.split_once('}')?.0)).unwrap_or_default();
            let labels = braces
                .split(',')
                .filter_map(|part| Some(part.split_once('=')?.0.trim_end_matches('!').trim().to_owned()));
            (name.to_owned(), labels.collect())
        })
        .collect()
}

/// The metrics that questions are about; a question about what nobody records fails.
pub(crate) fn known(place: &str, question: &str) -> BTreeSet<&'static str> {
    let named = series(question).into_iter().map(|(name, labels)| {
        let metric = metric(&name).unwrap_or_else(|| panic!("{place}: {name} is in no table"));
        for label in labels {
            assert!(metric.labels.contains(&label.as_str()), "{place}: {name} has no label {label}");
        }
        metric.name
    });
    named.collect()
}

#[test]
fn every_metric_that_is_asked_for_is_recorded() {
    for rule in rules() {
        known(rule["alert"].as_str().unwrap(), rule["expr"].as_str().unwrap());
    }
    for (title, questions) in panels(&dashboard()) {
        for question in questions {
            assert!(!known(&title, &question).is_empty(), "{title}: {question}");
        }
    }
    for (name, _) in series(&tree::read("prometheus/alerts.test.yml")) {
        assert!(metric(&name).is_some(), "alerts.test.yml: {name} is in no table");
    }
}

#[test]
fn the_dashboard_shows_every_metric_and_the_rules_watch_those_that_mean_trouble() {
    let shown: BTreeSet<_> = panels(&dashboard())
        .iter()
        .flat_map(|(title, questions)| questions.iter().flat_map(|question| known(title, question)).collect::<Vec<_>>())
        .collect();
    let all: BTreeSet<_> = METRICS.iter().map(|metric| metric.name).collect();
    assert_eq!(all.difference(&shown).collect::<Vec<_>>(), Vec::<&&str>::new(), "shown on no panel");
    let watched: BTreeSet<_> =
        rules().iter().flat_map(|rule| known("a rule", rule["expr"].as_str().unwrap())).collect();
    for name in [
        "strongroom_alarms_raised",
        "strongroom_bookings",
        "strongroom_broker_connected",
        "strongroom_broker_reconnects_total",
        "strongroom_build_info",
        "strongroom_figures_timestamp_seconds",
        "strongroom_last_run_timestamp_seconds",
        "strongroom_log_append_duration_seconds",
        "strongroom_log_reachable",
        "strongroom_mail_failing",
        "strongroom_missing",
        "strongroom_parked_messages",
        "strongroom_processes",
        "strongroom_queue_consumers",
        "strongroom_queue_ready",
        "strongroom_relay_active",
        "strongroom_relay_refused_total",
        "strongroom_relay_unroutable_total",
        "strongroom_server_reachable",
        "strongroom_signs_timestamp_seconds",
        "strongroom_stage_paused",
        "strongroom_tasks_total",
    ] {
        assert!(watched.contains(name), "no rule watches {name}");
    }
}

/// Prometheus reads the dashboard's questions, as the rules of a group.
#[test]
fn every_question_of_the_dashboard_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut rules = Vec::new();
    for (title, questions) in panels(&dashboard()) {
        for question in questions {
            let question = question.replace("$__rate_interval", "1m").replace("$site", ".*");
            assert!(!question.contains('$'), "{title}: a variable that Grafana does not know");
            rules.push(serde_json::json!({ "record": format!("question:{}", rules.len()), "expr": question }));
        }
    }
    let file = folder.path().join("questions.yml");
    // JSON is YAML as well.
    fs::write(&file, serde_json::json!({ "groups": [{ "name": "dashboard", "rules": rules }] }).to_string()).unwrap();
    tree::succeeds(promtool().args(["check", "rules"]).arg(&file));
}

#[test]
fn the_dashboard_is_laid_out_and_asks_the_source_that_is_chosen() {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "each panel has its own number");
    let mut taken = BTreeSet::new();
    for panel in panels {
        let place = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
        let [x, y, w, h] = place;
        assert!(x + w <= 24, "{place:?}");
        for cell in (x..x + w).flat_map(|column| (y..y + h).map(move |row| (column, row))) {
            assert!(taken.insert(cell), "two panels at {cell:?}");
        }
        let of_panel =
            panel["targets"].as_array().into_iter().flatten().chain((panel["type"] != "row").then_some(panel));
        for asks in of_panel {
            assert_eq!(asks["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
        }
    }
}
