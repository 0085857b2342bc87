//! Notifying other processes of commits. Sent within the append's transaction, a notification would serialise all
//! commits of the server; so it is sent apart, a few times a second, and readers poll in any case.

use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use strongroom_model::SiteId;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::place::timely;
use crate::appender::publish_size;

/// For all sites; the payload is `<site> <size>`.
const CHANNEL: &str = "strongroom";
const MIN_INTERVAL: Duration = Duration::from_millis(50);
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Wake {
    tasks: Vec<AbortHandle>,
}

impl Wake {
    pub(super) fn start(
        pool: &PgPool,
        site: &SiteId,
        appended: watch::Sender<u64>,
        committed: Option<watch::Receiver<u64>>,
    ) -> Self {
        let listener = tokio::spawn(listen(pool.clone(), site.clone(), appended)).abort_handle();
        let notifier =
            committed.map(|committed| tokio::spawn(notify(pool.clone(), site.clone(), committed)).abort_handle());
        Self { tasks: std::iter::once(listener).chain(notifier).collect() }
    }

    pub(super) fn stop(&self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn notify(pool: PgPool, site: SiteId, mut committed: watch::Receiver<u64>) {
    while committed.changed().await.is_ok() {
        let size = *committed.borrow_and_update();
        let notify = sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(format!("{site} {size}"));
        // Listeners poll in any case.
        if let Err(error) = timely(notify.execute(&pool)).await {
            tracing::debug!(%error, "other processes were not notified of a commit");
        }
        tokio::time::sleep(MIN_INTERVAL).await;
    }
}

async fn listen(pool: PgPool, site: SiteId, appended: watch::Sender<u64>) {
    loop {
        match listen_once(&pool, &site, &appended).await {
            Err(sqlx::Error::PoolClosed) => return,
            Err(error) => tracing::debug!(%error, "other processes' commits are not heard just now"),
            Ok(()) => {}
        }
        tokio::time::sleep(RECONNECT_PAUSE).await;
    }
}

async fn listen_once(pool: &PgPool, site: &SiteId, appended: &watch::Sender<u64>) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    loop {
        // `None`: the connection was lost and replaced.
        let Some(notification) = listener.try_recv().await? else { continue };
        if let Some((of, size)) = notification.payload().split_once(' ')
            && of == site.as_str()
            && let Ok(size) = size.parse()
        {
            publish_size(appended, size);
        }
    }
}
