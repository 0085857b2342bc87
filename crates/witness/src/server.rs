//! The witness's HTTP server. What comes over the wire is anybody's: bodies, connections and times are bounded.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, StatusCode};
use axum::routing::post;
use strongroom_model::text::with_causes;
use strongroom_proof::MAX_ADD_CHECKPOINT_BYTES;
use strongroom_service::http::{self, Bounds};
use strongroom_service::{Clock, blocking};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::witness::{Decision, Witness};

/// Connections at a time; further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 64;
/// For a request's body: 20 KiB at most.
const MAX_BODY_TIME: Duration = Duration::from_secs(10);
/// After an accept that failed, as for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

const BOUNDS: Bounds = Bounds { head: Duration::from_secs(10), stall: Duration::from_secs(10), keep_alive: true };

const SIZE: &str = "text/x.tlog.size";
const TEXT: &str = "text/plain; charset=utf-8";

type Reply = (StatusCode, [(HeaderName, &'static str); 1], String);

/// Serves until `stop`, and answers what is in flight then.
pub async fn serve(listener: TcpListener, witness: Arc<Witness>, clock: Clock, stop: CancellationToken) {
    let router = Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .layer(DefaultBodyLimit::max(MAX_ADD_CHECKPOINT_BYTES))
        .with_state((witness, clock));
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let permit = tokio::select! {
            permit = permits.clone().acquire_owned() => permit,
            () = stop.cancelled() => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let (router, stop) = (router.clone(), stop.clone());
                connections.spawn(async move {
                    http::serve(stream, router, BOUNDS, &stop).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::debug!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    while connections.join_next().await.is_some() {}
}

async fn add_checkpoint(State((witness, clock)): State<(Arc<Witness>, Clock)>, body: axum::body::Body) -> Reply {
    let read = tokio::time::timeout(MAX_BODY_TIME, axum::body::to_bytes(body, MAX_ADD_CHECKPOINT_BYTES));
    let Ok(Ok(body)) = read.await else {
        return refusal(StatusCode::BAD_REQUEST, "the request's body is too long, or did not come in time");
    };
    let now = u64::try_from(clock.now().as_second()).unwrap_or(0);
    blocking(move || decide(&witness, &body, now)).await
}

fn decide(witness: &Witness, body: &Bytes, now: u64) -> Reply {
    let Ok(text) = std::str::from_utf8(body) else {
        return refusal(StatusCode::BAD_REQUEST, "the request's body is not UTF-8");
    };
    let decided = match witness.decide(text, now) {
        Ok(decided) => decided,
        Err(error) => {
            tracing::error!(error = %with_causes(&error), "a request could not be decided: nothing was cosigned");
            return refusal(StatusCode::INTERNAL_SERVER_ERROR, "this witness cannot decide now");
        }
    };
    match decided {
        Decision::Cosigned(cosignature) => (StatusCode::OK, [(CONTENT_TYPE, TEXT)], cosignature.to_string()),
        Decision::Malformed(why) => refusal(StatusCode::BAD_REQUEST, &why),
        Decision::UnknownLog => refusal(StatusCode::NOT_FOUND, "this witness does not watch that log"),
        Decision::NotSigned => refusal(StatusCode::FORBIDDEN, "it is not signed by the key of that log"),
        Decision::OldIsLarger => refusal(StatusCode::BAD_REQUEST, "the old size is larger than the checkpoint's"),
        Decision::Conflict(size) => (StatusCode::CONFLICT, [(CONTENT_TYPE, SIZE)], format!("{size}\n")),
        Decision::Inconsistent => refusal(
            StatusCode::UNPROCESSABLE_ENTITY,
            "the proof does not show that the checkpoint continues the newest one that was cosigned",
        ),
    }
}

fn refusal(status: StatusCode, why: &str) -> Reply {
    (status, [(CONTENT_TYPE, TEXT)], format!("{why}\n"))
}
