//! `strongroom run`: the job, all stages in one process.

use std::net::SocketAddr;
use std::time::Duration;

use strongroom_service::config::LogFormat;
use strongroom_service::shutdown::DEFAULT_STOP_BOUND;
use strongroom_service::telemetry::{ServiceIdentity, Traces};
use strongroom_service::{Clock, Config, Shutdown, systemd, telemetry};

use crate::broker;
use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::{Out, is_watched};
use crate::process::ProcessOptions;
use crate::process::role::Role;
use crate::process::{Common, Process, quiet};
use crate::run::job::Job;
use crate::run::outcome::RunOutcome;
use crate::run::right::RunRight;
use crate::run::show::Show;
use crate::run::{once, schedule};

/// How often a process that is to keep the schedule looks whether the one before it has ended.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Backs up what is waiting: on its schedule until stopped, or once
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom run                                keep the schedule in strongroom.toml until stopped
  strongroom run --once                         empty the list once and exit; for cron and timers
  strongroom run --once --json | jq .archived   the same, with its ending as one JSON object
  strongroom run --once --config /etc/strongroom/strongroom.toml

With broker.url set the stages take their work from the broker, beside those that run as processes of
their own (strongroom relay, enumerate, fetch, verify, archive, notify).
Only one such process of a site runs at a time. While another does, --once says who, and exits 0; without
--once it says who, and waits for its turn.
Ctrl-C finishes in-flight work; a second Ctrl-C stops at once, and nothing is lost either way.
Without a terminal, --once says nothing if all is well, and otherwise one sentence with the next
step: cron mails that and nothing else. RUST_LOG=info has it say what it does.
Exit codes of --once: 0 all is well; 1 it could not run; 2 done, but something needs a person.")]
pub(crate) struct Args {
    /// Take what is waiting until nothing is left, then exit
    #[arg(long)]
    pub(crate) once: bool,
    /// Answer /healthz, /readyz and /metrics there; without it at health.listen, but not with --once
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Print the ending as JSON
    #[arg(long, requires = "once")]
    pub(crate) json: bool,
}

/// The target of log lines about batches. People see the bar, or plain progress lines.
const BATCH_LINES: &str = "strongroom_bus::batch";

/// The target of log lines about alarms. People read of them in plain words beside the bar.
const ALARM_LINES: &str = "strongroom_bus::alarms";

pub(crate) async fn run(args: &Args, config: Config, out: &mut Out) -> Result<Exit, CliError> {
    let clock = Clock::system();
    let is_quiet = args.once && !is_watched();
    let (show, traces) = show(&config, is_quiet)?;
    let shutdown = Shutdown::on_signals(DEFAULT_STOP_BOUND);
    let Some(right) = right(args, &config, &clock, &shutdown, out).await? else {
        show.finish();
        return Ok(Exit::Well);
    };
    let name = config.site.clone();
    let listen = Common { listen: args.listen, once: args.once }.listen(&config);
    let roles = Role::of_run(&config);
    let has_bookings = Role::has_bookings(&config);
    let options = ProcessOptions { verb: "run", roles: &roles, config, listen, clock, shutdown, traces };
    if !has_bookings {
        show.finish();
        return Box::pin(jobs_only(args, options, right)).await;
    }
    let job = Job::open(options, show, right).await?;
    let done = work(&job, args.once).await;
    let (ending, exit) = Box::pin(job.close(done)).await?;
    if args.json {
        out.json(&ending.json())?;
    } else if !is_quiet {
        out.raw(ending.page())?;
    } else if exit != Exit::Well {
        out.raw(ending.brief(&name))?;
    }
    Ok(exit)
}

/// A site that takes no documents off a server: its jobs, and mail.
async fn jobs_only(args: &Args, options: ProcessOptions<'_>, right: RunRight) -> Result<Exit, CliError> {
    if args.once {
        return Err(CliError::new("this site has only jobs, and --once is about bookings")
            .next_step("`strongroom job run NAME` does one job now; `strongroom run` keeps their schedules"));
    }
    let mut process = Process::open(options).await?;
    process.start_notify().await?;
    process.start_jobs();
    process.start_monitor().await;
    let done = schedule::keep_jobs(&process, &right).await;
    process.end(done).await
}

/// Where progress is shown, and the log lines and traces beside it. An alarm is reported once:
/// in words, or as a line for collectors.
fn show(config: &Config, is_quiet: bool) -> Result<(Show, Traces), CliError> {
    let words = config.telemetry.format == LogFormat::Plain && !is_quiet;
    let show = if words { Show::new() } else { Show::lines_only() };
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let telemetry = if is_quiet { quiet(&config.telemetry) } else { config.telemetry.clone() };
    let mut settings = broker::without_client(&telemetry);
    if words {
        settings.level += &format!(",{ALARM_LINES}=off,{BATCH_LINES}=warn");
    }
    let who = ServiceIdentity { verb: "run", site: &config.site };
    let traces = telemetry::init_as_to(&settings, &who, show.clone(), colours)?;
    Ok((show, traces))
}

/// The right to run this site, or `None` where another process has it and nothing is left for us. `--once` exits at
/// once: the other process does the same work. A process that keeps the schedule waits: if it exited because of a run
/// by hand, nobody would keep the schedule, unnoticed.
async fn right(
    args: &Args,
    config: &Config,
    clock: &Clock,
    shutdown: &Shutdown,
    out: &mut Out,
) -> Result<Option<RunRight>, CliError> {
    let mut told = false;
    loop {
        let holder = match RunRight::take(config, clock).await? {
            Ok(right) => return Ok(Some(right)),
            Err(holder) => holder,
        };
        if !told {
            if args.json {
                out.json(&serde_json::json!({ "ok": true, "running": holder }))?;
            } else if !args.once || is_watched() {
                let then = if args.once { "nothing to do here" } else { "waiting until it ends" };
                out.line(format_args!("another process runs site {} already: {holder}; {then}", config.site))?;
            }
            out.flush()?;
            systemd::status(&format!("waits until another process ends: {holder}"));
            told = true;
        }
        if args.once || shutdown.stop().run_until_cancelled(tokio::time::sleep(LOOK_AGAIN)).await.is_none() {
            return Ok(None);
        }
    }
}

/// Does the job. Keeping a schedule ends successfully when it is stopped.
async fn work(job: &Job, once: bool) -> Result<(RunOutcome, Exit), CliError> {
    if once {
        let ending = once::run(job).await?;
        let exit = ending.exit();
        return Ok((ending, exit));
    }
    schedule::keep_all(job).await?;
    Ok((job.ending(RunOutcome::default()).await?, Exit::Well))
}
