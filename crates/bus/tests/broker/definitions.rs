//! The topology as a file that a broker imports.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};
use strongroom_bus::Topology;
use strongroom_bus::broker::{BrokerError, EventMessage, Published, Publisher, QueueName, RoutingKey, Subscription};
use strongroom_model::StageName;
use strongroom_servers::rabbitmq;

use crate::rig::{applied, broker_at, enumerated_event, fetch_queue, send, topology, work};

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
}

#[tokio::test(flavor = "multi_thread")]
async fn the_users_have_their_rights_once_they_have_passwords_and_keep_them() {
    let vhost = rabbitmq().vhost();
    import(&topology().users(&vhost.name));
    let as_user = |user: &str, password: &str| {
        broker_at(&vhost.amqp_url.replace("guest:guest@", &format!("strongroom-{user}:{password}@")))
    };
    let error = Publisher::connect(&as_user("relay", "")).await.unwrap_err();
    assert!(matches!(error, BrokerError::Refused { .. }), "{error:?}");
    for user in ["strongroom-relay", "strongroom-worker"] {
        rabbitmq().ctl(&["change_password", user, "secret"]);
    }
    let error = as_user("worker", "secret").apply(&topology()).await.unwrap_err();
    assert!(matches!(error, BrokerError::Forbidden { .. }), "{error:?}");
    as_user("relay", "secret").apply(&topology()).await.unwrap();
    import(&topology().definitions(&vhost.name));
    as_user("worker", "secret").check(&topology()).await.unwrap();

    // Another site has its queues beside ours.
    let quarry = Topology::new("quarry".parse().unwrap(), &[]);
    let theirs = QueueName::stage(&"quarry".parse().unwrap(), StageName::Fetch, None).unwrap();
    broker_at(&vhost.amqp_url).apply(&quarry).await.unwrap();
    for user in ["relay", "worker"] {
        let broker = as_user(user, "secret");
        let error = Subscription::open(&broker, &theirs, 1).await.unwrap_err();
        assert!(matches!(error, BrokerError::Forbidden { .. }), "{user} must not take another site's work: {error:?}");
        let error = broker.apply(&quarry).await.unwrap_err();
        assert!(
            matches!(error, BrokerError::Forbidden { .. }),
            "{user} must not change another site's queues: {error:?}"
        );
        let publisher = Publisher::connect(&broker).await.unwrap();
        send(&publisher, &[work(1)]).await;
        let (event, body) = enumerated_event(2);
        let key = RoutingKey::of(&"quarry".parse().unwrap(), &event, None).unwrap();
        let sent = publisher.publish(&[EventMessage::of(&event, body, key)]).await;
        assert!(
            !matches!(&sent, Ok(sent) if sent[..] == [Published::Confirmed]),
            "{user} must not publish there: {sent:?}"
        );
    }
    let eye = Publisher::connect(&broker_at(&vhost.amqp_url)).await.unwrap();
    assert_eq!(eye.depth(&theirs).await.unwrap().unwrap().ready, 0, "nothing has come to the other site");
    assert!(Subscription::open(&as_user("worker", "secret"), &fetch_queue(), 1).await.is_ok());
}

/// `strongroom topology export` with what the default configuration names.
#[test]
fn each_deployed_schema_in_the_repository_is_of_the_default_site() {
    let topology = Topology::new("main".parse().unwrap(), &[]);
    for (name, definitions) in [("definitions", topology.definitions("/")), ("users", topology.users("/"))] {
        let path = format!("{}/../../deploy/rabbitmq/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let current = format!("{}\n", serde_json::to_string_pretty(&definitions).unwrap());
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::write(&path, &current).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == current, "deploy/rabbitmq/{name}.json has drifted: run `cargo xtask schemas`");
    }
}
