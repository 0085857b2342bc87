//! Against the real document server.

use strongroom_model::{ByteCount, Digest};
use strongroom_stage_rig::uploads::Uploads;

use crate::good::content;
use crate::rig::Rig;

#[tokio::test]
async fn the_real_server_and_this_client_understand_each_other() {
    let rig = Rig::new().await;
    let files: Vec<_> = (0..30).map(|n| (format!("B-{n:02}"), content(n, 1 << (n % 22)))).collect();
    let Uploads { server, source, .. } = rig.uploads(&files).await;
    source.health().await.unwrap();
    source.check().await.unwrap();

    let (mut offers, mut cursor) = (Vec::new(), None);
    loop {
        let page = source.waiting(7, cursor.as_deref()).await.unwrap();
        assert_eq!(page.waiting, 30);
        offers.extend(page.records.into_iter().map(Result::unwrap));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(offers.len(), 30);
    let mut tasks = Vec::new();
    for offer in offers {
        let record = offer.record;
        tasks.push(rig.enumerated_as(offer.id.as_str(), &record.filename, record.size_bytes.0, record.digest).await);
    }
    rig.settled(&rig.stage(source), tasks).await;
    for (id, file) in &files {
        assert_eq!(rig.on_drive(id).await, *file);
    }
    server.stop().await;
}

#[tokio::test]
async fn the_real_server_goes_on_where_a_transfer_stopped_unless_the_file_is_another() {
    let rig = Rig::new().await;
    let file = content(1, 300_000);
    let Uploads { server, source, .. } = rig.uploads(&[("B-1", &file)]).await;
    let id = "B-1".parse().unwrap();
    let digest = Digest::of(strongroom_model::Algorithm::Sha256, &file);
    let part = async |digest: &Digest, from: u64| {
        let mut download = source.download(&id, ByteCount(300_000), digest, ByteCount(from)).await.unwrap();
        let mut bytes = Vec::new();
        while let Some(chunk) = download.chunk().await.unwrap() {
            bytes.extend_from_slice(&chunk);
        }
        (download.starts_at().0, bytes)
    };
    assert_eq!(part(&digest, 200_000).await, (200_000, file[200_000..].to_vec()));
    let other = Digest::of(strongroom_model::Algorithm::Sha256, b"another file");
    assert_eq!(part(&other, 200_000).await, (0, file.clone()), "the entity tag is not the one that we have");
    assert_eq!(part(&digest, 300_000).await, (300_000, vec![]));
    server.stop().await;
}
