//! What tests need beside the code: Postgres and RabbitMQ, on ports and in folders of their own, and others' programs.
//!
//! A server is started once for each test process and shared by its tests, each of which
//! takes a database or a virtual host of its own. It never outlives the process, however
//! that ends. Servers of one's own can be stopped, killed and started again.
//!
//! - [`postgres`] and [`rabbitmq`]: the shared ones and those of one's own;
//! - [`PgBouncer`]: a pooler in front of a Postgres;
//! - [`Wire`]: a proxy in front of one, whose wire can be cut;
//! - [`python`]: implementations by others, from PyPI, that ours are compared with;
//! - `supervisor`: what keeps a server from outliving its test;
//! - `port`: ports that nobody has;
//! - [`target`]: what benchmarks on them print.

#![expect(missing_docs, reason = "where a name of the rig says all, nothing repeats it")]

mod pgbouncer;
mod port;
mod postgres;
pub mod python;
mod rabbitmq;
mod supervisor;
pub mod target;
mod wire;

pub use crate::pgbouncer::PgBouncer;
pub use crate::postgres::{Database, Postgres, postgres, program as postgres_program};
pub use crate::rabbitmq::{Cluster, RabbitMq, Vhost, rabbitmq};
pub use crate::wire::Wire;
