//! Every call below the document root, failing with every error: what is detail is what the table of meanings says, and
//! the next attempt goes well.

use std::io;

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use strongroom_files::{Call, ErrorClass, meaning};
use strongroom_model::wire::{Answer, AnswerOutcome, RefusalCause};
use strongroom_server::token::Scope;
use strongroom_server::{Server, Settings};
use strongroom_service::Clock;
use strongroom_service::fault::{ERRORS, during};

use super::rig::{Rig, START};

/// The places where a call can be made to fail while a booking goes its way, and what kinds of calls pass there.
const PLACES: [(&str, &[Call]); 10] = [
    ("files.open", &[Call::Open, Call::Read, Call::Create, Call::Rename, Call::Remove, Call::Sync]),
    ("files.create", &[Call::Create]),
    ("files.mkdir", &[Call::Create]),
    ("files.stat", &[Call::Read]),
    ("files.rename", &[Call::Rename]),
    ("files.link", &[Call::Rename]),
    ("files.unlink", &[Call::Remove]),
    ("files.fsync", &[Call::Sync]),
    ("server.write", &[Call::Write]),
    ("server.read", &[Call::Read]),
];

/// How often a place is passed before the call fails.
const PASSINGS: [u32; 3] = [1, 3, 8];

/// The places that a start passes as well.
const PLACES_OF_A_START: [&str; 8] = [
    "files.open-root",
    "files.statfs",
    "files.open",
    "files.mkdir",
    "files.create",
    "files.lock",
    "files.readdir",
    "files.fsync",
];

/// What the server detail of a step that it did not do.
#[derive(Debug)]
struct Refusal {
    step: &'static str,
    code: String,
    detail: String,
}

/// Does a step until it is done; twice at most.
async fn step(
    refusals: &mut Vec<Refusal>,
    step: &'static str,
    mut attempt: impl AsyncFnMut() -> Result<(), (String, String)>,
) {
    for last in [false, true] {
        match attempt().await {
            Ok(()) => return,
            Err((code, detail)) => {
                assert!(!last, "{step} was refused twice: {code}: {detail}; before: {refusals:?}");
                refusals.push(Refusal { step, code, detail });
            }
        }
    }
}

async fn done(response: Response) -> Result<(), (String, String)> {
    if response.status().is_success() {
        return Ok(());
    }
    let problem: Value = response.json().await.unwrap();
    let code = problem["type"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
    Err((code, problem["detail"].as_str().unwrap().to_owned()))
}

fn answered(answer: &Answer) -> Result<(), (String, String)> {
    match answer.outcome {
        AnswerOutcome::Done | AnswerOutcome::Already => Ok(()),
        AnswerOutcome::Refused => {
            let code = match answer.cause {
                Some(RefusalCause::Storage) => "storage",
                _ => "refused",
            };
            Err((code.to_owned(), answer.reason.clone().unwrap_or_default()))
        }
    }
}

/// The whole way of one booking; gives what was refused on it.
async fn life(rig: &Rig, purgers: &Purgers, id: &str) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    done(rig.post("/v1/bookings", &json!({"id": id})).await).await.unwrap();
    step(&mut refusals, "upload", async || done(rig.put(id, "a.pdf", id.to_owned()).await).await).await;
    done(rig.post(&format!("/v1/bookings/{id}/sign-off"), &json!(null)).await).await.unwrap();
    step(&mut refusals, "download", async || download(rig, id).await).await;
    rig.mark_one(id).await;
    rig.mark_one(id).await;
    step(&mut refusals, "move", async || answered(&rig.move_to_archived(&[id]).await[0])).await;
    step(&mut refusals, "download", async || download(rig, id).await).await;
    assert_eq!(rig.files(), [format!("archived/2026-11/uploads/{id}/a.pdf")], "{refusals:?}");
    let proposal = json!({"purge": id, "proposed_by": "anna", "ids": [id]});
    done(purgers.post(rig, &purgers.proposer, "/v1/purges", &proposal).await).await.unwrap();
    purgers.approve(rig, id).await.unwrap();
    step(&mut refusals, "purge", async || answered(&rig.run_purge(id, &[id]).await[0])).await;
    assert_eq!(rig.files(), [""; 0], "{refusals:?}");
    refusals
}

struct Purgers {
    proposer: String,
    approver: String,
}

impl Purgers {
    async fn of(rig: &Rig) -> Self {
        let proposer = rig.named_token("anna", &[Scope::Purge]).await;
        Self { proposer, approver: rig.named_token("ben", &[Scope::Approve]).await }
    }

    async fn post(&self, rig: &Rig, token: &str, path: &str, body: &Value) -> Response {
        let url = format!("{}{path}", rig.server.url());
        rig.client.post(url).bearer_auth(token).json(body).send().await.unwrap()
    }

    async fn approve(&self, rig: &Rig, id: &str) -> Result<(), (String, String)> {
        let path = format!("/v1/purges/{id}/approval");
        done(self.post(rig, &self.approver, &path, &json!({"approved_by": "ben"})).await).await
    }
}

/// The whole body, or why not: one that is cut is asked for again.
async fn download(rig: &Rig, id: &str) -> Result<(), (String, String)> {
    let response = rig.get(&format!("/v1/bookings/{id}/timesheet")).await;
    if !response.status().is_success() {
        return done(response).await;
    }
    assert_eq!(response.text().await.unwrap(), id);
    Ok(())
}

/// Whether what was detail is what an error of that kind means.
fn fits((name, errno): (&str, i32), calls: &[Call], refusal: &Refusal) -> bool {
    let Refusal { step, code, detail } = refusal;
    let is_certain = !detail.contains("not certain");
    let error = io::Error::from_raw_os_error(errno);
    calls.iter().filter_map(|call| meaning(*call, &error)).any(|meaning| match meaning.class {
        ErrorClass::Nobody => false,
        // What failed after the file had its new name says that, and why.
        _ if !is_certain => detail.contains(meaning.message),
        ErrorClass::Host => {
            let words = if name == "ENOMEM" { "no memory left" } else { "too many files open" };
            (code == "no-resources" || code == "storage") && detail.contains(words)
        }
        ErrorClass::Room => {
            let words = if name == "EDQUOT" { "quota" } else { "disk is full" };
            (code == "disk-full" || code == "storage") && detail.contains(words)
        }
        ErrorClass::ReadOnly => (code == "disk-read-only" || code == "storage") && detail.contains("read-only"),
        ErrorClass::Disk => (code == "disk-failing" || code == "storage") && detail.contains("reports errors"),
        ErrorClass::Gone => (code == "disk-gone" || code == "storage") && detail.contains("is not there"),
        ErrorClass::Rights => detail.contains(meaning.message) || detail.contains("may not create files"),
        ErrorClass::Missing => {
            *step == "download" && code == "file-missing" || detail.contains("gone") || detail.contains(meaning.message)
        }
        ErrorClass::Taken => detail.contains(meaning.message) || code == "conflict" || detail.contains("another"),
        ErrorClass::File | ErrorClass::Unfit | ErrorClass::Unsupported => detail.contains(meaning.message),
    })
}

#[test]
fn every_call_that_fails_says_whose_fault_it_is_and_the_next_attempt_goes_well() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let dir = tempfile::tempdir_in("/dev/shm").unwrap();
    let settings = Rig::settings_of(dir.path());
    let rig = runtime.block_on(Rig::open(dir, settings));
    let purgers = runtime.block_on(Purgers::of(&rig));
    let (mut cases, mut failed) = (0, 0);
    for (place, calls) in PLACES {
        for (name, errno) in ERRORS {
            // That something is not there is no refusal where it may well not be there.
            if name == "ENOENT" && ["files.stat", "files.unlink", "files.open"].contains(&place) {
                continue;
            }
            for passing in PASSINGS {
                let case = format!("{place}:{passing}={name}");
                cases += 1;
                let refusals = during(&case, || runtime.block_on(life(&rig, &purgers, &format!("B-{cases}"))));
                for refusal in &refusals {
                    assert!(fits((name, errno), calls, refusal), "{case}: {refusal:?}");
                    assert_ne!(name, "EINTR", "{case}: a call that was interrupted is made again: {refusal:?}");
                }
                failed += refusals.len();
            }
        }
    }
    assert!(failed > 400, "only {failed} of {cases} calls failed");
    let health = runtime.block_on(async { rig.get("/healthz").await.status() });
    assert_eq!(health, StatusCode::OK);
}

#[test]
fn a_start_that_fails_says_why_and_the_next_one_goes_well() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let dir = tempfile::tempdir_in("/dev/shm").unwrap();
    let settings = Rig::settings_of(dir.path());
    runtime.block_on(start(&settings)).unwrap();
    let mut failed = 0;
    for place in PLACES_OF_A_START {
        for (name, errno) in ERRORS {
            let case = format!("{place}:1={name}");
            if let Err(detail) = during(&case, || runtime.block_on(start(&settings))) {
                failed += 1;
                let cause = io::Error::from_raw_os_error(errno).to_string();
                let why = cause.split(" (os error").next().unwrap();
                assert!(detail.contains(why) || detail.contains("a link, or something else"), "{case}: {detail}");
                assert_ne!(name, "EINTR", "{case}: a call that was interrupted is made again");
            }
            runtime.block_on(start(&settings)).unwrap_or_else(|detail| panic!("after {case}: {detail}"));
        }
    }
    assert!(failed > 100, "only {failed} starts failed");
}

async fn start(settings: &Settings) -> Result<(), String> {
    match Server::start(settings.clone(), Clock::manual(START.parse().unwrap())).await {
        Ok(server) => {
            server.stop().await;
            Ok(())
        }
        Err(error) => Err(strongroom_model::text::with_causes(&error)),
    }
}
