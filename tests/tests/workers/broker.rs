//! RabbitMQ goes and comes back: with all it had, with nothing, or without memory.

use std::time::Duration;

use strongroom_servers::{RabbitMq, postgres};
use strongroom_tests::fleet::Fleet;

use crate::bears;

/// How long a fault lasts that must be felt by everybody.
const FELT: Duration = Duration::from_secs(5);

#[test]
fn rabbitmq_is_restarted() {
    let rabbitmq = RabbitMq::start();
    bears(Fleet::on(postgres(), &rabbitmq), |_, _| {
        rabbitmq.stop();
        rabbitmq.start_again();
    });
}

#[test]
#[ignore = "minutes of faults: cargo xtask faults"]
fn rabbitmq_is_wiped() {
    let rabbitmq = RabbitMq::start();
    bears(Fleet::on(postgres(), &rabbitmq), |_, _| rabbitmq.wipe());
}

#[test]
#[ignore = "minutes of faults: cargo xtask faults"]
fn rabbitmq_is_short_of_memory_for_a_while() {
    let rabbitmq = RabbitMq::start();
    bears(Fleet::on(postgres(), &rabbitmq), |_, _| {
        rabbitmq.memory_alarm(true);
        std::thread::sleep(FELT);
        rabbitmq.memory_alarm(false);
    });
}
