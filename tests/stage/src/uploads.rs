//! The real document server, with signed-off bookings.

use std::path::PathBuf;

use strongroom_server::token::{self, Scope};
use strongroom_server::{Server, Settings};
use strongroom_source::{Source, SourceSettings};

use crate::StageRig;

/// A server, and a client of it.
#[derive(Debug)]
pub struct Uploads {
    /// The server.
    pub server: Server,
    /// Its client.
    pub source: Source,
    /// Where its files are.
    pub documents: PathBuf,
}

impl StageRig {
    /// A server that holds these bookings' files, each named `t.pdf`.
    pub async fn uploads(&self, files: &[(impl AsRef<str>, impl AsRef<[u8]>)]) -> Uploads {
        let documents = self.folder.path().join("documents");
        std::fs::create_dir(&documents).unwrap();
        let mut settings = Settings::new(documents.clone(), self.folder.path().join("server.db"));
        settings.listen = "127.0.0.1:0".parse().unwrap();
        let server = Server::start(settings, self.clock.clone()).await.unwrap();
        let store = server.documents().store();
        let (_, secret) = token::create(store, "test", &[Scope::Backup, Scope::Upload], &self.clock).await.unwrap();
        let source = Source::new(&SourceSettings::new(server.url(), Some(secret.expose().to_owned()))).unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let send = async |request: reqwest::RequestBuilder| {
            let answer = request.bearer_auth(secret.expose()).send().await.unwrap();
            assert!(answer.status().is_success(), "{answer:?}");
        };
        for (id, file) in files {
            let (id, url) = (id.as_ref(), format!("{}/v1/bookings", server.url()));
            let booking = format!("{{\"id\":\"{id}\"}}");
            send(client.post(&url).header("content-type", "application/json").body(booking)).await;
            send(client.put(format!("{url}/{id}/timesheet?filename=t.pdf")).body(file.as_ref().to_vec())).await;
            send(client.post(format!("{url}/{id}/sign-off"))).await;
        }
        Uploads { server, source, documents }
    }
}
