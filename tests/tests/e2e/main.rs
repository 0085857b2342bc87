//! The whole program, end to end, as processes.
//!
//! - `demo`: the first thing that a new user types;
//! - `two_processes`: a server and a run, as on a real site;
//! - `server_faults`, `names`, `drive_faults`, `mail`, `configuration`: what can go wrong, each
//!   with a clear error and nothing lost;
//! - `cost`: what a file costs in a month that has many;
//! - `custody`: copies on other drives, evidence, repair and restore by the commands of the manual;
//! - `drive_identity`: drives that are cloned, or do not say who they are any more;
//! - `after_the_proof`: swapped drives, restored servers, tampered copies and logs;
//! - `compared`: a log that is compared with the document server;
//! - `clock`: a clock that is wrong, and right again;
//! - `log_faults`: a log without room, restored from an older copy, or open to others;
//! - `restored`: a log that is backed up and restored by the commands of the manual;
//! - `custody_kills`: acts on drives' contents, killed and done again;
//! - `restored_kills`: the steps of such a restore, killed and done again;
//! - `lost_log`: a log that was lost, and what the drive still tells of its copies;
//! - `replay`: a log of many events, replayed as the benchmark does;
//! - `purge`: archived files that are to be deleted;
//! - `quiet`: what cron mails, and what it does not;
//! - `jobs`: backup jobs of any kind, from an installed program to the morning's mail;
//! - `kill`: killed at every named place, and at random moments;
//! - `stop`: Ctrl-C, schedules, two runs at once;
//! - `witness`: sites whose witnesses watch each other's logs;
//! - `swapped`: drives that the host unmounts and mounts while a service or a container uses them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod after_the_proof;
mod clock;
mod compared;
mod configuration;
mod cost;
mod custody;
mod custody_kills;
mod demo;
mod drive_faults;
mod drive_identity;
mod evidence;
mod jobs;
mod kill;
mod left_raised;
mod log_faults;
mod lost_log;
mod mail;
mod names;
mod purge;
mod quiet;
mod replay;
mod restored;
mod restored_kills;
mod server_faults;
mod stop;
mod swapped;
mod two_processes;
mod witness;
