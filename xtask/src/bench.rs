//! The benchmarks, and what was asked for beside what they measured.

use crate::cargo::{cargo, run as run_command, watch};
use crate::packages;
use crate::steps::{Steps, say};

/// How a benchmark's line begins that has what was asked for in it:
/// `target: <what>: <figure> (<what was asked for>): met`, or `MISSED`.
const TARGET: &str = "target: ";

/// Installs what the benchmarks need beyond cargo, builds the program as it is shipped, and runs them.
pub(crate) fn run(steps: &mut Steps, args: &[String]) {
    if !steps.run("packages", packages::install) {
        return;
    }
    // Without the places where a test may kill it.
    steps.run("build", || run_command(&mut cargo(&["build", "--release", "--package", "strongroom"])));
    let mut targets = Vec::new();
    steps.run("bench", || {
        let mut bench = cargo(&["bench", "--workspace", "--all-features", "--benches"]);
        watch(bench.args(args), |line| targets.extend(line.strip_prefix(TARGET).map(ToOwned::to_owned)))?
    });
    show(&targets);
}

/// One below the other. A figure that misses what was asked for is no failure: it is this machine's, and of
/// this moment.
fn show(targets: &[String]) {
    if targets.is_empty() {
        return;
    }
    say("");
    let rows: Vec<_> = targets.iter().map(|target| columns(target)).collect();
    let width = rows.iter().map(|(what, _)| what.chars().count()).max().unwrap_or_default();
    for (what, figure) in rows {
        say(&format!("{what:<width$}  {figure}"));
    }
}

/// What was measured, and how it stands. What was measured may hold anything but a colon.
fn columns(target: &str) -> (&str, &str) {
    target.split_once(": ").unwrap_or((target, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_has_a_name_and_a_figure() {
        let target = "memory of fetch with a file of 10 GiB: 31.00 MiB (at most 100): met";
        assert_eq!(columns(target), ("memory of fetch with a file of 10 GiB", "31.00 MiB (at most 100): met"));
    }
}
