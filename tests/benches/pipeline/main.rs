//! The whole program at work, as its users run it: `cargo bench -p strongroom-tests`, or only what
//! is named: `… -- job`, `workers`, `scaling`, `scale`, `backlog`, `large`, `replay`.
//!
//! Postgres syncs, and it, RabbitMQ, the document server and the program share this machine's
//! processors. What counts are ratios of lines of one run; a line that begins with `target:` has what
//! was asked for beside it.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![expect(clippy::unwrap_used, reason = "a benchmark may stop at the first error")]

mod cpu;
mod job;
mod memory;
mod place;
mod replay;
mod scale;
mod scaling;

use crate::place::Servers;

/// What measures one thing, and prints it.
type Bench = fn(&Servers);

/// What can be measured, and how.
const NAMES: [(&str, Bench); 6] = [
    ("job", job::at_once),
    ("workers", job::workers),
    ("scaling", scaling::fetch),
    ("scale", scale::months),
    ("backlog", memory::backlog),
    ("large", memory::large),
];

fn main() {
    // `cargo test --all-targets` runs this, too, without the argument: then it is enough that it builds.
    if !std::env::args().any(|word| word == "--bench") {
        return;
    }
    let is_named = |name: &str| std::env::args().any(|word| word == name);
    let any_named = NAMES.iter().any(|(name, _)| is_named(name));
    // It needs no servers and has limits: when it runs alone, the exit code reports whether they hold.
    if is_named("replay") || !any_named {
        let is_met = replay::million(is_named("--quick"));
        if is_named("replay") && !is_met {
            std::process::exit(1);
        }
    }
    if is_named("replay") && !any_named {
        return;
    }
    let servers = Servers::start();
    for (name, measure) in NAMES {
        if !any_named || is_named(name) {
            measure(&servers);
        }
    }
}

/// A number that the environment may set, for a quick look or a machine with little room.
fn setting(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |told| told.parse().expect("it is a number"))
}
