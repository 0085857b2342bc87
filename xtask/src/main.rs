//! The project's chores: `cargo xtask <chore>`.
//!
//! In reading order: [`steps`] runs and times what the chores are made of; [`cargo`] makes
//! the commands; [`ci`] and [`mod@test`] are the chores that must pass, and [`mod@bench`] the one that
//! measures; [`packages`], [`deny`] and [`unused`] are single steps of theirs, and [`tally`] adds the tests
//! up. [`faults`] tries the workers again and again; [`package`] makes what is installed, and [`tool`] what it needs.

mod bench;
mod cargo;
mod ci;
mod deny;
mod faults;
mod package;
mod packages;
mod steps;
mod tally;
mod test;
mod tool;
mod unused;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::steps::Steps;

/// The project's chores.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Checks everything that a change must pass to land.
    Ci,
    /// Sets up what the tests need, builds the program and runs every test.
    Test {
        /// How often the program is killed at a random moment and started again.
        #[arg(long, value_name = "N", default_value_t = test::KILLS)]
        kills: u32,
        /// How many bookings are on their way while a fault strikes the separate workers.
        #[arg(long, value_name = "N", default_value_t = test::BOOKINGS, value_parser = clap::value_parser!(u32).range(1..))]
        bookings: u32,
        /// Handed to `cargo test`, such as a test's name.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Tries the separate workers under every fault, again and again, until that fails.
    Faults {
        /// How often.
        #[arg(long, value_name = "N", default_value_t = 1)]
        times: u32,
        /// How many bookings are on their way while a fault strikes.
        #[arg(long, value_name = "N", default_value_t = faults::BOOKINGS, value_parser = clap::value_parser!(u32).range(1..))]
        bookings: u32,
        /// Handed to the suite, such as a test's name.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Writes `schemas/` anew from the code.
    Schemas {
        /// Changes nothing; fails and names the files that are not as the code says.
        #[arg(long)]
        check: bool,
    },
    /// Runs the benchmarks, optimised.
    Bench {
        /// Handed to `cargo bench`, such as a benchmark's name.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Makes the Debian package, with units, user and folders.
    Package(package::Args),
    /// Names dependencies that no source file mentions.
    Unused,
    /// Checks licences, banned crates, sources and advisories.
    Deny,
}

fn main() -> ExitCode {
    let mut steps = Steps::default();
    match Cli::parse().chore {
        Chore::Ci => ci::run(&mut steps),
        Chore::Test { kills, bookings, args } => test::run(&mut steps, test::Load { kills, bookings }, &args),
        Chore::Faults { times, bookings, args } => faults::run(&mut steps, times, bookings, &args),
        Chore::Schemas { check } => drop(steps.run("schemas", || cargo::schemas(!check))),
        Chore::Bench { args } => bench::run(&mut steps, &args),
        Chore::Package(args) => drop(steps.run("package", || package::make(&args))),
        Chore::Unused => drop(steps.run("unused dependencies", unused::check)),
        Chore::Deny => drop(steps.run("dependencies", deny::check)),
    }
    steps.finish()
}
