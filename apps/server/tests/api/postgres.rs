//! With the records in a Postgres database, and what only is there then.

use std::path::Path;

use strongroom_server::Database;
use strongroom_service::config::ServiceUrl;

whole_suite!();

#[cfg(feature = "kill-points")]
#[path = "several.rs"]
mod several;

/// The folder's own database. Its URL is kept in the folder: another process opens it, too.
fn database(dir: &Path) -> Database {
    let kept = dir.join("database.url");
    let url = std::fs::read_to_string(&kept).unwrap_or_else(|_| {
        let url = strongroom_servers::postgres().database().url;
        std::fs::write(&kept, &url).unwrap();
        url
    });
    Database::Postgres(ServiceUrl::database(&url).unwrap())
}
