//! The topology as a file that a broker imports.

use serde_json::{Map, Value, json};
use strongroom_model::SiteId;

use crate::broker::topology::{Argument, EXCHANGE, Queue, Topology};

/// Declares and publishes; reads what is parked.
pub(super) const RELAY_USER: &str = "strongroom-relay";
/// Consumes and publishes; declares nothing.
pub(super) const WORKER_USER: &str = "strongroom-worker";

/// In the format of RabbitMQ's own export.
pub(super) fn render(topology: &Topology, vhost: &str) -> Value {
    let queues: Vec<_> = topology.queues().iter().map(|queue| declaration(queue, vhost)).collect();
    let bindings: Vec<_> = topology.queues().iter().filter_map(|queue| binding(queue, vhost)).collect();
    json!({
        "vhosts": [{ "name": vhost }],
        // The arguments say it all. Operators may set a policy: the lower `max-length` counts.
        "policies": [],
        "exchanges": [{
            "name": EXCHANGE,
            "vhost": vhost,
            "type": "topic",
            "durable": true,
            "auto_delete": false,
            "internal": false,
            "arguments": {},
        }],
        "queues": queues,
        "bindings": bindings,
    })
}

/// They see that site's queues and no other's; a broker for several sites has users for each.
pub(super) fn users(site: &SiteId, vhost: &str) -> Value {
    let ours = format!("strongroom\\.{site}\\.");
    let of_ours = format!("^{}\\.", site.as_str());
    json!({
        "vhosts": [{ "name": vhost }],
        "users": [user(RELAY_USER), user(WORKER_USER)],
        "permissions": [
            {
                "user": RELAY_USER,
                "vhost": vhost,
                "configure": format!("^(strongroom\\.events|{ours}.*)$"),
                // Dead letters go through the default exchange.
                "write": format!("^(strongroom\\.events|{ours}.*|amq\\.default)$"),
                "read": format!("^(strongroom\\.events|{ours}.*)$"),
            },
            {
                "user": WORKER_USER,
                "vhost": vhost,
                "configure": "^$",
                "write": "^strongroom\\.events$",
                "read": format!("^{ours}"),
            },
        ],
        "topic_permissions": [
            topics(RELAY_USER, vhost, &of_ours),
            topics(WORKER_USER, vhost, &of_ours),
        ],
    })
}

fn topics(user: &str, vhost: &str, keys: &str) -> Value {
    json!({ "user": user, "vhost": vhost, "exchange": EXCHANGE, "write": keys, "read": keys })
}

/// Without a password nobody can log in; `rabbitmqctl change_password` sets one.
fn user(name: &str) -> Value {
    json!({
        "name": name,
        "password_hash": "",
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": [],
    })
}

fn declaration(queue: &Queue, vhost: &str) -> Value {
    let arguments: Map<_, _> = queue.arguments.iter().map(|(name, value)| ((*name).to_owned(), plain(value))).collect();
    json!({
        "name": queue.name.as_str(),
        "vhost": vhost,
        "durable": true,
        "auto_delete": false,
        "arguments": arguments,
    })
}

fn plain(argument: &Argument) -> Value {
    match argument {
        Argument::Number(number) => json!(number),
        Argument::Text(text) => json!(text),
    }
}

fn binding(queue: &Queue, vhost: &str) -> Option<Value> {
    let key = queue.binding.as_ref()?;
    Some(json!({
        "source": EXCHANGE,
        "vhost": vhost,
        "destination": queue.name.as_str(),
        "destination_type": "queue",
        "routing_key": key,
        "arguments": {},
    }))
}
