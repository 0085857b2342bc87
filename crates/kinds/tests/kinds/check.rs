//! `check`, with plugins of our own in Nagios's form.

use serde_json::json;

use crate::rig::Job;

fn job(script: &str) -> Job {
    let mut job = Job::new("check");
    job.config = json!({"argv": [job.script("check_it", script), "-w", "10%"]});
    job
}

#[test]
fn the_four_codes_are_the_four_outcomes_and_the_first_line_is_the_sentence() {
    for (code, outcome) in
        [(0, "done"), (1, "partial"), (2, "failed"), (3, "obstructed"), (4, "failed"), (127, "failed")]
    {
        let run = job(&format!("echo \"DISK $2 left | /=10%;20;30\"; echo more; exit {code}")).run();
        assert_eq!(run.outcome(), outcome, "{code}");
        assert!(run.report.sentence.starts_with("DISK 10% left"), "{}", run.report.sentence);
        assert!(run.text.contains("figures: /=10%;20;30"));
    }
}

#[test]
fn a_check_that_says_nothing_is_said_to() {
    assert_eq!(job("exit 2").run().report.sentence, "The check said nothing (code 2).");
}

#[test]
fn control_characters_and_long_lines_are_made_safe() {
    let run = job("printf '\\033[31mred\\n'; exit 0").run();
    assert_eq!(run.report.sentence, r"\u{1b}[31mred");
    let run = job("head -c 100000 /dev/zero | tr '\\0' x").run();
    assert!(run.report.sentence.chars().count() <= 300);
}

#[test]
fn a_check_that_is_not_there_is_named() {
    let mut job = Job::new("check");
    job.config = json!({"argv": ["/nowhere/check_disk"]});
    assert_eq!(job.validate().pointers(), ["/argv/0"]);
    assert_eq!(job.run().cause(), "tool-missing");
    job.config = json!({"argv": []});
    assert_eq!(job.validate().pointers(), ["/argv"]);
}
