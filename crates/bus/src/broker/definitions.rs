//! The topology as a file that a broker imports.

use serde_json::{Map, Value, json};

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

/// The users and their least rights, in the same format.
pub(super) fn users(vhost: &str) -> Value {
    json!({
        "vhosts": [{ "name": vhost }],
        "users": [user(RELAY_USER), user(WORKER_USER)],
        "permissions": [
            {
                "user": RELAY_USER,
                "vhost": vhost,
                "configure": "^strongroom\\.",
                // The default exchange stands behind the dead letters of every queue.
                "write": "^(strongroom\\..*|amq\\.default)$",
                "read": "^strongroom\\.",
            },
            {
                "user": WORKER_USER,
                "vhost": vhost,
                "configure": "^$",
                "write": "^strongroom\\.events$",
                "read": "^strongroom\\.",
            },
        ],
    })
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
