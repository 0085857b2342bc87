//! `strongroom server`: the document server.

pub(crate) mod import;
pub(crate) mod token;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use strongroom_server::Database;
use strongroom_server::server::Server;
use strongroom_server::settings::Settings;
use strongroom_service::shutdown::Shutdown;
use strongroom_service::{Clock, Config, telemetry};

use crate::cli_error::{CliError, ErrorContext as _};
use crate::exit::Exit;
use crate::out::Out;

/// Runs the document server, fills it from a folder or a list, manages its tokens
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom server                             serve until stopped, at server.listen
  strongroom server import ~/scans              every file becomes a signed-off booking
  strongroom server import bookings.csv         with ids, dates and digests from a list
  strongroom server token create --name backup-1 --scope backup --out backup.token
  strongroom server token list
  strongroom server token revoke 3f9a01c2       by its id, as the list shows it

Files below the document root are adopted where they lie; others are copied in, and the originals
are never touched.")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Option<ServerVerb>,
}

#[derive(Debug, Subcommand)]
enum ServerVerb {
    /// Makes a signed-off booking of every file of a folder, or of every line of a .csv
    Import {
        /// The folder, or the .csv file
        path: PathBuf,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Manages the tokens that clients show
    #[command(subcommand)]
    Token(token::TokenVerb),
}

pub(crate) async fn run(args: &Args, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    match &args.action {
        None => serve(config, out).await,
        Some(ServerVerb::Import { path, json }) => import::run(path, config, *json, out).await,
        Some(ServerVerb::Token(action)) => token::run(action, config, out).await,
    }
}

pub(crate) fn settings(config: &Config) -> Result<Settings, CliError> {
    let mut settings = Settings::new(&config.server.documents, database(config)?);
    settings.listen = config.server.listen;
    settings.zone = config.zone();
    settings.proofs_needed_to_purge = config.server.purge_proofs;
    settings.limits.upload = config.server.largest_upload;
    for key in &config.server.site_keys {
        let key = key.parse().context_and_step(
            "server.site_keys has an entry that is not a public key",
            "write what `strongroom key show` prints on the backup host",
        )?;
        settings.site_keys.push(key);
    }
    Ok(settings)
}

pub(crate) fn database(config: &Config) -> Result<Database, CliError> {
    let address = config.server.database_address()?;
    Ok(address.map_or_else(|| Database::Sqlite(config.database_path()), Database::Postgres))
}

/// The document root and the folder of the records, which a first call finds missing.
pub(crate) fn make_folders(config: &Config) -> Result<(), CliError> {
    let database = database(config)?;
    let folder = database.file().and_then(Path::parent);
    for folder in [Some(config.server.documents.as_path()), folder].into_iter().flatten() {
        std::fs::create_dir_all(folder).context_and_step(
            format!("cannot make the folder {}", folder.display()),
            "make it by hand and give it to this user, or set server.documents and data_dir",
        )?;
    }
    Ok(())
}

async fn serve(config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    make_folders(config)?;
    telemetry::init(&config.telemetry)?;
    let shutdown = Shutdown::on_signals(strongroom_service::shutdown::DEFAULT_STOP_BOUND);
    let server = Server::start(settings(config)?, Clock::system()).await?;
    // A server does not end because nobody reads what it says.
    let _ = out.line(format_args!("the document server listens on {}\nCtrl-C stops it.", server.url()));
    let _ = out.flush();
    shutdown.stop().cancelled().await;
    let abort = shutdown.abort();
    tokio::select! {
        () = server.stop() => Ok(Exit::Well),
        () = abort.cancelled() => Ok(Exit::Failed),
    }
}
