//! RabbitMQ: the only place that names its client.
//!
//! The broker only delivers (rule R2), so nothing here survives a lost connection or reconnects: the owner of a
//! connection drops it after an error and opens another one.

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

/// A broker, and the site whose messages it holds. Nothing is connected.
#[derive(Debug, Clone)]
pub struct Broker {
    settings: Arc<BrokerSettings>,
    address: Arc<Address>,
    site: SiteId,
}

impl Broker {
    /// The broker at `settings.url`.
    ///
    /// # Errors
    /// The URL is not one of a broker.
    pub fn new(settings: BrokerSettings, site: SiteId) -> Result<Self, BrokerError> {
        let address = Address::parse(&settings)?;
        Ok(Self { settings: Arc::new(settings), address: Arc::new(address), site })
    }

    /// The site.
    #[must_use]
    pub const fn site(&self) -> &SiteId {
        &self.site
    }

    /// Its settings.
    #[must_use]
    pub fn settings(&self) -> &BrokerSettings {
        &self.settings
    }

    /// Its address without the secret: `host:port/vhost`.
    #[must_use]
    pub fn place(&self) -> String {
        self.address.to_string()
    }

    /// Declares the exchange and the queues; what exists stays.
    ///
    /// # Errors
    /// The user may not declare, or a queue exists with other arguments.
    pub async fn apply(&self, topology: &Topology) -> Result<(), BrokerError> {
        Publisher::connect(self).await?.apply(topology).await
    }

    /// Checks that all of the topology exists.
    ///
    /// # Errors
    /// The first part that is missing.
    pub async fn check(&self, topology: &Topology) -> Result<(), BrokerError> {
        Publisher::connect(self).await?.check(topology).await
    }
}
