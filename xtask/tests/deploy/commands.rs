//! Every command line of the program, in `deploy/`, on every page and in the program's own help, is one that it takes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::{cron, kubernetes, tree, units};

/// A line for the shell, and where it stands.
type Line = (String, String);

fn of_units(lines: &mut Vec<Line>) {
    for file in tree::files_like("systemd/", ".service") {
        let unit = tree::read(&file);
        let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
        // As systemd reads it: its own signs are doubled to be the shell's.
        let start = start.replace("%%", "%").replace("$$", "$");
        if !start.contains("%i") {
            lines.push((file, start));
            continue;
        }
        let instances = units::WORKERS.map(|worker| (file.clone(), start.replace("%i", worker)));
        lines.extend(instances);
    }
}

fn of_cron(lines: &mut Vec<Line>) {
    for file in tree::files_like("cron/", "") {
        let command = cron::line(&file).command;
        lines.push((file, command));
    }
}

fn words(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().map(|word| word.as_str().unwrap()).collect()
}

/// A command that the image's entry point is given.
fn quoted(args: &[&str]) -> String {
    args.iter().fold("strongroom".to_owned(), |line, arg| format!("{line} '{arg}'"))
}

fn of_compose(lines: &mut Vec<Line>) {
    let compose = &tree::yaml("compose/compose.yaml")[0];
    for (name, service) in compose["services"].as_object().unwrap() {
        let command = words(&service["command"]);
        if command.is_empty() {
            continue;
        }
        let line =
            if words(&service["entrypoint"]) == ["/bin/sh", "-c"] { command[0].to_owned() } else { quoted(&command) };
        lines.push((format!("compose/compose.yaml, {name}"), line));
    }
}

fn of_kubernetes(lines: &mut Vec<Line>) {
    for file in tree::files_like("kubernetes/", ".yaml") {
        for manifest in tree::yaml(&file) {
            let pods = kubernetes::pods(&manifest);
            let containers = pods.iter().flat_map(|pod| pod["containers"].as_array().unwrap());
            lines.extend(containers.map(|container| (file.clone(), quoted(&words(&container["args"])))));
        }
    }
}

/// The lines of a page's examples that call the program, as root or as its own user as well. What a line starts in the
/// background is a call of its own.
fn of_page(page: &str, lines: &mut Vec<Line>) {
    let text = fs::read_to_string(tree::root().join(page)).unwrap();
    let examples = text.split("\n```").skip(1).step_by(2).filter_map(|example| example.strip_prefix("sh\n"));
    for line in examples.flat_map(str::lines) {
        let line = line.split(" #").next().unwrap_or(line);
        for part in line.split(" &").map(str::trim) {
            let call = ["", "sudo ", "sudo -u strongroom "]
                .iter()
                .find_map(|before| part.strip_prefix(before)?.strip_prefix("strongroom "));
            lines.extend(call.map(|call| (page.to_owned(), format!("strongroom {call}"))));
        }
    }
}

/// What pages mention within a sentence, such as `strongroom retry`: flags and verbs, not always whole commands.
/// Placeholders with a form, such as `SIZE:ROOT`, are left out.
fn mentions(page: &Path) -> Vec<Line> {
    let text = fs::read_to_string(page).unwrap();
    let mentioned = text.split('`').filter(|part| part.starts_with("strongroom ") && !part.contains('\n'));
    let command = |line: &str| line.split(" > ").next().unwrap_or(line).replace(['…', '|'], "");
    mentioned.map(|line| (page.display().to_string(), command(line))).filter(|(_, line)| !line.contains(':')).collect()
}

/// The verbs below a verb, as its help lists them.
fn help(args: &[&str]) -> String {
    let output = Command::new(strongroom_tests::program::path()).args(args).arg("--help").output().unwrap();
    assert!(output.status.success(), "{args:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The examples in the help of every verb, without what stands behind them.
fn of_help(args: &[&str], lines: &mut Vec<Line>) {
    let text = help(args);
    let example = |line: &str| {
        let call = line.strip_prefix("  strongroom ")?;
        let call = call.split("  ").next().unwrap_or(call);
        Some(format!("strongroom {}", call.split(" > ").next().unwrap_or(call)))
    };
    let place = format!("strongroom {} --help", args.join(" "));
    let examples = text.lines().filter_map(example).filter(|line| !line.contains("VERB") && !line.contains(" | "));
    // What a line starts in the background is a call of its own.
    let calls = examples.flat_map(|line| line.split(" &").map(|call| call.trim().to_owned()).collect::<Vec<_>>());
    lines.extend(calls.filter(|call| !call.is_empty()).map(|call| (place.clone(), call)));
    let listed = text.split("Verbs:\n").nth(1).or_else(|| text.split("Commands:\n").nth(1)).unwrap_or_default();
    for line in listed.lines().take_while(|line| !line.is_empty()) {
        let is_verb = line.starts_with("  ") && line.chars().nth(2).is_some_and(char::is_alphabetic);
        if let Some(verb) = line.split_whitespace().next().filter(|verb| is_verb && *verb != "help") {
            of_help(&[args, &[verb]].concat(), lines);
        }
    }
}

/// In place of the program: has the program itself read these arguments, without a configuration so that it does no
/// more than that, and notes that it was called. Verbs that need none are asked for their help.
fn stand_in(folder: &Path) {
    let bin = folder.join("bin");
    fs::create_dir(&bin).unwrap();
    let script = format!(
        "#!/bin/sh\n\
         echo \"$*\" >>'{calls}'\n\
         case \"$1\" in demo|config|completions|witness|-*) exec '{program}' \"$@\" --help >/dev/null;; esac\n\
         '{program}' \"$@\" >/dev/null 2>said </dev/null\n\
         test $? != 64 || {{ cat said >&2; exit 64; }}\n",
        calls = folder.join("calls").display(),
        program = strongroom_tests::program::path().display()
    );
    let path = bin.join("strongroom");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// What the program says of a line; nothing where it takes it.
fn complaint(folder: &Path, line: &str) -> Option<String> {
    let mut shell = Command::new("/bin/sh");
    let path = format!("{}:/usr/bin:/bin", folder.join("bin").display());
    let output = shell.args(["-c", line]).current_dir(folder).env("PATH", path).env_remove("ARGS").output().unwrap();
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).trim().replace('\n', " "))
}

#[test]
fn the_program_takes_every_command_line() {
    let folder = tempfile::tempdir().unwrap();
    stand_in(folder.path());
    let mut lines = Vec::new();
    of_units(&mut lines);
    of_cron(&mut lines);
    of_compose(&mut lines);
    of_kubernetes(&mut lines);
    for page in ["README.md", "docs/operations.md", "docs/audit.md", "docs/plugins.md", "deploy/README.md"] {
        of_page(page, &mut lines);
    }
    of_help(&[], &mut lines);
    let (mut complaints, mut calls) = (Vec::new(), String::new());
    for (place, line) in &lines {
        complaints.extend(complaint(folder.path(), line).map(|why| format!("{place}: {line}: {why}")));
        let made = fs::read_to_string(folder.path().join("calls")).unwrap_or_default();
        if made.lines().count() != 1 {
            complaints.push(format!("{place}: {line}: it calls the program {} times", made.lines().count()));
        }
        calls += &made;
        let _ = fs::remove_file(folder.path().join("calls"));
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    for verb in [
        "relay",
        "enumerate --once",
        "enumerate",
        "fetch",
        "verify",
        "archive",
        "notify",
        "purge run",
        "log migrate",
        "topology apply",
    ] {
        assert!(calls.lines().any(|call| call.starts_with(verb)), "{verb} is started nowhere");
    }
}

#[test]
fn the_program_knows_every_verb_and_flag_that_a_page_mentions() {
    let mut unknown = Vec::new();
    let pages = [
        "README.md",
        "docs/operations.md",
        "docs/audit.md",
        "docs/plugins.md",
        "docs/ARCHITECTURE.md",
        "deploy/README.md",
    ];
    for page in pages {
        for (place, line) in mentions(&tree::root().join(page)) {
            let args: Vec<_> = line.split_whitespace().skip(1).collect();
            let output = Command::new(strongroom_tests::program::path()).args(&args).arg("--help").output().unwrap();
            if !output.status.success() {
                unknown.push(format!("{place}: {line}: {}", String::from_utf8_lossy(&output.stderr).trim()));
            }
        }
    }
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
}

#[test]
fn a_line_that_the_program_does_not_take_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    stand_in(folder.path());
    for line in [
        "strongroom run --twice",
        "strongroom walk",
        "strongroom run --once --config",
        "strongroom server token create --scope backup",
    ] {
        assert!(complaint(folder.path(), line).is_some(), "{line}");
    }
    assert_eq!(complaint(folder.path(), "strongroom run --once --config /nowhere >/dev/null"), None);
}
