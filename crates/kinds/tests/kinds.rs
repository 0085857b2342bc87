//! Each kind with the real tool, as a host would ask it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "kinds/check.rs"]
mod check;
#[path = "kinds/command.rs"]
mod command;
#[path = "kinds/forced.rs"]
mod forced;
#[path = "kinds/rclone.rs"]
mod rclone;
#[path = "kinds/restic.rs"]
mod restic;
#[path = "kinds/rig.rs"]
mod rig;
#[path = "kinds/robocopy.rs"]
mod robocopy;
#[path = "kinds/rsync.rs"]
mod rsync;
#[path = "kinds/tasks.rs"]
mod tasks;
