//! The topology as a file that a broker imports.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};
use strongroom_bus::Topology;
use strongroom_bus::broker::{BrokerError, Publisher};
use strongroom_servers::rabbitmq;

use crate::rig::{applied, broker_at, send, topology, work};

/// The export of a virtual host, in an order of its own and without the host's name.
fn plain(mut definitions: Value) -> Value {
    for part in ["queues", "exchanges", "bindings", "policies"] {
        let items = definitions[part].as_array_mut().unwrap();
        for item in items.iter_mut() {
            item.as_object_mut().unwrap().remove("vhost");
        }
        items.sort_by_key(ToString::to_string);
    }
    json!([definitions["queues"], definitions["exchanges"], definitions["bindings"], definitions["policies"]])
}

fn import(definitions: &Value) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), definitions.to_string()).unwrap();
    // The broker's tools run as another user.
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644)).unwrap();
    rabbitmq().ctl(&["import_definitions", file.path().to_str().unwrap()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn imported_it_is_the_same_as_applied() {
    let (applied, _, _) = applied().await;
    let vhost = rabbitmq().vhost();
    import(&topology().definitions(&vhost.name));
    assert_eq!(plain(vhost.definitions()), plain(applied.definitions()));
    let broker = broker_at(&vhost.amqp_url);
    broker.apply(&topology()).await.unwrap();
    send(&Publisher::connect(&broker).await.unwrap(), &[work(1)]).await;

    // Its users cannot log in until somebody gives them passwords.
    let relay = vhost.amqp_url.replace("guest:guest@", "strongroom-relay:@");
    let error = Publisher::connect(&broker_at(&relay)).await.unwrap_err();
    assert!(matches!(error, BrokerError::Refused { .. }), "{error:?}");
    rabbitmq().ctl(&["change_password", "strongroom-relay", "secret"]);
    let relay = vhost.amqp_url.replace("guest:guest@", "strongroom-relay:secret@");
    broker_at(&relay).apply(&topology()).await.unwrap();
}

/// `strongroom topology export` with what the default configuration names.
#[test]
fn the_deployed_schema_in_the_repository_is_the_topology_of_the_default_site() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/rabbitmq/definitions.json");
    let topology = Topology::new("main".parse().unwrap(), &[]);
    let current = format!("{}\n", serde_json::to_string_pretty(&topology.definitions("/")).unwrap());
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::create_dir_all(std::path::Path::new(path).parent().unwrap()).unwrap();
        std::fs::write(path, &current).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == current, "deploy/rabbitmq/definitions.json has drifted: run `cargo xtask schemas`");
}
