//! `strongroom plugin`: programs that transfer and verify backup jobs, built in or others'.

mod command;
mod describe;
mod list;
mod serve;
mod test;

use std::path::Path;

use clap::Subcommand;

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;

/// Lists, describes or tests plugins: programs that transfer and verify backup jobs
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  strongroom plugin list                               the built-in kinds, and jobs' own plugins
  strongroom plugin describe rsync                     what a kind does
  strongroom plugin describe /opt/plugins/copy.py      what it is, and the digest to accept it by
  strongroom plugin test /opt/plugins/copy.py          whether it keeps to the protocol
  strongroom plugin test --settings job.json /opt/plugins/copy.py

A plugin is started from a list of words, never through a shell, and in an empty folder: name files
by their whole path. How to write one is in docs/plugins.md, with whole examples."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: PluginVerb,
}

#[derive(Debug, Subcommand)]
enum PluginVerb {
    /// Shows what a plugin says of itself, and the digest of its files
    Describe(describe::DescribeArgs),
    /// Lists the built-in kinds, and the plugins of configured jobs
    List(list::ListArgs),
    /// Tries whether a plugin keeps to the protocol, on files of its own
    Test(test::TestArgs),
    /// Serves one request to a built-in kind, as Strongroom itself starts it
    Serve(serve::ServeArgs),
}

pub(crate) async fn run(args: &Args, file: Option<&Path>, out: &mut Out) -> Result<Exit, CliError> {
    match &args.action {
        PluginVerb::Describe(args) => describe::run(args, out).await,
        PluginVerb::List(args) => list::run(args, file, out).await,
        PluginVerb::Test(args) => test::run(args, out).await,
        PluginVerb::Serve(args) => serve::run(args).await,
    }
}
