//! Backup jobs of any kind: what is due, done and proven. The README has the table of events.
//!
//! - [`target`]: the identity of a folder that jobs write to;
//! - [`settings`]: a job as the configuration has it, and its digest;
//! - [`operation`]: one operation of a job's plugin;
//! - [`stage`]: the stages transfer and prove, which judge what came of it ([`judged`]);
//! - [`keeper`]: defines jobs, requests runs that are due, and ends them in the job's stream ([`ending`]).

pub mod ending;
pub mod judged;
pub mod keeper;
mod old_logs;
pub mod operation;
mod retries;
mod run_lock;
pub mod settings;
pub mod stage;
pub mod target;

pub use crate::keeper::{JobKeeper, KeptLogs, request_run};
pub use crate::operation::{Done, Plugins};
pub use crate::settings::JobSettings;
pub use crate::stage::{JobStage, StageParts};
pub use crate::target::{Target, TargetError, TargetIdentity};
