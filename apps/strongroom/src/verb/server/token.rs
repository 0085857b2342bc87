//! `strongroom server token`: who may ask the document server for what.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use strongroom_model::text::printable;
use strongroom_server::store::Store;
use strongroom_server::token::{self, Scope, Secret, Token};
use strongroom_service::{Clock, Config, private_files};

use crate::cli_error::{CliError, ErrorContext as _};
use crate::exit::Exit;
use crate::out::{Out, tell};

#[derive(Debug, Subcommand)]
pub(crate) enum TokenVerb {
    /// Creates a token; it is shown once, and only its hash is kept
    Create {
        /// Whose it is, such as the host's name
        #[arg(long)]
        name: String,
        /// What it may do; may be given many times: backup, upload, read, purge, approve, admin
        #[arg(long, value_name = "SCOPE", required = true)]
        scope: Vec<Scope>,
        /// Write it into this new file, readable by its owner only, instead of showing it
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Lists the tokens, without their secrets
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Ends a token's validity at once
    Revoke {
        /// Its id, as the list shows it
        id: String,
    },
}

pub(crate) async fn run(action: &TokenVerb, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    super::make_folders(config)?;
    let store = Store::open(super::database(config)?).await?;
    let clock = Clock::system();
    let done = match action {
        TokenVerb::Create { name, scope, out: file } => create(&store, name, scope, file.as_deref(), &clock, out).await,
        TokenVerb::List { json } => list(&store, *json, out).await,
        TokenVerb::Revoke { id } => match token::revoke(&store, id, &clock).await {
            Ok(token) => out.line(format_args!("token {} ({}) is no longer taken", token.id, shown(&token.name))),
            Err(error) => Err(error.into()),
        },
    };
    store.close().await;
    done.map(|()| Exit::Well)
}

async fn create(
    store: &Store,
    name: &str,
    scopes: &[Scope],
    file: Option<&Path>,
    clock: &Clock,
    out: &mut Out,
) -> Result<(), CliError> {
    // Made first: a token whose secret cannot be kept would be of no use to anybody.
    let mut kept = file.map(|path| new_file(path).map(|file| (file, path))).transpose()?;
    let (token, secret) = token::create(store, name, scopes, clock).await?;
    match &mut kept {
        Some((file, path)) => {
            write(file, &secret).context(format!("cannot write {}", path.display()))?;
            out.line(format_args!("token {} ({}) is in {}", token.id, token.scopes, path.display()))?;
        }
        None => {
            out.line(secret.expose())?;
            tell(format_args!("token {} ({}): keep it now, it is not shown again", token.id, token.scopes));
        }
    }
    Ok(())
}

/// A new file that only its owner may read.
pub(crate) fn new_file(path: &Path) -> Result<std::fs::File, CliError> {
    private_files().write(true).create_new(true).open(path).context_and_step(
        format!("cannot make {}", path.display()),
        "name a file that does not exist yet, in a folder that this user may write to",
    )
}

/// Writes a token as `source.token_file` wants it: one line and nothing else.
pub(crate) fn write(file: &mut std::fs::File, secret: &Secret) -> std::io::Result<()> {
    writeln!(file, "{}", secret.expose())?;
    file.sync_all()
}

async fn list(store: &Store, json: bool, out: &mut Out) -> Result<(), CliError> {
    let tokens = store.tokens().await?;
    if json {
        return out.json(&tokens);
    }
    if tokens.is_empty() {
        return out.line("no token yet; make one: strongroom server token create --name backup-1 --scope backup");
    }
    for Token { id, name, scopes, created_at, revoked_at } in tokens {
        let state = match revoked_at {
            Some(at) => format!("revoked {}", at.strftime("%Y-%m-%d")),
            None => format!("since {}", created_at.strftime("%Y-%m-%d")),
        };
        out.line(format_args!("{id}  {:<24} {:<16} {state}", shown(&name), scopes.to_string()))?;
    }
    Ok(())
}

fn shown(name: &str) -> String {
    printable(name, 40)
}
