//! `strongroom completions`: what a shell needs to complete the command line.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;

/// Prints a script that lets your shell complete verbs and options
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom completions bash > ~/.local/share/bash-completion/completions/strongroom
  strongroom completions zsh > ~/.zfunc/_strongroom
  strongroom completions fish > ~/.config/fish/completions/strongroom.fish")]
pub(crate) struct Args {
    /// Which shell
    shell: Shell,
}

pub(crate) fn run(args: &Args, out: &mut Out) -> Result<Exit, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "strongroom", &mut script);
    out.raw(String::from_utf8_lossy(&script))?;
    Ok(Exit::Well)
}
