//! Which alert rules fire on what was scraped: promtool plays it on for an hour.

use std::fmt::Write as _;
use std::process::Command;

use strongroom_tests::schemas::workspace_root;

use super::look::Scraped;

/// For how many minutes things were as before, and are as they are now.
const BEFORE: usize = 10;
const NOW: usize = 110;

/// How old a time may be that is shown as a metric, for it to be one that moves on, in seconds.
const FRESH_S: f64 = 30.0;

/// The names of the alerts that fire an hour later, a line each.
pub(super) fn firing(before: &[Scraped], now: &[Scraped]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("played.yml");
    let rules = workspace_root().join("deploy/prometheus/alerts.yml");
    let series: String = now.iter().map(|now| of_instance(before, now)).collect();
    let text = format!(
        "rule_files: [{}]\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n{series}    promql_expr_test:\n      \
         - expr: count by (alertname) (ALERTS{{alertstate=\"firing\"}})\n        eval_time: 1h\n        exp_samples: []\n",
        rules.display()
    );
    std::fs::write(&file, text).unwrap();
    let ended = Command::new("promtool").args(["test", "rules"]).arg(&file).output();
    let ended = ended.expect("promtool runs: Debian's package prometheus has it");
    let said = [ended.stdout, ended.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    let names = said.split("alertname=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let names: Vec<_> = names.collect();
    if names.is_empty() { said } else { names.join("\n") }
}

fn of_instance(before: &[Scraped], now: &Scraped) -> String {
    let instance = now.instance;
    let up = u8::from(now.series.is_some());
    let mut text = one(&format!("up{{job=\"strongroom\",instance=\"{instance}\"}}"), &format!("1x{BEFORE} {up}x{NOW}"));
    let empty = std::collections::BTreeMap::new();
    let was = before.iter().find(|scraped| scraped.instance == instance).and_then(|scraped| scraped.series.as_ref());
    let (was, is) = (was.unwrap_or(&empty), now.series.as_ref());
    for series in was.keys().chain(is.unwrap_or(&empty).keys().filter(|series| !was.contains_key(*series))) {
        let (was, is) = (was.get(series).copied(), is.and_then(|is| is.get(series).copied()));
        text += &one(&labelled(series, instance), &values(series, was, is));
    }
    text
}

fn values(series: &str, was: Option<f64>, is: Option<f64>) -> String {
    let name = series.split('{').next().unwrap_or_default();
    if name.ends_with("_timestamp_seconds") {
        // Told from the start of what is played. One that stands still is old by then.
        #[expect(clippy::disallowed_methods, reason = "what is scraped is of the host's time")]
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
        return match is {
            None => format!("0+60x{BEFORE}"),
            Some(at) if (now - at).abs() < FRESH_S => format!("0+60x{}", BEFORE + NOW),
            Some(_) => format!("0+60x{BEFORE} 600x{NOW}"),
        };
    }
    let shown = |value: Option<f64>, times: usize| match value.filter(|value| value.is_finite()) {
        Some(value) => format!("{value}x{times}"),
        None => format!("_x{times}"),
    };
    match (was, is) {
        // A counter goes on as it does.
        (was, Some(is)) if name.ends_with("_total") => {
            let was = was.unwrap_or(0.0);
            format!("{was}x{BEFORE} {was}+{}x{NOW}", (is - was).max(0.0))
        }
        _ => format!("{} {}", shown(was, BEFORE), shown(is, NOW)),
    }
}

fn labelled(series: &str, instance: &str) -> String {
    match series.split_once('{') {
        Some((name, labels)) => format!("{name}{{instance=\"{instance}\",{labels}"),
        None => format!("{series}{{instance=\"{instance}\"}}"),
    }
}

fn one(series: &str, values: &str) -> String {
    let mut text = String::new();
    let _ = write!(text, "      - series: '{series}'\n        values: '{values}'\n");
    text
}
