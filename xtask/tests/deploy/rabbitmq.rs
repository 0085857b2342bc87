//! RabbitMQ's settings and users, on a real broker.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;
use strongroom_servers::RabbitMq;

use crate::{compose, tree};

/// The settings of a file, without comments.
fn settings(file: &str) -> Vec<(String, String)> {
    let text = tree::read(file);
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let split = lines.map(|line| line.split_once(" = ").unwrap_or_else(|| panic!("deploy/{file}: {line}")));
    split.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn rights(definitions: &Value) -> Vec<[&Value; 4]> {
    let permissions = definitions["permissions"].as_array().unwrap().iter();
    permissions.map(|permission| ["user", "configure", "write", "read"].map(|field| &permission[field])).collect()
}

pub(crate) fn import(broker: &RabbitMq, definitions: &Path) {
    let copy = tempfile::NamedTempFile::new().unwrap();
    fs::copy(definitions, copy.path()).unwrap();
    // The broker's tools run as another user, who may not enter every folder.
    copy.as_file().set_permissions(fs::Permissions::from_mode(0o644)).unwrap();
    broker.ctl(&["import_definitions", copy.path().to_str().unwrap()]);
}

/// The broker starts with the settings, and takes the definitions and the users with their passwords; an
/// unknown setting keeps it from starting.
#[test]
fn a_broker_takes_the_settings_the_definitions_and_the_users() {
    let settings = settings("rabbitmq/rabbitmq.conf");
    let settings: Vec<_> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let broker = RabbitMq::start_with(&settings);
    let (_folder, folder) = compose::set_up();
    for file in [tree::path("rabbitmq/definitions.json"), folder.join("secrets/rabbitmq-users")] {
        import(&broker, &file);
    }
    for user in ["relay", "worker"] {
        let url = fs::read_to_string(folder.join(format!("secrets/broker-{user}-url"))).unwrap();
        let login = url.trim_start_matches("amqp://").split('@').next().unwrap();
        let (name, password) = login.split_once(':').unwrap();
        let said = broker.ctl(&["authenticate_user", name, password]);
        assert!(said.contains("Success"), "{name}: {said}");
    }
    let said = broker.ctl(&["list_permissions", "--vhost", "strongroom", "--quiet"]);
    assert!(said.lines().any(|line| line.starts_with("strongroom-worker\t^$\t")), "{said}");
    let queues = broker.ctl(&["list_queues", "--quiet", "name", "type"]);
    assert!(queues.lines().any(|line| line == "strongroom.main.fetch.v1\tquorum"), "{queues}");
}

/// The containers' users are those that the broker's own file has, with its rights, but with passwords.
#[test]
fn the_containers_users_are_the_topologys() {
    let own: Value = serde_json::from_str(&tree::read("rabbitmq/users.json")).unwrap();
    let containers: Value = serde_json::from_str(&tree::read("compose/rabbitmq-users.json")).unwrap();
    assert_eq!(rights(&own), rights(&containers));
    let conf = settings("compose/rabbitmq.conf");
    assert_eq!(conf, [("load_definitions".to_owned(), "/run/secrets/rabbitmq-users.json".to_owned())]);
    assert!(tree::read("compose/compose.yaml").contains("target: rabbitmq-users.json"));
}

/// The operators' page gives the same rights by hand.
#[test]
fn the_page_gives_the_topologys_rights() {
    let page = fs::read_to_string(tree::root().join("docs/operations.md")).unwrap();
    let own: Value = serde_json::from_str(&tree::read("rabbitmq/users.json")).unwrap();
    for [user, configure, write, read] in rights(&own) {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let [user, configure, write, read] = [text(user), text(configure), text(write), text(read)];
        let line = format!("set_permissions --vhost strongroom {user} '{configure}' '{write}' '{read}'\n");
        assert!(page.contains(&line), "docs/operations.md: {line}");
    }
}
