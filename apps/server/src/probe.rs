//! Whether the server can read and write its records and its files.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::archive;
use crate::bytes::{sync_file, write_whole};
use crate::disk_error;
use crate::documents::Documents;
use crate::root::DocumentRoot;
use crate::session::Session;
use crate::trouble::DiskTrouble;

/// How long a result is reused: anybody may ask, and each probe writes and syncs.
const GOOD_FOR: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(10);
/// More than a file system can store beside its own metadata.
const PROBE_BYTES: usize = 64 << 10;

#[derive(Debug, Default)]
pub(crate) struct Probe(Mutex<Option<(Instant, Result<(), String>)>>);

impl Documents {
    /// An error says why the server cannot work.
    pub(crate) async fn probe(&self) -> Result<(), String> {
        let mut last = self.last_probe().0.lock().await;
        if let Some((at, found)) = &*last
            && at.elapsed() < GOOD_FOR
        {
            return found.clone();
        }
        let found = tokio::time::timeout(PATIENCE, self.look()).await;
        let found = found.unwrap_or_else(|_| {
            Err(format!("the server cannot write: its disk or its records gave no answer for {} s", PATIENCE.as_secs()))
        });
        *last = Some((Instant::now(), found.clone()));
        found
    }

    async fn look(&self) -> Result<(), String> {
        let session = self.session().clone();
        if !self.on_files(|root| root.is_in_place()).await {
            return Err(format!(
                "another folder is mounted at {}, or none, since the server started: mount the right one, and start it again",
                self.root().path().display()
            ));
        }
        let written = self.on_files(move |root| write(root, &session)).await;
        written.map_err(|error| cannot_write("its document root", error.trouble(), &error))?;
        let month = self.this_month();
        let archives = self.on_files(move |root| archive::try_archive(root, month)).await;
        archives.map_err(|error| {
            tracing::error!(%error, "the server cannot do its work");
            error.to_string()
        })?;
        let recorded = self.store().try_write().await;
        recorded.map_err(|error| cannot_write("its records", error.trouble(), &error))
    }
}

fn write(root: &DocumentRoot, session: &Session) -> disk_error::Result<()> {
    let path = session.temporary();
    let mut file = root.create_file(&path)?;
    let written = write_whole(&mut file, &[0; PROBE_BYTES]).and_then(|()| sync_file(&file));
    root.remove_file(&path)?;
    written
}

fn cannot_write(what: &str, trouble: Option<DiskTrouble>, error: &(dyn std::error::Error + 'static)) -> String {
    tracing::error!(error, what, "the server cannot do its work");
    let why = trouble.map_or("its log says why", DiskTrouble::message);
    format!("the server cannot write {what}: {why}")
}
