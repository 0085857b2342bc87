//! Crontabs (crontab(5) of cronie; entry.c, env.c).

use strongroom_calendar::Cron;

use super::{environment, text_of};
use crate::Span;
use crate::problem::{Format, Problem, Reading};
use crate::task::{Action, Origin, Principal, Schedule, Scheduler, Settings, Task, Trigger};

/// The most lines that are read.
const MAX_LINES: usize = 50_000;

/// Accounts that jobs of systems run as, on Debian and Red Hat. None of them is the name of a command.
const SYSTEM_ACCOUNTS: [&str; 14] = [
    "root", "www-data", "apache", "nginx", "nobody", "daemon", "postgres", "mysql", "munin", "logcheck", "clamav",
    "news", "amavis", "smmsp",
];

/// Whose table it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CrontabForm {
    /// A user's own, `crontab -l`: the account is not in the file.
    User(String),
    /// `/etc/crontab` and `/etc/cron.d/*`: the sixth column is the account.
    System,
}

impl CrontabForm {
    /// What a file's place tells: those below `/etc` are the system's, others belong to the user whose name they have.
    #[must_use]
    pub fn of_place(file: &str) -> Self {
        let name = file.rsplit('/').next().unwrap_or(file);
        let system = file.ends_with("etc/crontab") || file.contains("cron.d/") || file == "crontab";
        if system { Self::System } else { Self::User(name.to_owned()) }
    }

    /// What a text tells that may be a crontab of an unknown place; `None`: it is none. It is a system's where each job
    /// has an account of systems in the sixth column; otherwise it belongs to the user whose name is given.
    #[must_use]
    pub fn of_content(name: &str, text: &str) -> Option<Self> {
        let lines = text.lines().take(MAX_LINES).map(|line| line.trim_start_matches([' ', '\t']));
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#') && environment(line).is_none());
        let (mut jobs, mut others, mut system) = (0_usize, 0_usize, true);
        for line in lines {
            let fields = if line.starts_with('@') { 1 } else { 5 };
            match split_words(line, fields).filter(|(time, _)| Cron::parse(time).is_ok()) {
                Some((_, command)) => {
                    jobs += 1;
                    system &= split_words(command, 1).is_some_and(|(account, _)| SYSTEM_ACCOUNTS.contains(&account));
                }
                None => others += 1,
            }
        }
        let form = if system { Self::System } else { Self::User(name.to_owned()) };
        (jobs > 0 && others <= jobs).then_some(form)
    }
}

/// Reads a crontab. A line that cron would refuse is a problem, and stops nothing but itself.
#[must_use]
pub fn read_crontab(file: &str, bytes: &[u8], form: &CrontabForm) -> Reading {
    let (text, origin) = match text_of(file, bytes) {
        Ok(read) => read,
        Err(problem) => return Reading::failed(Format::Crontab, problem),
    };
    if text.starts_with("#!") {
        return Reading::failed(Format::Crontab, Problem::Script);
    }
    let mut reading = Reading::new(Format::Crontab);
    let mut table = Table { origin, form, zone: None, random_delay: None };
    for (index, line) in text.lines().take(MAX_LINES).enumerate() {
        let line = line.trim_start_matches([' ', '\t']);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some((name, value)) = environment(line) {
            table.set(name, value);
            continue;
        }
        match table.job(line, index + 1) {
            Ok(task) => reading.tasks.push(task),
            Err(problem) => reading.problems.push(Problem::Row { line: index + 1, problem }),
        }
    }
    let name = file.rsplit('/').next().unwrap_or(file);
    let skipped = file.contains("cron.d/") && !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    for task in reading.tasks.iter_mut().filter(|_| skipped) {
        task.warnings.push("Debian's cron skips files of cron.d with a dot in their name".to_owned());
    }
    if !text.ends_with('\n')
        && let Some(last) = reading.tasks.last_mut()
    {
        last.warnings.push("the file does not end in a line break: some crons ignore its last line".to_owned());
    }
    reading
}

struct Table<'a> {
    origin: Origin,
    form: &'a CrontabForm,
    zone: Option<String>,
    random_delay: Option<Span>,
}

impl Table<'_> {
    fn set(&mut self, name: &str, value: &str) {
        match name {
            "CRON_TZ" => self.zone = Some(value.to_owned()).filter(|zone| !zone.is_empty()),
            "RANDOM_DELAY" => {
                let minutes = value.parse::<u32>().ok().filter(|minutes| *minutes > 0);
                self.random_delay = minutes.map(|minutes| Span::of_seconds(u64::from(minutes) * 60));
            }
            _ => {}
        }
    }

    fn job(&self, line: &str, number: usize) -> Result<Task, String> {
        // A job that begins with a minus is not logged.
        let line = line.strip_prefix('-').unwrap_or(line);
        let fields = if line.starts_with('@') { 1 } else { 5 };
        let (expression, rest) = split_words(line, fields).ok_or("there is no command after the time")?;
        let cron = Cron::parse(expression).map_err(|error| error.to_string())?;
        let (user, command) = match self.form {
            CrontabForm::User(user) => (user.as_str(), rest),
            CrontabForm::System => split_words(rest, 1).ok_or("there is no command after the account")?,
        };
        let (command, input) = split_input(command);
        if command.trim().is_empty() {
            return Err("the command is empty".to_owned());
        }
        let mut task = Task::new(format!("{}:{number}", self.origin.file), Scheduler::Cron, self.origin.clone());
        task.settings = Settings::plain();
        task.principals = vec![Principal { user: Some(user.to_owned()), ..Principal::default() }];
        task.actions = vec![Action::Exec { command, arguments: None, working_directory: None, input }];
        let mut trigger = Trigger::new(Schedule::Cron(cron, self.zone.clone()));
        trigger.random_delay = self.random_delay;
        task.triggers = vec![trigger];
        Ok(task)
    }
}

/// The first words of a line, and what comes after the blanks behind them.
fn split_words(line: &str, count: usize) -> Option<(&str, &str)> {
    let mut at = 0;
    for _ in 0..count {
        let rest = &line[at..];
        let start = rest.find(|c| c != ' ' && c != '\t')?;
        let end = rest[start..].find([' ', '\t'])? + start;
        at += end;
    }
    let rest = line[at..].trim_start_matches([' ', '\t']);
    (!rest.is_empty()).then(|| (line[..at].trim(), rest))
}

/// A `%` that is not escaped ends the command; what follows is its standard input, each further one a line break.
fn split_input(text: &str) -> (String, Option<String>) {
    let (mut command, mut input) = (String::new(), None::<String>);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match (c, &mut input) {
            ('\\', into) if characters.peek() == Some(&'%') => {
                characters.next();
                into.as_mut().unwrap_or(&mut command).push('%');
            }
            ('%', None) => input = Some(String::new()),
            ('%', Some(input)) => input.push('\n'),
            (c, None) => command.push(c),
            (c, Some(input)) => input.push(c),
        }
    }
    (command, input)
}
