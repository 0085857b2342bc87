//! `strongroom doctor`: tries everything that the job needs, and says what to do.

mod check;
mod host;
mod jobs;
mod key;
mod log;
mod processes;
mod queues;
mod remote;

use std::path::Path;

use strongroom_service::config::Sources;
use strongroom_service::{Clock, Config};

use self::check::{Check, CheckState};
use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;
use crate::process::role::Role;
use crate::site;

/// Tries every connection, drive, clock and permission, and says what to do
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom doctor                             one line for each check; exits 2 if one fails
  strongroom doctor --json                      the same for a program
  strongroom doctor --config /etc/strongroom/strongroom.toml

It changes nothing: it may run beside the job at any time.")]
pub(crate) struct Args {
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: &Args, file: Option<&Path>, out: &mut Out) -> Result<Exit, CliError> {
    let checks = match site::config(file) {
        Ok(config) => Box::pin(look(&config, file)).await,
        Err(error) => vec![Check::error("configuration", &error)],
    };
    if args.json {
        out.json(&serde_json::json!({ "ok": worst(&checks) != CheckState::Bad, "checks": checks }))?;
    } else {
        out.raw(page(&checks))?;
    }
    Ok(if worst(&checks) == CheckState::Bad { Exit::Problems } else { Exit::Well })
}

/// Looks at everything, the server and the mail server at the same time as the rest.
async fn look(config: &Config, file: Option<&Path>) -> Vec<Check> {
    let clock = Clock::system();
    let path = Sources::of_process(file).find().map_or_else(|_| String::new(), |path| path.display().to_string());
    let (log, key, broker, of_bookings, jobs, mail, processes) = tokio::join!(
        log::log(config),
        key::key(config),
        queues::broker(config),
        of_bookings(config, &clock),
        jobs::jobs(config),
        remote::mail(config),
        processes::processes(config, &clock)
    );
    let mut checks = vec![Check::well("configuration", format!("{path}, site {}", config.site))];
    checks.extend(host::secrets(config, Path::new(&path)));
    checks.extend(remote::in_the_clear(config));
    checks.push(host::data_folder(config));
    checks.extend(host::room(config));
    checks.push(log);
    checks.extend(key);
    checks.extend(key::witnesses(config).await);
    checks.extend(broker);
    checks.extend(of_bookings);
    checks.extend(jobs);
    checks.push(mail);
    checks.extend(processes);
    checks
}

/// Of a site that takes documents off a server.
async fn of_bookings(config: &Config, clock: &Clock) -> Vec<Check> {
    if !Role::has_bookings(config) {
        return Vec::new();
    }
    let (drive, server, schedule) =
        tokio::join!(host::drive(config), remote::server(config, clock), log::schedule(config, clock));
    std::iter::once(drive).chain(server).chain([schedule]).collect()
}

fn worst(checks: &[Check]) -> CheckState {
    checks.iter().map(|check| check.state).max().unwrap_or(CheckState::Well)
}

fn page(checks: &[Check]) -> String {
    let mut page = String::new();
    for check in checks {
        let mark = match check.state {
            CheckState::Well => "ok  ",
            CheckState::Warning => "note",
            CheckState::Bad => "BAD ",
        };
        page += &format!("{mark}  {:<16}  {}\n", check.name, check.found);
        if let Some(step) = &check.next_step {
            page += &format!("      {:<16}  next: {}\n", "", step.replace('\n', "\n                              "));
        }
    }
    page += match worst(checks) {
        CheckState::Bad => "\nThe job cannot do its work until what is BAD is put right.\n",
        CheckState::Warning => "\nThe job can run; a person should know of the notes.\n",
        CheckState::Well => "\nAll is well.\n",
    };
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_comes_with_its_next_step() {
        let checks = [
            Check::well("configuration", "./strongroom.toml, site demo"),
            Check::warning("clock", "this host's clock and the server's differ by 5m", "set both by NTP"),
            Check::bad("drive", "no drive is mounted at /mnt/backup: the folder is empty", "mount the drive there"),
        ];
        insta::assert_snapshot!(page(&checks));
    }
}
