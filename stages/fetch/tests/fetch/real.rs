//! Against the real document server.

use strongroom_model::{ByteCount, Digest};
use strongroom_server::token::{self, Scope};
use strongroom_server::{Server, Settings};
use strongroom_source::{Source, SourceSettings};

use crate::good::content;
use crate::rig::Rig;

struct Uploads {
    server: Server,
    source: Source,
    _folder: tempfile::TempDir,
}

/// A document server with signed-off bookings.
async fn uploads(rig: &Rig, files: &[(String, Vec<u8>)]) -> Uploads {
    let folder = tempfile::tempdir().unwrap();
    let documents = folder.path().join("documents");
    std::fs::create_dir(&documents).unwrap();
    let mut settings = Settings::new(documents, folder.path().join("server.db"));
    settings.listen = "127.0.0.1:0".parse().unwrap();
    let server = Server::start(settings, rig.clock.clone()).await.unwrap();
    let store = server.documents().store();
    let (_, secret) = token::create(store, "test", &[Scope::Backup, Scope::Upload], &rig.clock).await.unwrap();
    let source = Source::new(&SourceSettings::new(server.url(), Some(secret.expose().to_owned()))).unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let send = async |request: reqwest::RequestBuilder| {
        let answer = request.bearer_auth(secret.expose()).send().await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
    };
    for (id, file) in files {
        let url = format!("{}/v1/bookings", server.url());
        send(client.post(&url).header("content-type", "application/json").body(format!("{{\"id\":\"{id}\"}}"))).await;
        send(client.put(format!("{url}/{id}/timesheet?filename={id}.pdf")).body(file.clone())).await;
        send(client.post(format!("{url}/{id}/sign-off"))).await;
    }
    Uploads { server, source, _folder: folder }
}

#[tokio::test]
async fn the_real_server_and_this_client_understand_each_other() {
    let rig = Rig::new().await;
    let files: Vec<_> = (0..30).map(|n| (format!("B-{n:02}"), content(n, 1 << (n % 22)))).collect();
    let Uploads { server, source, _folder } = uploads(&rig, &files).await;
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
    let settled = rig.handle(&rig.stage(source), tasks).await;
    assert!(settled.unsettled().is_empty() && settled.obstacle.is_none(), "{settled:?}");
    for (id, file) in &files {
        assert_eq!(rig.on_drive(id).await, *file);
    }
    server.stop().await;
}

#[tokio::test]
async fn the_real_server_goes_on_where_a_transfer_stopped_unless_the_file_is_another() {
    let rig = Rig::new().await;
    let file = content(1, 300_000);
    let Uploads { server, source, _folder } = uploads(&rig, &[("B-1".to_owned(), file.clone())]).await;
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
