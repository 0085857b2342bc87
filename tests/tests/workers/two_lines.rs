//! From the embedded default to Postgres and RabbitMQ: a change of two lines, as a new user would make it.

use std::fs;

use strongroom_servers::{postgres, rabbitmq};
use strongroom_tests::audit::{events, r1_every_manifest_is_right, the_log_is_sound};
use strongroom_tests::fleet::{self, Part};
use strongroom_tests::program::{Call, stop_all};
use strongroom_tests::site::Site;
use strongroom_tests::wait;

/// How many documents there are at each step.
const SOME: u64 = 5;
/// What the template says of the two addresses, as examples.
const EXAMPLES: [&str; 2] = [
    "#url = \"postgres://strongroom:password@127.0.0.1/strongroom\"",
    "#url = \"amqp://strongroom:password@127.0.0.1/strongroom\"",
];

fn archived(site: &Site) -> u64 {
    site.status()["bookings"]["archived"].as_u64().unwrap()
}

#[test]
fn two_lines_lead_from_the_embedded_log_to_postgres_and_rabbitmq() {
    let _turn = fleet::turn();
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().join("here");
    Call::new(folder.path(), ["demo", "--dir", "here", "--bookings", &SOME.to_string()]).run().expect_code(0);
    let mut site = Site::opened(&here);
    let before = site.status();
    assert_eq!(archived(&site), SOME);

    let (database, vhost) = (postgres().database(), rabbitmq().vhost());
    let file = here.join("strongroom.toml");
    let mut text = fs::read_to_string(&file).unwrap();
    for (example, url) in EXAMPLES.into_iter().zip([&database.url, &vhost.amqp_url]) {
        assert_eq!(text.matches(&format!("{example}\n")).count(), 1, "{example}");
        text = text.replace(&format!("{example}\n"), &format!("url = \"{url}\"\n"));
    }
    fs::write(&file, text).unwrap();
    site.call(["log", "migrate"]).run().expect_code(0);
    site.call(["log", "copy"]).run().expect_code(0);
    assert_eq!(site.status()["log"], before["log"], "the same size and the same root");

    let _server = site.serve();
    site.add_documents(SOME as usize);
    site.run_once().run().expect_code(0);
    assert_eq!(archived(&site), 2 * SOME, "one process did all of it over the broker");

    site.upload("B-1", "hours.pdf", b"eight hours").unwrap();
    // The next run comes at once, not in two minutes.
    site.set("schedule.every", "1s");
    let crew: Vec<_> = Part::ALL.into_iter().map(|part| site.call([part.verb()]).start()).collect();
    wait::until_true("what separate processes did", || archived(&site) == 2 * SOME + 1);
    stop_all(crew);
    the_log_is_sound(&site);
    r1_every_manifest_is_right(&site);
    assert!(events(&site).len() > before["log"]["size"].as_u64().unwrap() as usize);
}
