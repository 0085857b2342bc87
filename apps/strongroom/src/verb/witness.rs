//! `strongroom witness`: cosigns the checkpoints of other sites' logs.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use strongroom_proof::{CosigningKey, KeyName, PublicKey};
use strongroom_service::config::{DEFAULT_LEVEL, LogFormat, Telemetry};
use strongroom_service::private::is_exposed;
use strongroom_service::shutdown::DEFAULT_STOP_BOUND;
use strongroom_service::{Clock, RunLock, RunLockError, Shutdown, http, private_files, private_folders, telemetry};
use strongroom_witness::{Witness, serve};

use crate::cli_error::{CliError, ErrorContext as _};
use crate::exit::Exit;
use crate::out::Out;

const KEY_FILE: &str = "key";
const LOGS_FILE: &str = "logs";
const LOCK_FILE: &str = "lock";
const MAX_KEY_BYTES: u64 = 1024;
const SEED_BYTES: usize = 32;

/// Cosigns other sites' checkpoints that continue all that it has seen of their logs
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom witness --folder /srv/witness --name quay.example/witness --watch SITE-KEY
  strongroom witness --folder /srv/witness --listen 0.0.0.0:7947

Two sites watch each other: each runs a witness, and has the other's with `strongroom log witness
add`. The folder holds the witness's key, the keys of the logs that it watches (`logs`, one a line;
--watch adds one), and the newest checkpoint of each. Never put back an older copy of the folder,
and give no two witnesses the same key: a witness that forgets cosigns a log that was rewritten.
The server speaks HTTP (c2sp.org/tlog-witness): put a proxy with TLS before it, or a VPN.")]
pub(crate) struct Args {
    /// Where the witness keeps its key and what it has seen
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,
    /// The name of its key, such as quay.example/witness; needed once, to make it
    #[arg(long, value_name = "NAME")]
    name: Option<KeyName>,
    /// The public key of a log to watch from now on, as `strongroom key show` prints it; may be given many times
    #[arg(long, value_name = "KEY")]
    watch: Vec<String>,
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7947")]
    listen: SocketAddr,
    /// Print the witness's public key, and do not serve
    #[arg(long)]
    show_key: bool,
}

pub(crate) async fn run(args: &Args, out: &mut Out) -> Result<Exit, CliError> {
    let folder = &args.folder;
    private_folders().create(folder).context(format!("cannot make the folder {}", folder.display()))?;
    let key = key(args)?;
    if args.show_key {
        out.line(key.public())?;
        return Ok(Exit::Well);
    }
    let clock = Clock::system();
    // Two processes with one folder could each remember less than the other signed.
    let _lock = RunLock::take(&folder.join(LOCK_FILE), clock.now()).map_err(|error| match error {
        RunLockError::Held { holder } => CliError::new(format!("another process is this witness already ({holder})"))
            .next_step("stop that one first"),
        unusable @ RunLockError::Unusable { .. } => CliError::from(unusable),
    })?;
    watch(folder, &args.watch)?;
    let witness = Witness::new(key, folder);
    let logs = witness.logs().context_and_step(
        format!("{} cannot be used", folder.join(LOGS_FILE).display()),
        "each line is a site's public key, as `strongroom key show` prints it",
    )?;
    let (address, listener) = http::listen(args.listen)
        .await
        .context_and_step(format!("cannot listen on {}", args.listen), "give another address with --listen")?;
    let telemetry = Telemetry { level: DEFAULT_LEVEL.to_owned(), format: LogFormat::Plain, otlp_endpoint: None };
    telemetry::init(&telemetry)?;
    let shutdown = Shutdown::on_signals(DEFAULT_STOP_BOUND);
    out.line(witness.key())?;
    out.line(format_args!("listening on {address}, watching {} logs", logs.len()))?;
    out.flush()?;
    let abort = shutdown.abort();
    tokio::select! {
        () = serve(listener, Arc::new(witness), clock, shutdown.stop()) => {}
        () = abort.cancelled() => {}
    }
    Ok(Exit::Well)
}

/// The witness's key, made at the first start.
fn key(args: &Args) -> Result<CosigningKey, CliError> {
    let path = args.folder.join(KEY_FILE);
    let what = || format!("the witness's key {} cannot be used", path.display());
    match std::fs::File::open(&path) {
        Ok(file) => {
            if is_exposed(&file).context(what())? {
                return Err(CliError::new(format!("{}: others can read it, or it is another user's", what()))
                    .next_step(format!("chmod 600 {}", path.display())));
            }
            let mut text = String::new();
            file.take(MAX_KEY_BYTES).read_to_string(&mut text).context(what())?;
            let key = CosigningKey::from_secret(&text).context_and_step(what(), "put the file back from your copy")?;
            match &args.name {
                Some(name) if name != key.public().name() => Err(CliError::new(format!(
                    "the witness in {} has the name {}",
                    args.folder.display(),
                    key.public().name()
                ))
                .next_step("leave out --name, or give another folder")),
                _ => Ok(key),
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let Some(name) = &args.name else {
                return Err(CliError::usage_error(format!(
                    "{} has no key yet: give its name with --name",
                    args.folder.display()
                )));
            };
            make(&path, name)
        }
        Err(error) => Err(CliError::new(what()).because(&error)),
    }
}

fn make(path: &Path, name: &KeyName) -> Result<CosigningKey, CliError> {
    let mut seed = [0; SEED_BYTES];
    getrandom::fill(&mut seed).map_err(|error| CliError::new(format!("the system gives no random bits: {error}")))?;
    let key = CosigningKey::from_seed(name.clone(), seed);
    let written = private_files()
        .write(true)
        .create_new(true)
        .open(path)
        .and_then(|mut file| file.write_all(key.to_secret().as_bytes()).and_then(|()| file.sync_all()));
    written.context(format!("the key {} could not be written", path.display()))?;
    Ok(key)
}

/// Adds the keys to the file with the logs that are watched, which is made if there is none.
fn watch(folder: &Path, keys: &[String]) -> Result<(), CliError> {
    let path = folder.join(LOGS_FILE);
    let what = || format!("cannot write {}", path.display());
    let mut file = private_files().create(true).append(true).read(true).open(&path).context(what())?;
    let mut known = String::new();
    file.read_to_string(&mut known).context(what())?;
    for key in keys {
        let key: PublicKey = key
            .trim()
            .parse()
            .map_err(|error: strongroom_proof::ParseKeyError| CliError::usage_error(error.to_string()))?;
        let line = key.to_string();
        if !known.lines().any(|known| known.trim() == line) {
            writeln!(file, "{line}").and_then(|()| file.sync_all()).context(what())?;
        }
    }
    Ok(())
}
