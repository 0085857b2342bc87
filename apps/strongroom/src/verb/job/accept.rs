//! `strongroom job accept`: accepts a plugin's program as it is now.

use strongroom_model::event::JobDefined;
use strongroom_model::{Event, Expected, JobName, NewEvent, StreamName};
use strongroom_service::actor::person;
use strongroom_service::{Clock, Config};

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::jobs::{self, act};
use crate::out::Out;
use crate::site;

#[derive(Debug, clap::Args)]
pub(super) struct AcceptArgs {
    /// The job
    #[arg(value_parser = super::job_name)]
    job: JobName,
}

pub(super) async fn run(args: &AcceptArgs, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let settings = jobs::settings(config);
    let Some(settings) = settings.get(&args.job) else {
        return Err(CliError::new(format!("job {} is not configured on host {}", args.job, config.host()))
            .next_step("give the command on the job's host"));
    };
    let found = settings
        .plugin_digest(&jobs::plugins(config).environment)
        .map_err(|obstacle| CliError::new(obstacle.to_string()).next_step(obstacle.next_step()))?;
    let Some(found) = found else {
        return Err(CliError::new(format!(
            "job {} is of kind {}, which is part of strongroom",
            args.job, settings.kind
        ))
        .next_step("nothing is to be accepted: the package's own signature covers it"));
    };
    let log = site::log(config).await?;
    let done = accept(args, &log, found, out).await;
    log.close().await;
    done
}

async fn accept(
    args: &AcceptArgs,
    log: &strongroom_eventlog::EventLog,
    found: strongroom_model::Digest,
    out: &mut Out,
) -> Result<Exit, CliError> {
    let (version, job) = act::known(log, &args.job).await?;
    let Some(defined) = job.defined else { return Err(CliError::new(format!("job {} has no definition", args.job))) };
    if defined.plugin.as_ref() == Some(&found) {
        out.line(format_args!("{found} is accepted already"))?;
        return Ok(Exit::Well);
    }
    let before = defined.plugin.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
    let accepted = Event::JobDefined(JobDefined { plugin: Some(found.clone()), ..defined });
    let stream = StreamName::job(&args.job);
    let event = NewEvent::new(stream, Expected::After(version), Clock::system().now(), person(), accepted);
    log.append(vec![event]).await?;
    out.line(format_args!("accepted {found} for job {} (before: {before})", args.job))?;
    Ok(Exit::Well)
}
