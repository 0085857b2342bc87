//! Does the job in the demo's folder: server, faults, run, in one process.

use std::path::Path;
use std::sync::Arc;

use strongroom_server::import::ImportReport;
use strongroom_server::{ServeError, Server, Settings, TransferCut};
use strongroom_service::config::Telemetry;
use strongroom_service::shutdown::DEFAULT_STOP_BOUND;
use strongroom_service::telemetry::ServiceIdentity;
use strongroom_service::{Clock, Config, RunLock, RunLockError, Shutdown, telemetry};

use super::bookings::{generate, set_aside};
use super::fault::{self, DemoFault};
use super::folder::{Folder, Memory, documents};
use super::story::{self, Act};
use crate::cli_error::{CliError, ErrorContext as _};
use crate::exit::Exit;
use crate::out::Out;
use crate::process::ProcessOptions;
use crate::process::role::Role;
use crate::run::job::Job;
use crate::run::once;
use crate::run::outcome::RunOutcome;
use crate::run::right::RunRight;
use crate::run::show::Show;
use crate::verb;
use crate::verb::demo::Args;
use crate::verb::server::import::import;

/// The story tells what happened; what the parts say meanwhile is for operators. The server is
/// missing a file because we took it away.
const QUIET: &str = "error,strongroom_server=off";
/// How many bookings are generated where nothing else is asked for.
const BOOKINGS: u32 = 40;

pub(crate) async fn play(args: &Args, out: &mut Out) -> Result<Exit, CliError> {
    let clock = Clock::system();
    let (folder, is_old) = Folder::open(&args.dir, &clock).await?;
    let config = folder.config(None)?;
    let lock = match RunLock::take(&config.run_lock_path(), clock.now()) {
        Ok(lock) => lock,
        Err(RunLockError::Held { holder }) => {
            out.line(format_args!("another process runs the demo in {} already: {holder}", args.dir.display()))?;
            return Ok(Exit::Well);
        }
        Err(error) => return Err(error.into()),
    };
    let memory = folder.memory();
    out.raw(story::opening(&folder, &memory, is_old))?;
    out.flush()?;
    let before = log_size(&config).await?;
    let added = prepare(args, &folder, &config, memory, &clock, out).await?;
    let (ending, was_cut) = Box::pin(work(&folder, &config, lock, &clock)).await?;
    let log = crate::site::log_to_read(&config).await?;
    let act =
        Act { folder: &folder, config: &config, log: &log, ending: &ending, added: added.imported, before, was_cut };
    out.raw(story::closing(&act).await?)?;
    Ok(ending.exit())
}

async fn log_size(config: &Config) -> Result<u64, CliError> {
    let Some(log) = crate::site::log_if_any(config).await? else { return Ok(0) };
    let size = log.head().await?.size;
    log.close().await;
    Ok(size)
}

/// Bookings that are not on the server yet.
///
/// If we stop in between, what was imported stays, and is known by its id or its place the
/// next time; only what is whole is remembered.
async fn prepare(
    args: &Args,
    folder: &Folder,
    config: &Config,
    memory: Memory,
    clock: &Clock,
    out: &mut Out,
) -> Result<ImportReport, CliError> {
    let documents = documents(config, clock).await?;
    let mut added = ImportReport::default();
    let wanted = args.bookings.unwrap_or(if args.files.is_some() { 0 } else { BOOKINGS });
    if wanted > memory.generated {
        let numbers = memory.generated + 1..=wanted;
        let report = generate(folder, &documents, numbers, clock.now()).await?;
        add(&mut added, &report);
    }
    if let Some(path) = &args.files {
        let report = copies(&documents, path).await?;
        add(&mut added, &report);
        out.raw(story::copied(path, &report))?;
    }
    if args.with_faults && !memory.with_faults {
        add(&mut added, &fault::put_in(folder, &documents, clock.now()).await?);
    }
    documents.store().close().await;
    set_aside(folder)?;
    folder.remember(&Memory {
        generated: wanted.max(memory.generated),
        with_faults: args.with_faults || memory.with_faults,
    })?;
    out.raw(story::prepared(&added))?;
    out.flush()?;
    Ok(added)
}

fn add(added: &mut ImportReport, more: &ImportReport) {
    added.imported += more.imported;
    added.imported_bytes = added.imported_bytes + more.imported_bytes;
}

/// Copies of the reader's own files: an import copies files from outside the document root.
async fn copies(documents: &strongroom_server::Documents, path: &Path) -> Result<ImportReport, CliError> {
    let metadata = std::fs::metadata(path).context_and_step(
        format!("cannot read {}", path.display()),
        "name a folder of yours with --files; the files in it are copied, and never touched",
    )?;
    if !metadata.is_dir() {
        return Err(CliError::usage_error(format!("{} is not a folder", path.display()))
            .next_step("name the folder that the files are in with --files"));
    }
    import(documents, path, true).await
}

/// The job, as `run --once` does it, with the server in this process; also whether the planned transfer was cut.
async fn work(folder: &Folder, config: &Config, lock: RunLock, clock: &Clock) -> Result<(RunOutcome, bool), CliError> {
    let show = Show::new();
    let quiet = Telemetry { level: QUIET.to_owned(), ..config.telemetry.clone() };
    let traces =
        telemetry::init_as_to(&quiet, &ServiceIdentity { verb: "demo", site: &config.site }, show.clone(), false)?;
    let cut = folder.memory().with_faults.then(|| Arc::new(DemoFault::cut()));
    let server = serve(config, clock, cut.clone()).await?;
    let address = server.as_ref().map_or(config.server.listen, Server::local_addr);
    let config = folder.config(Some(&format!("http://{address}")))?;
    let shutdown = Shutdown::on_signals(DEFAULT_STOP_BOUND);
    let (roles, clock) = (&Role::ALL, clock.clone());
    let options = ProcessOptions { verb: "run", roles, config, listen: None, clock, shutdown, traces };
    let job = Job::open(options, show, RunRight::alone(lock)).await?;
    let done = once::run(&job).await;
    let done = Box::pin(job.close(done)).await;
    if let Some(server) = server {
        server.stop().await;
    }
    Ok((done?, cut.is_some_and(|cut| cut.is_done())))
}

/// The document server, in this process; `None` where another process serves the folder.
async fn serve(config: &Config, clock: &Clock, cut: Option<Arc<TransferCut>>) -> Result<Option<Server>, CliError> {
    let settings = Settings { cut, ..verb::server::settings(config)? };
    match Server::start(settings, clock.clone()).await {
        Ok(server) => Ok(Some(server)),
        Err(ServeError::ServedAlready(_)) => Ok(None),
        Err(error @ ServeError::Listen { .. }) => Err(CliError::from(error)
            .next_step("set another port in server.listen and in source.url of the demo's strongroom.toml")),
        Err(error) => Err(error.into()),
    }
}
