//! Files that the commands of timers and crontabs name: their scripts, which a host that is restored needs as well.

use crate::task::{Action, Task};

/// Names that end so are of scripts, whether or not a file of that name is there.
const SCRIPT_ENDINGS: [&str; 11] = [".sh", ".bash", ".py", ".pl", ".rb", ".php", ".js", ".lua", ".sql", ".R", ".awk"];
/// Words of the shell behind which a command begins.
const RESERVED: [&str; 12] = ["{", "}", "!", "if", "then", "else", "elif", "do", "while", "until", "time", "exec"];
/// The most words of one command that are looked at.
const MAX_WORDS: usize = 1_000;

/// A file or folder that a command names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamedFile {
    /// Its path on the host: absolute, and not resolved.
    pub path: String,
    /// What the command does with it.
    pub role: Role,
}

/// What a command does with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// It is started, or its name is that of a script.
    Script,
    /// It is an argument.
    Argument,
    /// Everything in it is started (run-parts(8)).
    Folder,
}

/// What a task's commands name. `home`: where a job of cron starts. Names that need the shell, variables but `$HOME` and
/// patterns, are left out; so are files that output goes to.
#[must_use]
pub fn named_files(task: &Task, home: Option<&str>) -> Vec<NamedFile> {
    let mut named = Vec::new();
    for action in &task.actions {
        let Action::Exec { command, arguments, working_directory, .. } = action else { continue };
        let line = [command.as_str(), arguments.as_deref().unwrap_or_default()].join(" ");
        let folder = working_directory.as_deref().map(|folder| folder.trim_start_matches('-')).or(home);
        // Prefixes of systemd.service(5).
        of_line(line.trim_start_matches(['@', '-', ':', '+', '!']), folder, home, &mut named);
    }
    named.sort();
    named.dedup_by(|other, first| other.path == first.path);
    named
}

/// A word of a shell's command line, or what separates commands.
#[derive(Debug, PartialEq, Eq)]
enum Word {
    Text(String),
    /// `;`, `|`, `&&`, a parenthesis, the end of a line: a new command begins.
    Next,
    /// `>`: the word after it is written to.
    Output,
    /// `<`.
    Input,
}

fn of_line(line: &str, folder: Option<&str>, home: Option<&str>, named: &mut Vec<NamedFile>) {
    let mut folder = folder.map(str::to_owned);
    // The program of the command at hand, and whether the next word is where output goes.
    let (mut program, mut is_output) = (None::<String>, false);
    for word in words(line) {
        let text = match word {
            Word::Text(text) => text,
            other => {
                is_output = other == Word::Output;
                if other == Word::Next {
                    program = None;
                }
                continue;
            }
        };
        let is_assignment = program.is_none() && text.split_once('=').is_some_and(|(name, _)| is_name(name));
        if std::mem::take(&mut is_output) || is_assignment {
            continue;
        }
        let path = path_of(&text, folder.as_deref(), home);
        let is_program = program.is_none();
        match (program.as_deref(), path) {
            (Some("cd"), path) => folder = path,
            (Some("run-parts"), Some(path)) if text.contains('/') => {
                named.push(NamedFile { path, role: Role::Folder });
            }
            (_, Some(path)) if text.contains('/') || !is_program && is_script(&text) => {
                let role = if is_program || is_script(&text) { Role::Script } else { Role::Argument };
                named.push(NamedFile { path, role });
            }
            _ => {}
        }
        if is_program && !RESERVED.contains(&text.as_str()) {
            program = Some(text.rsplit('/').next().unwrap_or(&text).to_owned());
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn is_script(name: &str) -> bool {
    SCRIPT_ENDINGS.iter().any(|end| name.ends_with(end))
}

/// An absolute path; `None` where the shell or systemd would put something else in its place.
fn path_of(text: &str, folder: Option<&str>, home: Option<&str>) -> Option<String> {
    let rest =
        text.strip_prefix("~/").or_else(|| text.strip_prefix("$HOME/")).or_else(|| text.strip_prefix("${HOME}/"));
    let path = match rest {
        Some(rest) => format!("{}/{rest}", home?),
        None if text.starts_with('/') => text.to_owned(),
        None if text.starts_with('-') => return None,
        None => format!("{}/{text}", folder?),
    };
    let is_plain = path.starts_with('/') && !path.chars().any(|c| c.is_control() || "$*?[]{}~%`".contains(c));
    is_plain.then_some(path)
}

/// As a POSIX shell splits a line, without expansions.
fn words(line: &str) -> Vec<Word> {
    let mut found = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        let end = |word: &mut Option<String>, found: &mut Vec<Word>| found.extend(word.take().map(Word::Text));
        match c {
            '\'' => word.get_or_insert_default().extend(characters.by_ref().take_while(|c| *c != '\'')),
            '"' => {
                let word = word.get_or_insert_default();
                while let Some(c) = characters.next().filter(|c| *c != '"') {
                    word.extend(if c == '\\' { characters.next() } else { Some(c) });
                }
            }
            '\\' => word.get_or_insert_default().extend(characters.next()),
            ' ' | '\t' => end(&mut word, &mut found),
            ';' | '|' | '&' | '(' | ')' | '\n' | '`' => {
                // `2>&1` and `>&2` name no file.
                if c == '&' && found.last() == Some(&Word::Output) && word.is_none() {
                    continue;
                }
                end(&mut word, &mut found);
                found.push(Word::Next);
            }
            '>' | '<' => {
                // The number of a descriptor is no word.
                word.take_if(|word| word.chars().all(|c| c.is_ascii_digit()));
                end(&mut word, &mut found);
                found.push(if c == '>' { Word::Output } else { Word::Input });
            }
            '#' if word.is_none() => break,
            c => word.get_or_insert_default().push(c),
        }
        if found.len() > MAX_WORDS {
            break;
        }
    }
    found.extend(word.map(Word::Text));
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::task::{Origin, Scheduler};

    fn named(command: &str, folder: Option<&str>) -> Vec<String> {
        let mut task = Task::new("a", Scheduler::Cron, Origin::default());
        let working_directory = folder.map(str::to_owned);
        task.actions =
            vec![Action::Exec { command: command.to_owned(), arguments: None, working_directory, input: None }];
        named_files(&task, Some("/home/jo")).iter().map(|file| format!("{:?} {}", file.role, file.path)).collect()
    }

    #[test]
    fn commands_name_the_scripts_that_they_start() {
        for (command, expected) in [
            ("/usr/local/bin/nightly.sh --all >/var/log/n.log 2>&1", vec!["Script /usr/local/bin/nightly.sh"]),
            ("cd /opt/app && ./run.sh", vec!["Script /opt/app/./run.sh"]),
            (
                "nice -n 10 python3 '/srv/my jobs/a.py' /etc/a.conf",
                vec!["Argument /etc/a.conf", "Script /srv/my jobs/a.py"],
            ),
            ("python3 job.py", vec!["Script /home/jo/job.py"]),
            (
                "~/bin/x; $HOME/bin/y && ${HOME}/z.sh",
                vec!["Script /home/jo/bin/x", "Script /home/jo/bin/y", "Script /home/jo/z.sh"],
            ),
            (
                "test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }",
                vec!["Folder /etc/cron.daily", "Argument /usr/sbin/anacron"],
            ),
            ("PATH=/opt/bin LANG=C /opt/bin/go", vec!["Script /opt/bin/go"]),
            ("-/usr/bin/env bash \"/opt/a b.sh\" # /opt/not.sh", vec!["Script /opt/a b.sh", "Script /usr/bin/env"]),
            ("find /tmp/*.sh $DIR/x.sh %h/y.sh -newer", vec![]),
            ("backup --all", vec![]),
        ] {
            assert_eq!(named(command, None), expected, "{command}");
        }
        assert_eq!(named("./run", Some("/opt/app")), ["Script /opt/app/./run"]);
    }

    proptest! {
        #[test]
        fn no_command_panics(command in "\\PC{0,60}|[a-z/.~$'\"\\\\;&|<> ]{0,40}") {
            let _ = named(&command, None);
        }
    }
}
