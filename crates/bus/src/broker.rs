//! RabbitMQ: the only place that names its client.
//!
//! The broker only delivers (rule R2): whatever it holds is found again in the log, so that
//! nothing here is kept when a connection is lost. There is no reconnecting inside: an
//! error, or a subscription that ends, is told, and whoever holds the connection drops it
//! and opens another one.
//!
//! In reading order:
//! - [`topology`]: the exchange, the queues and what binds them, as one table; [`route`]:
//!   the key that a message travels by;
//! - [`settings`]: where the broker is; [`error`]: what can go wrong, and what to do;
//! - `link`: one connection, and whether it still is one;
//! - [`message`]: a stored event on its way;
//! - [`publisher`]: confirmed publishing, the depth of queues, the relay's lock;
//! - [`subscription`]: what a queue delivers;
//! - [`parked`]: what nobody could read, for people.

mod apply;
mod definitions;
mod link;

pub mod error;
pub mod message;
pub mod parked;
pub mod publisher;
pub mod route;
pub mod settings;
pub mod subscription;
pub mod topology;

use std::sync::Arc;

use strongroom_model::SiteId;

pub use self::error::BrokerError;
pub use self::message::EventMessage;
pub use self::parked::{Parked, ParkedId, ParkedMessage, Replayed};
pub use self::publisher::{Depth, Published, Publisher};
pub use self::route::RoutingKey;
pub use self::settings::BrokerSettings;
pub use self::subscription::{Acker, Incoming, Subscription};
pub use self::topology::{Queue, QueueName, Topology};

use self::settings::Address;

/// Where the broker is, and whose messages it holds. Making one connects to nothing;
/// clones share nothing but these settings.
#[derive(Debug, Clone)]
pub struct Broker {
    settings: Arc<BrokerSettings>,
    address: Arc<Address>,
    site: SiteId,
}

impl Broker {
    /// The broker at `settings.url`, for that site.
    ///
    /// # Errors
    /// The URL is none of a broker.
    pub fn new(settings: BrokerSettings, site: SiteId) -> Result<Self, BrokerError> {
        let address = Address::parse(&settings)?;
        Ok(Self { settings: Arc::new(settings), address: Arc::new(address), site })
    }

    /// Whose messages these are.
    #[must_use]
    pub const fn site(&self) -> &SiteId {
        &self.site
    }

    /// What it was made of.
    #[must_use]
    pub fn settings(&self) -> &BrokerSettings {
        &self.settings
    }

    /// Where it is, without its secret: `host:port/vhost`.
    #[must_use]
    pub fn place(&self) -> String {
        self.address.to_string()
    }

    /// Declares the exchange and the queues, as a user who may: what is there already stays.
    ///
    /// # Errors
    /// The broker cannot be reached, the user may not, or a queue is there with other arguments.
    pub async fn apply(&self, topology: &Topology) -> Result<(), BrokerError> {
        Publisher::connect(self).await?.apply(topology).await
    }

    /// Whether the broker can be reached and all of the topology is there.
    ///
    /// # Errors
    /// It cannot, or the first part that is missing.
    pub async fn check(&self, topology: &Topology) -> Result<(), BrokerError> {
        Publisher::connect(self).await?.check(topology).await
    }
}
