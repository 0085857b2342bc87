use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use lapin::{Channel, Connection, ConnectionProperties};
use tokio::time::{sleep, timeout};

use crate::broker::error::RequestContext;
use crate::broker::{Broker, BrokerError};

/// AMQP's reply code for an ordinary end.
pub(super) const REPLY_SUCCESS: u16 = 200;
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// It closes when its last owner drops it, and is never reopened.
pub(super) struct Link {
    connection: Connection,
    place: String,
    user: String,
    patience: Duration,
}

impl Link {
    /// `role` is shown by the broker behind our name.
    pub(super) async fn open(broker: &Broker, role: &str) -> Result<Self, BrokerError> {
        let (place, user) = (broker.address.to_string(), broker.address.user().to_owned());
        let patience = broker.settings.setup_timeout;
        let name = format!("{} ({role})", broker.settings.connection_name);
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let connecting = Connection::connect_uri(broker.address.uri.clone(), properties);
        // The client's own time-out ends with TCP: a port that accepts and says nothing would hold us for ever.
        let connection = match timeout(patience, connecting).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return Err(BrokerError::connecting(error, &place, &user)),
            Err(_) => return Err(BrokerError::Silent { place, after: patience }),
        };
        Ok(Self { connection, place, user, patience })
    }

    pub(super) async fn channel(&self) -> Result<Channel, BrokerError> {
        self.answer("a channel", self.connection.create_channel()).await
    }

    /// Waits for an answer about `what`, with a time-out: a broker without a majority of its nodes never gives one.
    /// While it blocks the connection (short of memory or disk) it is waited for.
    pub(super) async fn answer<T>(
        &self,
        what: &str,
        request: impl Future<Output = lapin::Result<T>>,
    ) -> Result<T, BrokerError> {
        let mut request = pin!(request);
        loop {
            match timeout(self.patience, &mut request).await {
                Ok(answer) => return answer.map_err(|error| self.fault(error, what)),
                Err(_) if self.is_blocked() => {}
                Err(_) => return Err(BrokerError::Silent { place: self.place.clone(), after: self.patience }),
            }
        }
    }

    pub(super) fn fault(&self, error: lapin::Error, what: &str) -> BrokerError {
        BrokerError::answering(error, RequestContext { place: &self.place, user: &self.user, what })
    }

    pub(super) fn is_open(&self) -> bool {
        self.connection.status().connected()
    }

    /// The broker is short of memory or disk.
    pub(super) fn is_blocked(&self) -> bool {
        self.connection.status().blocked()
    }

    pub(super) async fn close(&self) {
        let closing = self.connection.close(REPLY_SUCCESS, "done".into());
        if let Ok(Err(error)) = timeout(self.patience, closing).await {
            tracing::debug!(place = self.place, %error, "a connection to the broker did not close in order");
        }
    }

    pub(super) async fn closed(&self) {
        while self.is_open() {
            sleep(POLL_INTERVAL).await;
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("place", &self.place).field("open", &self.is_open()).finish_non_exhaustive()
    }
}
