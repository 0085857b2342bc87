//! Postgres goes and comes back, or its answer is lost.

use strongroom_servers::{Postgres, rabbitmq};
use strongroom_tests::fleet::Fleet;

use crate::bears;

/// In every event's bytes, so in every append, and nowhere else.
const IN_AN_APPEND: &str = "datacontenttype";
const LOST: u32 = 5;

#[test]
fn postgres_is_restarted() {
    let postgres = Postgres::start();
    bears(Fleet::on(&postgres, rabbitmq()), |_, _| {
        postgres.stop();
        postgres.start_again();
    });
}

#[test]
fn postgres_is_killed() {
    let postgres = Postgres::start();
    bears(Fleet::on(&postgres, rabbitmq()), |_, _| {
        postgres.kill();
        postgres.start_again();
    });
}

#[test]
#[ignore = "minutes of faults: cargo xtask faults"]
fn the_answers_to_some_commits_are_lost() {
    bears(Fleet::shared(), |fleet, _| {
        for number in 1..=LOST {
            fleet.to_postgres.lose_the_answer_to(IN_AN_APPEND);
            fleet.to_postgres.wait_until_struck(number);
        }
    });
}
