//! Which alert rules fire on what promtool plays to them.

use std::collections::BTreeSet;
use std::process::Command;

use crate::schemas::workspace_root;

/// A series and its values, in promtool's own notation.
pub fn series(name: &str, values: &str) -> String {
    format!("      - series: '{name}'\n        values: '{values}'\n")
}

/// The names of the alerts that fire after an hour of these series, one value a minute.
pub fn firing(series: &str) -> BTreeSet<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("played.yml");
    let text = format!(
        "rule_files: [{}]\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n{series}    promql_expr_test:\n      \
         - expr: count by (alertname) (ALERTS{{alertstate=\"firing\"}})\n        eval_time: 1h\n        exp_samples: []\n",
        workspace_root().join("deploy/prometheus/alerts.yml").display()
    );
    std::fs::write(&file, text).unwrap();
    let ended = Command::new("promtool").args(["test", "rules"]).arg(&file).output();
    let ended = ended.expect("promtool runs: Debian's package prometheus has it");
    let said = String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned();
    let names: BTreeSet<_> =
        said.split("alertname=\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect();
    assert!(ended.status.success() == names.is_empty(), "{said}");
    names
}
