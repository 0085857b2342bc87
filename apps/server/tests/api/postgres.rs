//! With the records in a Postgres database, and what only is there then.

use std::path::Path;

use strongroom_server::{Database, Documents, Settings};
use strongroom_servers::PgBouncer;
use strongroom_service::Clock;
use strongroom_service::config::ServiceUrl;

whole_suite!();

#[cfg(feature = "kill-points")]
#[path = "several.rs"]
mod several;

#[tokio::test]
async fn a_pooler_in_the_way_is_called_that() {
    let database = strongroom_servers::postgres().database();
    for mode in ["session", "transaction"] {
        for dropped in ["", "extra_float_digits,options"] {
            let pooler = PgBouncer::before(strongroom_servers::postgres(), mode, dropped);
            let url = ServiceUrl::database(&database.url_at(pooler.address())).unwrap();
            let dir = tempfile::tempdir().unwrap();
            let settings = Settings::new(dir.path().to_owned(), Database::Postgres(url));
            let error = Documents::open(settings, Clock::system()).await.unwrap_err().to_string();
            assert!(error.starts_with("a pooler (PgBouncer, say) stands before the server's database"), "{error}");
            assert!(error.contains("name Postgres itself"), "{error}");
        }
    }
}

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
