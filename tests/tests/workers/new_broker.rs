//! A broker with nothing in it is made ready by the very commands of the manual.

use std::fs::{self, File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use strongroom_servers::RabbitMq;
use strongroom_tests::documented;
use strongroom_tests::fleet::turn;
use strongroom_tests::site::Site;

const PAGE: &str = "docs/operations.md";
const PASSWORD: &str = "secret";

/// The words of a command line, as a shell takes them apart.
fn words(line: &str) -> Vec<String> {
    let script = format!("rabbitmqctl() {{ printf '%s\\n' \"$@\"; }}\n{line}");
    let output = Command::new("sh").args(["-euc", &script]).output().unwrap();
    assert!(output.status.success(), "{line}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// What the manual has for a new broker, for the site of the tests. `add_user` asks for a password on a terminal.
fn make_ready(broker: &RabbitMq) {
    let lines = documented::example(PAGE, "a new broker");
    for line in lines.lines() {
        let line =
            line.strip_prefix("sudo ").unwrap().replace(r"\.main\.", r"\.kestrel\.").replace("^main", "^kestrel");
        let mut words = words(&line);
        if words[0] == "add_user" {
            words.push(PASSWORD.to_owned());
        }
        broker.ctl(&words.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

#[test]
fn a_new_broker_is_made_ready_by_the_commands_of_the_manual_also_in_place_of_the_old_one() {
    let _turn = turn();
    let broker = RabbitMq::start();
    let site = Site::without_drive();
    let url = |user: &str| format!("amqp://{user}:{PASSWORD}@{}/strongroom", broker.address());
    let mut settings = File::options().append(true).open(site.path("strongroom.toml")).unwrap();
    writeln!(settings, "[broker]\nurl = \"{}\"", url("strongroom-worker")).unwrap();
    let file = site.path("relay.url");
    fs::write(&file, url("strongroom-relay")).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    let relay = file.display().to_string();
    for _ in 0..2 {
        site.call(["doctor"]).run().expect_said(" refuses strongroom-worker: ");
        make_ready(&broker);
        let refused = site.call(["topology", "apply"]).run().expect_code(1);
        refused.expect_said("the broker does not let strongroom-worker do that").expect_said("needs the relay's login");
        site.call(["doctor"]).run().expect_said("takes our login, but strongroom.events is missing there");
        let said = documented::run(&site, PAGE, "the queues by hand", &[("/etc/strongroom/relay.url", &relay)]);
        assert!(said.contains("strongroom.kestrel.fetch.v1"), "{said}");
        site.call(["doctor"]).run().expect_said("takes our login, and has the site's");
        broker.wipe();
    }
}
