//! `strongroom log migrate`: the log's tables and roles in a Postgres database.

use std::path::PathBuf;

use strongroom_eventlog::{Migrated, grant_postgres, migrate_postgres};
use strongroom_service::Config;
use strongroom_service::config::ServiceUrl;

use crate::cli_error::{CliError, ErrorContext as _};
use crate::exit::Exit;
use crate::out::Out;
use crate::site::unopened;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom log migrate --url-file owner.url   as the user whose address is in that file
  strongroom log migrate                        as the user of log.url, where that one owns the database
  strongroom log migrate --writer worker_quarry  the same, and only this role may write to the configured site's log

It makes the roles strongroom_writer and strongroom_auditor, which nobody logs in as: let the
database's owner grant them to those who do. Every member of strongroom_writer may write to the log of the
configured site, unless --writer names others: so workers of one site cannot touch another one's. Doing it
twice is harmless.")]
pub(super) struct Args {
    /// The file that holds the address of the database, with a user who owns it, and nothing else; without it log.url of
    /// the configuration. There is no option for the address itself: every user of this host sees a command's arguments
    #[arg(long, value_name = "FILE")]
    url_file: Option<PathBuf>,
    /// Who may write to the configured site's log, and nobody else: a role of the database, or several
    #[arg(long, value_name = "ROLE")]
    writer: Vec<String>,
}

pub(super) async fn run(args: &Args, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let url = address(args, config)?;
    let migrated = migrate_postgres(url.reveal().as_str()).await.map_err(unopened)?;
    let writers = grant_postgres(url.reveal().as_str(), &config.site, &args.writer).await.map_err(unopened)?;
    out.raw(page(&migrated, config.log.database().is_ok_and(|url| url.is_some())))?;
    out.line(format_args!("members of {} may write to the log of site {}", writers.join(" and "), config.site))?;
    Ok(if migrated.missing_roles.is_empty() { Exit::Well } else { Exit::Problems })
}

fn address(args: &Args, config: &Config) -> Result<ServiceUrl, CliError> {
    if let Some(path) = &args.url_file {
        let text = std::fs::read_to_string(path).context(format!("{} cannot be read", path.display()))?;
        return Ok(ServiceUrl::database(text.trim())?);
    }
    config.log.database()?.ok_or_else(|| {
        CliError::new("no database is named")
            .next_step("set log.url in strongroom.toml, or write postgres://OWNER:PASSWORD@HOST/DATABASE into a file that you alone may read, and name that with --url-file")
    })
}

fn page(migrated: &Migrated, is_set: bool) -> String {
    let Migrated { database, before, now, missing_roles } = migrated;
    let mut page = match before {
        None => format!("the database {database} holds the event log's tables now (schema {now})\n"),
        Some(before) if before == now => format!("the database {database} is up to date (schema {now})\n"),
        Some(before) => format!("the database {database} was brought from schema {before} to {now}\n"),
    };
    for role in missing_roles {
        page += &format!("the role {role} is missing, and this user may not create it\n");
    }
    page += match (missing_roles.is_empty(), is_set) {
        (true, true) => "Next: strongroom log copy, where there is a log to bring over\n",
        (true, false) => "Next: set log.url, then strongroom log copy where there is a log to bring over\n",
        (false, _) => "Next: let a superuser run CREATE ROLE … NOLOGIN for these, then migrate again\n",
    };
    page
}
