//! A transfer that takes longer than the broker waits for an acknowledgement.

use std::time::Duration;

use strongroom_model::Event;
use strongroom_servers::{RabbitMq, postgres};
use strongroom_tests::audit::count;
use strongroom_tests::fleet::Fleet;
use strongroom_tests::proxy::Fault;

/// How long the broker waits, in milliseconds: shorter than this it cannot be set to be looked at in time.
const BROKER_WAITS_MS: &str = "10000";
const TRANSFER: Duration = Duration::from_secs(30);
const QUICK: usize = 10;

#[test]
#[ignore = "minutes of faults: cargo xtask faults"]
fn a_transfer_that_outlasts_the_brokers_patience_is_made_once() {
    let rabbitmq = RabbitMq::start_with(&[("consumer_timeout", BROKER_WAITS_MS)]);
    let mut fleet = Fleet::on(postgres(), &rabbitmq);
    fleet.site.set("broker.hold_after", "2s");
    fleet.site.upload("B-slow", "slow.pdf", &[7; 100_000]).unwrap();
    fleet.site.add_documents(QUICK);
    fleet.site.proxy.meddle("/B-slow/timesheet ", None, Fault::Trickle(TRANSFER));
    let mut crew = fleet.crew();
    crew.until_archived(QUICK + 1);
    crew.leave();
    fleet.all_is_well(QUICK + 1);
    let requests = fleet.site.proxy.requests();
    let transfers: Vec<_> = requests.iter().filter(|line| line.contains("/B-slow/timesheet ")).collect();
    assert_eq!(transfers.len(), 1, "{transfers:?}");
    let holds = count(&fleet.site, |event| matches!(event, Event::TimesheetHeld(_)));
    assert!(holds > 1, "it was held {holds} times");
}
