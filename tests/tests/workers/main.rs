//! The site as independent processes, over real Postgres and RabbitMQ, under every fault that they must bear.
//!
//! Each test ends with every booking archived exactly once, the log verified, queues empty, no alarm raised, and
//! nothing for a person to do.
//!
//! A change is held to a few of them; `cargo xtask faults` runs all, those that are marked as ignored too.
//!
//! - `kills`: every kind of process dies;
//! - `broker`: RabbitMQ is restarted, wiped, short of memory; `cluster`: its leader dies;
//! - `new_broker`: one with nothing in it is made ready by hand;
//! - `away`: Postgres is away for long, and a person hears of it all the same;
//! - `database`: Postgres is restarted, and the answer to a commit is lost;
//! - `dead`: each part in turn, and every place says so; the longest, and so among the first;
//! - `full`: the drive has no room beyond its reserve;
//! - `rewound`: the database is restored from an older copy;
//! - `wires`: the wire to each is cut, for long and half-way through a reply;
//! - `messages`: they come twice, in reverse order, or make no sense;
//! - `missing`: a part dies for good, and a person hears of it;
//! - `slow`: a transfer takes longer than the broker waits for;
//! - `mail`: the mail server is down;
//! - `jobs`: backup jobs of two hosts, each by its own workers;
//! - `two_lines`: from the embedded default to all this by two lines of configuration.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod away;
mod broker;
mod cluster;
mod database;
mod dead;
mod full;
mod jobs;
mod kills;
mod left_raised;
mod mail;
mod messages;
mod missing;
mod new_broker;
mod relays;
mod rewound;
mod slow;
mod tap;
mod two_lines;
mod wires;

use strongroom_tests::fleet::{Crew, Fleet, bookings};

/// A load on its way: some of it is done, and most of it is not.
const UNDER_WAY: usize = 10;

/// Brings a load under way, lets `fault` strike, and checks that all ends well.
fn bears(mut fleet: Fleet, fault: impl FnOnce(&Fleet, &mut Crew<'_>)) {
    let bookings = bookings();
    fleet.site.add_documents(bookings);
    let mut crew = fleet.crew();
    crew.until_hundredths(UNDER_WAY, bookings);
    fault(&fleet, &mut crew);
    crew.until_archived(bookings);
    crew.leave();
    fleet.all_is_well(bookings);
}
