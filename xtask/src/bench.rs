//! The benchmarks, and what was asked for beside what they measured.

use crate::cargo::{FEATURES, cargo, run as run_command, watch};
use crate::packages;
use crate::steps::{Steps, say};

/// How a benchmark's line begins that has what was asked for in it:
/// `target: <what>: <figure> (<what was asked for>): met`, or `MISSED`.
const TARGET: &str = "target: ";

/// The benchmarks that have parts with names, each with its package and those names. Whoever names parts runs only these.
const NAMED: [(&str, &str, &[&str]); 2] = [
    ("strongroom-tests", "pipeline", &["job", "workers", "scaling", "scale", "backlog", "large", "replay"]),
    ("strongroom-eventlog", "append", &["sqlite", "postgres", "processes", "wake", "read"]),
];

/// Installs what the benchmarks need beyond cargo, builds the program as it is shipped, and runs them.
pub(crate) fn run(steps: &mut Steps, args: &[String]) {
    if !steps.run("packages", packages::install) {
        return;
    }
    // Without the places where a test may kill it.
    steps.run("build", || run_command(&mut cargo(&["build", "--release", "--package", "strongroom"])));
    let mut targets = Vec::new();
    steps.run("bench", || {
        let mut bench = cargo(&["bench"]);
        bench.args(selection(args));
        watch(&mut bench, |line| targets.extend(line.strip_prefix(TARGET).map(ToOwned::to_owned)))?
    });
    show(&targets);
}

/// What `cargo bench` is given: all benchmarks, or the one that has the first part that is named.
fn selection(args: &[String]) -> Vec<&str> {
    let args = || args.iter().map(String::as_str);
    let of = args().find_map(|arg| NAMED.iter().find(|(_, _, parts)| parts.contains(&arg)));
    match of {
        Some((package, bench, _)) => ["--package", package, "--bench", bench, "--"].into_iter().chain(args()).collect(),
        None => ["--workspace", "--features", FEATURES, "--benches"].into_iter().chain(args()).collect(),
    }
}

/// One below the other. A figure that misses what was asked for is not a failure: it is this machine's, and of
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
    fn whoever_names_a_part_runs_only_its_benchmark() {
        let selected = |args: &[&str]| {
            let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
            selection(&args).join(" ")
        };
        assert_eq!(selected(&["scale"]), "--package strongroom-tests --bench pipeline -- scale");
        assert_eq!(selected(&["replay", "--quick"]), "--package strongroom-tests --bench pipeline -- replay --quick");
        assert_eq!(selected(&["read", "wake"]), "--package strongroom-eventlog --bench append -- read wake");
        let all = format!("--workspace --features {FEATURES} --benches");
        assert_eq!(selected(&[]), all);
        assert_eq!(selected(&["--bench", "batch"]), format!("{all} --bench batch"));
    }

    #[test]
    fn a_target_has_a_name_and_a_figure() {
        let target = "memory of fetch with a file of 10 GiB: 31.00 MiB (at most 100): met";
        assert_eq!(columns(target), ("memory of fetch with a file of 10 GiB", "31.00 MiB (at most 100): met"));
    }
}
