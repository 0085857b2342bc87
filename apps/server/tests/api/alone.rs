//! What is so with the records in a file only.

use super::rig::Rig;
use strongroom_server::import::import_folder;
use strongroom_server::{ServeError, Server};

#[tokio::test]
async fn a_document_root_is_served_once() {
    let rig = Rig::start().await;
    let settings = rig.documents().settings().clone();
    let error = Server::start(settings, rig.clock.clone()).await.unwrap_err();
    assert!(matches!(error, ServeError::ServedAlready(_)), "{error}");
}

#[tokio::test]
async fn our_own_files_are_no_timesheets() {
    let rig = Rig::with(|settings| settings.database = settings.documents.join("records.sqlite").into()).await;
    std::fs::write(rig.file("a.pdf"), b"a").unwrap();
    let report = import_folder(rig.documents(), &rig.file(""), |_| {}).await.unwrap();
    assert_eq!((report.imported, report.skipped), (1, 0), "{report:?}");
    // The document root within the folder that is imported: adopted, not copied.
    std::fs::write(rig.dir.path().join("b.pdf"), b"b").unwrap();
    let report = import_folder(rig.documents(), rig.dir.path(), |_| {}).await.unwrap();
    assert_eq!((report.imported, report.already, report.skipped), (1, 1, 0), "{report:?}");
}
