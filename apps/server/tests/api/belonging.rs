//! A document root and its records belong together.

use strongroom_server::{OpenError, ServeError, Server};

use super::rig::Rig;

#[tokio::test]
async fn records_of_another_document_root_are_refused_and_nothing_is_changed() {
    let rig = Rig::start().await;
    rig.booking("B-1", "a.pdf", b"hours").await;
    rig.mark_one("B-1").await;
    rig.move_to_archived(&["B-1"]).await;
    let Rig { dir, clock, server, .. } = rig;
    let right = server.documents().settings().clone();
    server.stop().await;

    // An empty folder where a disk should be mounted, and then one that is another's.
    let mut wrong = right.clone();
    wrong.documents = dir.path().join("other");
    std::fs::create_dir(&wrong.documents).unwrap();
    for _ in 0..2 {
        let error = Server::start(wrong.clone(), clock.clone()).await.unwrap_err();
        assert!(matches!(error, ServeError::Open(OpenError::OtherRoot { .. })), "{error}");
        assert!(error.to_string().contains("of another document root than"), "{error}");
        std::fs::write(wrong.documents.join(".strongroom/root-id"), "another\n").unwrap();
    }

    let server = Server::start(right.clone(), clock.clone()).await.unwrap();
    assert!(server.documents().reconciled().vanished.is_empty());
    server.stop().await;

    // A power cut took what it holds: the error says what to write.
    let path = right.documents.join(".strongroom/root-id");
    let id = std::fs::read_to_string(&path).unwrap();
    for lost in [String::new(), "\0".repeat(37)] {
        std::fs::write(&path, lost).unwrap();
        let error = Server::start(right.clone(), clock.clone()).await.unwrap_err().to_string();
        assert!(error.contains(id.trim()), "{error}");
    }
    std::fs::write(&path, id).unwrap();

    // The files were moved there, without our own folder: the error says what to write.
    let id = std::fs::read_to_string(right.documents.join(".strongroom/root-id")).unwrap();
    std::fs::rename(right.documents.join("archived"), wrong.documents.join("archived")).unwrap();
    std::fs::write(wrong.documents.join(".strongroom/root-id"), id.trim()).unwrap();
    let server = Server::start(wrong, clock).await.unwrap();
    assert!(server.documents().reconciled().vanished.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn an_id_that_a_power_cut_took_before_it_was_recorded_is_made_anew() {
    let rig = Rig::with(|settings| {
        let control = settings.documents.join(".strongroom");
        std::fs::create_dir_all(&control).unwrap();
        std::fs::write(control.join("root-id"), "\0".repeat(37)).unwrap();
    })
    .await;
    let path = rig.server.documents().settings().documents.join(".strongroom/root-id");
    let id = std::fs::read_to_string(path).unwrap();
    assert_eq!(id.trim().len(), 36, "{id:?}");
}
