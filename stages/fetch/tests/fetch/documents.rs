//! A document server that holds some files, and is wrong about those that a test says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use strongroom_source::testing::{ReceivedRequest, Reply, ScriptedServer};

type Fault = Arc<dyn Fn(&ReceivedRequest) -> Reply + Send + Sync>;

/// The files, and how the server is wrong about some of them.
#[derive(Default)]
pub(crate) struct Documents {
    files: HashMap<String, Vec<u8>>,
    faults: Arc<Mutex<HashMap<String, Fault>>>,
}

/// Says how a running server is wrong from now on.
#[derive(Clone)]
pub(crate) struct Faults(Arc<Mutex<HashMap<String, Fault>>>);

impl Faults {
    pub(crate) fn set(&self, id: &str, fault: impl Fn(&ReceivedRequest) -> Reply + Send + Sync + 'static) {
        self.0.lock().unwrap().insert(id.to_owned(), Arc::new(fault));
    }

    pub(crate) fn clear(&self, id: &str) {
        self.0.lock().unwrap().remove(id);
    }
}

impl Documents {
    pub(crate) fn with(mut self, id: &str, content: &[u8]) -> Self {
        self.files.insert(id.to_owned(), content.to_vec());
        self
    }

    pub(crate) fn faulty(self, id: &str, fault: impl Fn(&ReceivedRequest) -> Reply + Send + Sync + 'static) -> Self {
        Faults(self.faults.clone()).set(id, fault);
        self
    }

    pub(crate) fn serve(self) -> (ScriptedServer, Faults) {
        let Self { files, faults } = self;
        let shared = Faults(faults.clone());
        let server = ScriptedServer::new(move |request| {
            let id = request.target.trim_start_matches("/v1/bookings/").split(['/', '?']).next().unwrap().to_owned();
            // Not under the lock: a fault may wait for another request.
            let fault = faults.lock().unwrap().get(&id).cloned();
            if let Some(fault) = fault {
                return fault(request);
            }
            if id == "waiting" {
                return Reply::json(r#"{"bookings":[],"waiting":0}"#);
            }
            files
                .get(&id)
                .map_or_else(|| Reply::problem("404 Not Found", "no such booking"), |file| ranged(file, request))
        });
        (server, shared)
    }
}

/// The file, or the part of it that the request asks for.
pub(crate) fn ranged(file: &[u8], request: &ReceivedRequest) -> Reply {
    let from = request.lines().find_map(|line| line.strip_prefix("range: bytes=")?.strip_suffix('-')?.parse().ok());
    match from {
        None => Reply::proper("200 OK", file),
        Some(from) => {
            let head = format!("206 Partial Content\nContent-Range: bytes {from}-{}/{}", file.len() - 1, file.len());
            Reply::proper(&head, &file[from..])
        }
    }
}
