//! `strongroom config`: writes a commented configuration, checks one, shows one.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use strongroom_model::text::with_causes;
use strongroom_notify::{Settings, SettingsError};
use strongroom_service::config::{FILE_NAME, Sources, template};
use strongroom_service::{Config, ConfigError};

use crate::cli_error::{CliError, ErrorContext as _};
use crate::exit::Exit;
use crate::out::Out;
use crate::process::role::Role;
use crate::site;

/// Writes a commented configuration file, checks one, or shows what is in force
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  strongroom config init                        write ./strongroom.toml, every key explained
  strongroom config init /etc/strongroom/strongroom.toml
  strongroom config check                       is it well-formed? which secrets are missing?
  strongroom config show                        what is in force, secrets hidden

Then: strongroom doctor tries what the file says."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: ConfigVerb,
}

#[derive(Debug, Subcommand)]
enum ConfigVerb {
    /// Writes a commented file, every key with its unit and default
    Init {
        /// Where to write it
        #[arg(default_value = "strongroom.toml")]
        file: PathBuf,
        /// Write over a file that is there already
        #[arg(long)]
        force: bool,
    },
    /// Prints that file instead, to compare with
    Template,
    /// Reads the configuration and says what is wrong with it
    Check,
    /// Shows what is in force (defaults, file and environment), secrets hidden
    Show {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(args: &Args, file: Option<&Path>, out: &mut Out) -> Result<Exit, CliError> {
    match &args.action {
        ConfigVerb::Init { file, force } => init(file, *force, out),
        ConfigVerb::Template => {
            out.raw(template::template())?;
            Ok(Exit::Well)
        }
        ConfigVerb::Check => check(file, out),
        ConfigVerb::Show { json } => show(&site::config(file)?, *json, out),
    }
}

fn init(path: &Path, force: bool, out: &mut Out) -> Result<Exit, CliError> {
    let mut options = OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let written = options.open(path).and_then(|mut file| file.write_all(template::template().as_bytes()));
    if let Err(error) = written {
        let there = error.kind() == ErrorKind::AlreadyExists;
        let step = if there {
            "name another file, or write over it with --force".to_owned()
        } else {
            "check that the folder exists and that this user may write there".to_owned()
        };
        return Err(CliError::new(format!("{} is not written", path.display())).because(&error).next_step(step));
    }
    let config = if path == Path::new(FILE_NAME) { String::new() } else { format!(" --config {}", path.display()) };
    out.line(format_args!("wrote {}, every key with its default\n", path.display()))?;
    out.line("Next: set source.url, source.token_file and drive.root in it, then type")?;
    out.line(format_args!("  strongroom drive init{config}    to give the drive its identity"))?;
    out.line(format_args!("  strongroom doctor{config}        to try everything"))?;
    Ok(Exit::Well)
}

fn check(file: Option<&Path>, out: &mut Out) -> Result<Exit, CliError> {
    let path = Sources::of_process(file).find()?;
    let config = site::config(file)?;
    let problems = problems(&config);
    for problem in &problems {
        out.line(format_args!("{}: {problem}", path.display()))?;
    }
    if problems.is_empty() {
        out.line(format_args!("{}: well-formed, and nothing is missing; next: strongroom doctor", path.display()))?;
    }
    Ok(if problems.is_empty() { Exit::Well } else { Exit::Failed })
}

/// What a run would miss.
fn problems(config: &Config) -> Vec<String> {
    let mut problems = Vec::new();
    let mut look = |found: Option<ConfigError>| problems.extend(found.map(|error| with_causes(&error)));
    if Role::has_bookings(config) {
        look(config.source.address().err());
        look(config.source.secret().err());
        look(config.drive.mounted_at().err());
    }
    look(config.mail_transport().err());
    look(config.mail.smtp.login().err());
    // What the configuration itself refuses is reported already.
    match Settings::from_config(config) {
        Ok(_) | Err(SettingsError::Config(_)) => {}
        Err(error) => problems.push(with_causes(&error)),
    }
    problems
}

fn show(config: &Config, json: bool, out: &mut Out) -> Result<Exit, CliError> {
    if json {
        out.json(config)?;
    } else {
        out.raw(toml::to_string_pretty(config).context("the configuration cannot be shown as TOML")?)?;
    }
    Ok(Exit::Well)
}
