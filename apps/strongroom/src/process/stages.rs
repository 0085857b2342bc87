//! Starting the stages of a process.

use std::sync::Arc;

use strongroom_archive::Archive;
use strongroom_audit::evidence::Prover;
use strongroom_bus::Stage;
use strongroom_enumerate::Enumerate;
use strongroom_fetch::{Fetch, Meter};
use strongroom_jobs::JobStage;
use strongroom_model::StageName;
use strongroom_notify::{Notify, Settings};
use strongroom_service::actor;
use strongroom_source::Source;
use strongroom_verify::Verify;
use tokio_util::task::AbortOnDropHandle;

use super::only_if_ready::OnlyIfReady;
use super::{Process, wire};
use crate::checkpoint;
use crate::cli_error::CliError;
use crate::custody::custodian;
use crate::custody::schedule::CustodySchedule;
use crate::jobs;
use crate::witnesses::Cosigners;

const OPENED: &str = "the process was opened for a role that needs it";

impl Process {
    pub(crate) fn source(&self) -> &Source {
        self.source.as_ref().expect(OPENED)
    }

    pub(crate) fn verify(&self) -> &Arc<Verify> {
        self.verify.as_ref().expect(OPENED)
    }

    pub(crate) fn start_enumerate(&mut self) {
        self.spawn(self.enumerate(), StageName::Enumerate);
    }

    fn enumerate(&self) -> Enumerate {
        Enumerate::new(self.source().clone(), self.log.clone(), self.clock.clone())
    }

    pub(crate) fn start_fetch(&mut self) {
        self.spawn(self.fetch(), StageName::Fetch);
    }

    fn fetch(&self) -> Fetch {
        wire::fetch(&self.config, self.mount.as_ref().expect(OPENED), self.source(), &self.clock)
    }

    pub(crate) fn start_verify(&mut self) {
        self.spawn(self.verify().clone(), StageName::Verify);
    }

    pub(crate) async fn start_archive(&mut self, requests: Option<usize>) {
        let archive = Archive::new(self.source().clone(), self.config.archive.batch as usize);
        let archive = archive.proving(self.prover().await);
        let archive = if let Some(requests) = requests { archive.at_once(requests) } else { archive };
        self.spawn(archive, StageName::Archive);
    }

    pub(crate) async fn start_notify(&mut self) -> Result<(), CliError> {
        let notify = Notify::new(self.log.clone(), Settings::from_config(&self.config)?);
        let key = checkpoint::key_if_any(&self.config, &self.log).await;
        let cosigners = Arc::new(Cosigners::new(&self.config, &self.log));
        self.spawn(notify.signed_by(key).cosigned_by(cosigners), StageName::Notify);
        Ok(())
    }

    /// Also asks for what is due for the drive that is mounted.
    pub(crate) async fn start_custody(&mut self) {
        let key = checkpoint::key_if_any(&self.config, &self.log).await;
        let name = actor(StageName::Custody);
        let custodian = custodian(&self.config, &self.log, &self.clock, &name, self.source.clone(), key);
        self.spawn(custodian, StageName::Custody);
        let schedule = CustodySchedule::new(&self.config, &self.log, &self.clock);
        self.schedule = Some(AbortOnDropHandle::new(tokio::spawn(schedule.keep())));
    }

    pub(crate) async fn start_purge(&mut self) {
        let prover = self.prover().await;
        let purger = wire::purger(&self.config, &self.log, &self.clock, self.source(), prover);
        self.spawn(purger, StageName::Purge);
    }

    /// The jobs of this host: copies, proofs and their schedule.
    pub(crate) fn start_jobs(&mut self) {
        let parts = jobs::parts(&self.config, &self.log, &self.clock, self.stop.clone());
        self.spawn(JobStage::transfer(parts.clone()), StageName::Transfer);
        self.spawn(JobStage::prove(parts), StageName::Prove);
        let keeper = jobs::keeper(&self.config, &self.log, &self.clock);
        self.job_keeper = Some(AbortOnDropHandle::new(tokio::spawn(keeper.keep())));
    }

    /// Looks whether what should have happened did.
    pub(crate) async fn start_monitor(&mut self) {
        let monitor = jobs::monitor(&self.config, &self.log, &self.clock).await;
        let every = self.config.watch.monitor_every.get();
        self.monitor = Some(AbortOnDropHandle::new(tokio::spawn(monitor.keep(every))));
    }

    /// One for all stages of the process, since it keeps the log's tree; `None` without the site's key.
    async fn prover(&mut self) -> Option<Arc<Prover>> {
        if self.prover.is_none() {
            let key = checkpoint::key_if_any(&self.config, &self.log).await?;
            self.prover = Some(Arc::new(Prover::new(&self.log, key)));
        }
        self.prover.clone()
    }

    /// The returned meter counts the bytes that are fetched.
    ///
    /// Verify starts before fetch: what a dead process left on the drive is put right before anything new is written.
    /// Fetch starts before enumerate: nothing is claimed for a drive that is missing or full.
    pub(crate) async fn start_all(&mut self) -> Result<Meter, CliError> {
        self.start_notify().await?;
        let fetch = self.fetch();
        let meter = fetch.meter();
        let fetch = Arc::new(OnlyIfReady { prerequisite: self.verify().clone(), stage: fetch });
        let enumerate = OnlyIfReady { prerequisite: fetch.clone(), stage: self.enumerate() };
        self.start_verify();
        self.start_archive(None).await;
        self.start_custody().await;
        self.start_purge().await;
        if self.config.own_jobs().next().is_some() {
            self.start_jobs();
        }
        self.start_monitor().await;
        self.spawn(fetch, StageName::Fetch);
        self.spawn(enumerate, StageName::Enumerate);
        Ok(meter)
    }

    fn spawn<S: Stage>(&mut self, stage: S, name: StageName) {
        self.pipeline.spawn(stage, actor(name));
    }
}
