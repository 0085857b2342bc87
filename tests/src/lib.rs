//! The rig that the end-to-end tests stand on, and what belongs to no single crate.
//!
//! The tests run the program as its users do: as processes, with files, ports and signals. All
//! that a test starts ends with it; every port is the kernel's choice, every folder a new one.
//!
//! In reading order:
//! - [`program`]: the built program, run to its end or in the background;
//! - [`site`]: a document server, a drive, a log and mails, in one folder;
//! - [`proxy`]: between the program and its document server, and as hostile as a test wants;
//! - [`mailbox`]: the mails in a folder; [`smtp`]: a mail server;
//! - [`fleet`]: a site at work as independent processes, over Postgres and RabbitMQ;
//! - [`audit`]: what must be true of a site whatever happened to it;
//! - [`rules`]: which alert rules fire on what is played to them;
//! - [`truth`]: what each place says when a part of a site is dead;
//! - [`documented`]: commands of the pages, run as they stand;
//! - [`wait`]: waiting on conditions, never on time alone;
//! - [`schemas`]: every file in `schemas/` that the code dictates.
#![expect(clippy::unwrap_used, reason = "a rig that cannot go on fails its test")]
#![expect(missing_docs, reason = "where a name of the rig says all, nothing repeats it")]

pub mod audit;
pub mod documented;
pub mod fleet;
pub mod mailbox;
pub mod program;
pub mod proxy;
pub mod rules;
pub mod schemas;
pub mod site;
pub mod smtp;
pub mod truth;
pub mod wait;
