//! RabbitMQ servers.

mod cluster;
mod epmd;
mod http;
mod node;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

pub use self::cluster::Cluster;
use self::epmd::Epmd;
use self::http::Http;
use self::node::Node;

/// Whom a node knows from its beginning; it lets that user in by the loopback interface only.
const SUPERUSER: &str = "guest";

/// A RabbitMQ node of its own, on the loopback interface, with the management API. It ends
/// when this is dropped.
#[derive(Debug)]
pub struct RabbitMq {
    node: Node,
    /// Those that were given out, to be there again after [`RabbitMq::wipe`].
    vhosts: Mutex<Vec<String>>,
}

/// The node that the tests of this process share.
pub fn rabbitmq() -> &'static RabbitMq {
    static SHARED: OnceLock<RabbitMq> = OnceLock::new();
    SHARED.get_or_init(RabbitMq::start)
}

impl RabbitMq {
    /// Starts a node that nobody else has, to be stopped and started again.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// As [`RabbitMq::start`], with lines of `rabbitmq.conf`, such as `("consumer_timeout", "5000")`;
    /// channels look at that timer each second here, not each minute.
    pub fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::of(Node::start(&Arc::new(Epmd::start()), settings))
    }

    fn of(node: Node) -> Self {
        Self { node, vhosts: Mutex::default() }
    }

    /// Where it listens for AMQP, for a proxy in front of it.
    pub fn address(&self) -> SocketAddr {
        self.node.address()
    }

    /// Shuts it down as an operator would: connections are closed, nothing is lost.
    pub fn stop(&self) {
        self.node.end("TERM");
    }

    /// Kills it, as a machine that loses its power does.
    pub fn kill(&self) {
        self.node.end("KILL");
    }

    pub fn start_again(&self) {
        self.node.start_again();
    }

    /// Kills it and starts it again with nothing in it: all queues and messages are gone. The
    /// virtual hosts that were given out are there again, empty.
    pub fn wipe(&self) {
        self.node.end("KILL");
        self.node.forget();
        self.node.start_again();
        for name in self.vhosts.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            self.make_vhost(name);
        }
    }

    /// Begins or ends an alarm for want of memory: connections that publish are blocked.
    pub fn memory_alarm(&self, on: bool) {
        let watermark = if on { "0.00000001" } else { "0.6" };
        self.ctl(&["set_vm_memory_high_watermark", watermark]);
    }

    /// Runs `rabbitmqctl` against it, which takes a second or two; what it printed.
    pub fn ctl(&self, args: &[&str]) -> String {
        self.node.ctl(args)
    }

    /// Closes every connection to a virtual host from the broker's side.
    pub fn close_connections(&self, vhost: &Vhost) {
        self.ctl(&["close_all_connections", "--vhost", &vhost.name, "a test says so"]);
    }

    pub fn vhost(&self) -> Vhost {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let name = format!("test-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.make_vhost(&name);
        self.vhosts.lock().unwrap_or_else(PoisonError::into_inner).push(name.clone());
        Vhost {
            amqp_url: url(SUPERUSER, SUPERUSER, self.address(), &name),
            name,
            address: self.address(),
            http: self.node.http(),
        }
    }

    fn make_vhost(&self, name: &str) {
        self.node.http().make_vhost(name);
        self.node.http().permit(SUPERUSER, name, [".*", ".*", ".*"]);
    }
}

fn url(user: &str, password: &str, address: SocketAddr, vhost: &str) -> String {
    format!("amqp://{user}:{password}@{address}/{vhost}")
}

/// A virtual host for one test.
#[derive(Debug, Clone)]
pub struct Vhost {
    /// Where it is, as its superuser.
    pub amqp_url: String,
    pub name: String,
    address: SocketAddr,
    http: Http,
}

impl Vhost {
    /// Where it is behind a proxy, as its superuser.
    pub fn url_at(&self, proxy: SocketAddr) -> String {
        url(SUPERUSER, SUPERUSER, proxy, &self.name)
    }

    /// Where it is, as a user with just these rights: what it may configure, write and read,
    /// each a regular expression.
    pub fn url_with(&self, rights: [&str; 3]) -> String {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let user = format!("user-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.http.put(&format!("/api/users/{user}"), r#"{"password":"secret","tags":""}"#);
        self.http.permit(&user, &self.name, rights);
        url(&user, "secret", self.address, &self.name)
    }

    pub fn policy(&self, pattern: &str, definition: &serde_json::Value) {
        let policy = serde_json::json!({ "pattern": pattern, "definition": definition, "apply-to": "queues" });
        self.http.put(&format!("/api/policies/{}/test", self.name), &policy.to_string());
    }

    /// How many messages each queue holds, ready and unacknowledged, as `rabbitmqctl list_queues` says it, which costs
    /// a second of a processor each time. A queue that does not say it, for want of a leader, counts as one that is not empty.
    pub fn queues(&self) -> Vec<(String, u64)> {
        let text = self.http.get(&format!("/api/queues/{}?disable_stats=true&enable_queue_totals=true", self.name));
        let queues: Vec<serde_json::Value> = serde_json::from_str(&text).expect("the management API lists queues");
        let name = |queue: &serde_json::Value| queue["name"].as_str().expect("a queue has a name").to_owned();
        queues.iter().map(|queue| (name(queue), queue["messages"].as_u64().unwrap_or(u64::MAX))).collect()
    }

    /// What is defined in it, as its management API exports it: `queues`, `exchanges`, `bindings`…
    pub fn definitions(&self) -> serde_json::Value {
        let text = self.http.get(&format!("/api/definitions/{}", self.name));
        serde_json::from_str(&text).expect("the management API answers with JSON")
    }
}
