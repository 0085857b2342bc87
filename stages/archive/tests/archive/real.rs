//! Against the real document server.

use strongroom_archive::Archive;
use strongroom_model::booking::Phase;
use strongroom_model::event::{AlarmKind, Event, Retried};
use strongroom_model::wire::ServerState;
use strongroom_model::{FailureKind, StageName};
use strongroom_stage_rig::StageRig;
use strongroom_stage_rig::uploads::Uploads;

#[tokio::test]
async fn proven_bookings_are_archived_on_the_server_and_offered_no_more() {
    let rig = StageRig::new().await;
    let Uploads { server, source, documents } = rig.uploads(&[("B-1", "one"), ("B-2", "two")]).await;
    let tasks = vec![rig.backed_up("B-1", b"one").await, rig.backed_up("B-2", b"two").await];
    rig.settled(&Archive::new(source.clone(), 200), tasks).await;
    for (id, content) in [("B-1", b"one"), ("B-2", b"two")] {
        let archived = rig.state(id).await.archived.unwrap();
        assert_eq!(std::fs::read(documents.join(&archived.path)).unwrap(), content);
        assert!(archived.path.starts_with("archived/2026-11/"), "{}", archived.path);
        let info = source.booking(&id.parse().unwrap()).await.unwrap();
        assert_eq!((info.state, info.proofs.len()), (ServerState::Archived, 1));
    }
    assert_eq!(source.waiting(10, None).await.unwrap().waiting, 0);
    server.stop().await;
}

#[tokio::test]
async fn r3_telling_the_real_server_twice_changes_nothing() {
    let rig = StageRig::new().await;
    let Uploads { server, source, .. } = rig.uploads(&[("B-1", "one")]).await;
    let task = rig.backed_up("B-1", b"one").await;
    let stage = Archive::new(source.clone(), 200);
    rig.handle(&stage, vec![task.clone()]).await;
    let (archived, size) = (rig.state("B-1").await.archived, rig.size().await);
    rig.settled(&stage, vec![task]).await;
    assert_eq!((rig.state("B-1").await.archived, rig.size().await), (archived.clone(), size));
    assert_eq!(source.booking(&"B-1".parse().unwrap()).await.unwrap().proofs.len(), 1);
    // A person has it told again: the server has it already, and says where.
    let retried = Retried { stage: StageName::Archive, reason: None };
    rig.append("B-1", Event::TimesheetRetried(retried)).await;
    rig.handle(&stage, vec![rig.task("B-1").await]).await;
    assert_eq!(rig.state("B-1").await.archived, archived);
    assert_eq!(source.booking(&"B-1".parse().unwrap()).await.unwrap().proofs.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn a_file_that_was_changed_on_the_server_is_alarmed_and_archived_once_it_is_right() {
    let rig = StageRig::new().await;
    let Uploads { server, source, documents } = rig.uploads(&[("B-1", "one"), ("B-2", "two")]).await;
    let place = documents.join("uploads/B-1/t.pdf");
    std::fs::write(&place, b"ONE").unwrap();
    let tasks = vec![rig.backed_up("B-1", b"one").await, rig.backed_up("B-2", b"two").await];
    let stage = Archive::new(source.clone(), 200);
    rig.settled(&stage, tasks).await;
    assert_eq!(rig.state("B-2").await.phase, Phase::Archived);
    let failure = rig.state("B-1").await.failure.unwrap();
    assert_eq!((failure.kind, failure.retry_at), (FailureKind::FileChanged, None));
    assert!(failure.message.contains("uploads/B-1/t.pdf has the digest sha256:"), "{}", failure.message);
    let Some(Event::AlarmRaised(alarm)) = rig.alarm(AlarmKind::RecordWrong, "B-1").await.pop() else {
        panic!("no alarm")
    };
    assert!(alarm.message.contains("was changed after its copy was proven, and was not moved"), "{}", alarm.message);
    assert!(alarm.next_step.contains("upload the signed-off bytes again"), "{}", alarm.next_step);
    assert_eq!(std::fs::read(&place).unwrap(), b"ONE");

    std::fs::write(&place, b"one").unwrap();
    rig.append("B-1", Event::TimesheetRetried(Retried { stage: StageName::Archive, reason: None })).await;
    rig.handle(&stage, vec![rig.task("B-1").await]).await;
    assert_eq!(rig.state("B-1").await.phase, Phase::Archived);
    assert!(matches!(rig.alarm(AlarmKind::RecordWrong, "B-1").await.pop(), Some(Event::AlarmCleared(_))));
    server.stop().await;
}

#[tokio::test]
async fn a_proof_of_other_bytes_is_refused_by_the_real_server() {
    let rig = StageRig::new().await;
    let Uploads { server, source, .. } = rig.uploads(&[("B-1", "one")]).await;
    let tasks = vec![rig.backed_up("B-1", b"other").await, rig.backed_up("unknown", b"one").await];
    rig.settled(&Archive::new(source.clone(), 200), tasks).await;
    for id in ["B-1", "unknown"] {
        let state = rig.state(id).await;
        assert_eq!(state.phase, Phase::BackedUp);
        assert_eq!(state.failure.unwrap().kind, FailureKind::Refused, "{id}");
    }
    assert_eq!(source.waiting(10, None).await.unwrap().waiting, 1, "it is still offered");
    server.stop().await;
}
