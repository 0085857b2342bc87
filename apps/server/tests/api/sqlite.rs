//! With the records in an SQLite file.

use std::path::Path;

use strongroom_server::Database;

whole_suite!();

#[path = "alone.rs"]
mod alone;
#[path = "described.rs"]
mod described;
#[cfg(feature = "kill-points")]
#[path = "matrix.rs"]
mod matrix;

fn database(dir: &Path) -> Database {
    Database::Sqlite(dir.join("server.db"))
}
