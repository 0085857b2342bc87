//! The command line: what can be typed, and the help that teaches it.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::verb;

/// Takes signed-off documents off a server onto an external drive, and proves every file.
#[derive(Debug, Parser)]
#[command(
    name = "strongroom",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    subcommand_value_name = "VERB",
    subcommand_help_heading = "Verbs",
    after_help = FIRST_STEPS
)]
pub(crate) struct Cli {
    /// The configuration; without it ./strongroom.toml, then the system's place
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    #[command(subcommand)]
    pub(crate) verb: Verb,
}

const FIRST_STEPS: &str = "\
First steps:
  strongroom demo                     see the whole job on generated files, in a folder of its own
  strongroom config init              write a commented strongroom.toml, then edit it
  strongroom drive init /mnt/backup   give a drive its identity
  strongroom doctor                   try every connection, and learn what to do
  strongroom run --once               back up what is waiting, then exit

Exit codes: 0 well; 1 failed; 2 done, with problems that need a person; 64 usage error.";

/// The verbs, in the order in which a new user meets them.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Demo(verb::demo::Args),
    Config(verb::config::Args),
    Drive(verb::drive::Args),
    Doctor(verb::doctor::Args),
    Run(verb::run::Args),
    Status(verb::status::Args),
    Retry(verb::retry::Args),
    Restore(verb::restore::Args),
    Purge(verb::purge::Args),
    Job(verb::job::Args),
    List(verb::list::Args),
    Target(verb::target::Args),
    Tasks(verb::tasks::Args),
    Host(verb::host::Args),
    Replay(verb::replay::Args),
    Log(verb::log::Args),
    Key(verb::key::Args),
    Prove(verb::prove::Args),
    CheckProof(verb::check_proof::Args),
    Witness(verb::witness::Args),
    Plugin(verb::plugin::Args),
    Server(verb::server::Args),
    Relay(verb::relay::Args),
    Enumerate(verb::enumerate::Args),
    Fetch(verb::fetch::Args),
    Verify(verb::verify::Args),
    Archive(verb::archive::Args),
    Custody(verb::custody::Args),
    Notify(verb::notify::Args),
    Transfer(verb::transfer::Args),
    Monitor(verb::monitor::Args),
    Topology(verb::topology::Args),
    Queue(verb::queue::Args),
    Completions(verb::completions::Args),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_verb_teaches_with_an_example() {
        let mut program = Cli::command();
        program.build();
        let mut page = String::new();
        for mut verb in program.get_subcommands().filter(|verb| verb.get_name() != "help").cloned() {
            let help = verb.render_long_help().to_string();
            assert!(help.contains("strongroom "), "{} shows no example", verb.get_name());
            page.push_str(&format!("==== strongroom {}\n{help}\n", verb.get_name()));
        }
        insta::assert_snapshot!(page);
    }

    #[test]
    fn the_first_page_shows_the_way() {
        insta::assert_snapshot!(Cli::command().render_long_help());
    }
}
