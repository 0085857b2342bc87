//! The topology as a file that a broker imports.

use serde_json::{Map, Value, json};
use strongroom_model::SiteId;

use crate::broker::topology::{Argument, EXCHANGE, Queue, Topology};

/// Declares and publishes; reads what is parked.
pub(super) const RELAY_USER: &str = "strongroom-relay";
/// Takes work and hands it on; declares nothing.
pub(super) const WORKER_USER: &str = "strongroom-worker";

/// The definitions of one virtual host, in the format of RabbitMQ's own export.
pub(super) fn render(topology: &Topology, vhost: &str) -> Value {
    let queues: Vec<_> = topology.queues().iter().map(|queue| declaration(queue, vhost)).collect();
    let bindings: Vec<_> = topology.queues().iter().filter_map(|queue| binding(queue, vhost)).collect();
    json!({
        "vhosts": [{ "name": vhost }],
        // None is needed: what a queue is stands in its arguments. A lower `max-length` is a
        // policy's to set, and then the lower one counts.
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

/// The users and their least rights, in the same format: they see the queues of that site and no other's, and
/// publish what is routed to it. A broker for several sites has users for each.
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
                // The default exchange stands behind the dead letters of every queue.
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

/// Which keys a user may publish with, and bind queues by.
fn topics(user: &str, vhost: &str, keys: &str) -> Value {
    json!({ "user": user, "vhost": vhost, "exchange": EXCHANGE, "write": keys, "read": keys })
}

/// A user without a password cannot log in: `rabbitmqctl change_password` gives it one.
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
