//! Bookings: what waits, one, all; create and sign off.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strongroom_model::BookingId;
use strongroom_model::wire::{
    BookingInfo, MAX_LIST, Mark, NewBooking, PurgedInfo, ServerState, TimesheetInfo, Waiting,
};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::extract::{Json, Path, Query};
use super::problem::{BodyProblems, Problem, ProblemBody, Problems};
use crate::bookings::Change;
use crate::documents::Documents;
use crate::store::booking::Booking;
use crate::store::purge::Deletion;

const DEFAULT_LIST: u32 = 100;

/// Which part of the waiting bookings.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct WaitingQuery {
    /// How many at most: 100 by default.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Where this page begins, as the previous page reported.
    #[param(pattern = "^-?[0-9]{1,16}~[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$")]
    after: Option<String>,
}

/// Which part of all bookings.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// Only those in this state.
    #[param(inline)]
    state: Option<ServerState>,
    /// How many at most: 100 by default.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// The id that this page comes after.
    #[param(pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$")]
    after: Option<String>,
}

/// Bookings by id.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BookingPage {
    /// The bookings, 1000 at most.
    bookings: Vec<BookingInfo>,
    /// The `after` of the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Lists the oldest signed-off bookings that are not backed up.
#[utoipa::path(
    get, path = "/v1/bookings/waiting", params(WaitingQuery), security(("bearer" = ["backup"])),
    responses((status = 200, body = Waiting), Problems)
)]
pub(crate) async fn waiting(
    State(api): State<Api>,
    Query(query): Query<WaitingQuery>,
) -> Result<axum::Json<Waiting>, Problem> {
    let store = api.documents.store();
    let limit = limit(query.limit)?;
    let after = query.after.as_deref().map(Cursor::parse).transpose()?;
    // One more than requested shows whether there is another page.
    let mut bookings = store.waiting(limit + 1, after.as_ref().map(|cursor| (cursor.time, &cursor.id))).await?;
    let more = bookings.len() > limit as usize;
    bookings.truncate(limit as usize);
    let next = bookings.last().filter(|_| more).and_then(Cursor::behind).map(|cursor| cursor.to_string());
    let waiting = store.tally(ServerState::SignedOff).await?;
    Ok(axum::Json(Waiting { bookings: bookings.into_iter().filter_map(Booking::listed).collect(), waiting, next }))
}

/// Lists all bookings by id, the archived and purged ones too.
#[utoipa::path(
    get, path = "/v1/bookings", params(ListQuery), security(("bearer" = ["read"]), ("bearer" = ["backup"])),
    responses((status = 200, body = BookingPage), Problems)
)]
pub(crate) async fn list(
    State(api): State<Api>,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<BookingPage>, Problem> {
    let limit = limit(query.limit)?;
    let after: Option<BookingId> = query.after.map(|after| after.parse()).transpose().map_err(bad_id)?;
    let mut bookings = api.documents.store().list(query.state, after.as_ref(), limit + 1).await?;
    let more = bookings.len() > limit as usize;
    bookings.truncate(limit as usize);
    let next = bookings.last().filter(|_| more).map(|booking| booking.id.to_string());
    Ok(axum::Json(BookingPage { bookings: infos(&api, bookings).await?, next }))
}

/// Shows one booking.
#[utoipa::path(
    get, path = "/v1/bookings/{id}", params(("id" = String, Path, description = "The booking's id.", pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$")),
    security(("bearer" = ["read"]), ("bearer" = ["backup"]), ("bearer" = ["upload"])),
    responses(
        (status = 200, body = BookingInfo),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        Problems
    )
)]
pub(crate) async fn one(State(api): State<Api>, Path(id): Path<BookingId>) -> Result<axum::Json<BookingInfo>, Problem> {
    info(&api, &id).await.map(axum::Json)
}

/// Creates a booking; doing it again changes nothing.
#[utoipa::path(
    post, path = "/v1/bookings", request_body = NewBooking, security(("bearer" = ["upload"])),
    responses(
        (status = 201, body = BookingInfo, headers(("Location" = String, description = "Where it is."))),
        (status = 200, body = BookingInfo, description = "It was created before."),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        Problems,
        BodyProblems
    )
)]
pub(crate) async fn create(State(api): State<Api>, Json(new): Json<NewBooking>) -> Result<Response, Problem> {
    let id: BookingId = match new.id {
        Some(id) => id.parse().map_err(bad_id)?,
        None => uuid::Uuid::new_v4().to_string().parse().map_err(bad_id)?,
    };
    let change = api.documents.create_booking(&id).await?;
    let location = HeaderValue::from_str(&format!("/v1/bookings/{id}")).expect("an id is harmless in a URL");
    let headers = [(header::LOCATION, location)];
    Ok((status(change), headers, axum::Json(info(&api, &id).await?)).into_response())
}

/// Signs a booking's timesheet off; doing it again changes nothing.
#[utoipa::path(
    post, path = "/v1/bookings/{id}/sign-off", params(("id" = String, Path, description = "The booking's id.", pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$")),
    security(("bearer" = ["upload"])),
    responses(
        (status = 200, body = BookingInfo),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        Problems
    )
)]
pub(crate) async fn sign_off(
    State(api): State<Api>,
    Path(id): Path<BookingId>,
) -> Result<axum::Json<BookingInfo>, Problem> {
    api.documents.sign_off(&id).await?;
    info(&api, &id).await.map(axum::Json)
}

pub(crate) fn limit(requested: Option<u32>) -> Result<u32, Problem> {
    let limit = requested.unwrap_or(DEFAULT_LIST);
    if (1..=MAX_LIST).contains(&limit) {
        return Ok(limit);
    }
    let detail = format!("`limit` is {limit}: it must be 1 to {MAX_LIST}");
    Err(Problem::new(StatusCode::BAD_REQUEST, "bad-query", detail))
}

pub(crate) fn status(change: Change) -> StatusCode {
    match change {
        Change::Done => StatusCode::CREATED,
        Change::Already => StatusCode::OK,
    }
}

pub(crate) async fn info(api: &Api, id: &BookingId) -> Result<BookingInfo, Problem> {
    let known = api.documents.store().booking(id).await?.ok_or_else(|| unknown(id))?;
    let mut infos = infos(api, vec![known]).await?;
    infos.pop().ok_or_else(Problem::internal)
}

pub(crate) fn unknown(id: &BookingId) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "unknown-booking", format!("there is no booking {id}"))
}

async fn infos(api: &Api, bookings: Vec<Booking>) -> Result<Vec<BookingInfo>, Problem> {
    let ids: Vec<BookingId> = bookings.iter().map(|booking| booking.id.clone()).collect();
    let mut proofs = api.documents.store().proofs(&ids).await?;
    let deletions = api.documents.store().deletions(&ids).await?;
    let mut restorations = api.documents.store().restorations(&ids).await?;
    let with_proofs = |booking: Booking| {
        let proofs: Vec<Mark> =
            proofs.remove(booking.id.as_str()).into_iter().flatten().map(|kept| kept.mark).collect();
        let deletions = deletions.get(booking.id.as_str()).map_or(&[][..], Vec::as_slice);
        BookingInfo {
            purged: purged(&booking, deletions, &proofs),
            restored: restorations.remove(booking.id.as_str()),
            proofs,
            id: booking.id.to_string(),
            state: booking.state,
            timesheet: booking.timesheet.map(TimesheetInfo::from),
            signed_off_at: booking.signed_off_at,
        }
    };
    Ok(bookings.into_iter().map(with_proofs).collect())
}

/// The same, of one booking.
pub(crate) async fn purged_info(documents: &Documents, booking: &Booking) -> Result<Option<PurgedInfo>, Problem> {
    let ids = std::slice::from_ref(&booking.id);
    let proofs = documents.store().proofs(ids).await?.remove(booking.id.as_str()).unwrap_or_default();
    let proofs: Vec<Mark> = proofs.into_iter().map(|kept| kept.mark).collect();
    let deletions = documents.store().deletions(ids).await?.remove(booking.id.as_str()).unwrap_or_default();
    Ok(purged(booking, &deletions, &proofs))
}

/// The purge that deleted a booking's file, and the drives with proven copies of it.
pub(crate) fn purged(booking: &Booking, deletions: &[Deletion], proofs: &[Mark]) -> Option<PurgedInfo> {
    let purge = booking.purge.as_ref()?;
    let deletion = deletions.iter().find(|deletion| deletion.purge == *purge)?;
    let digest = booking.timesheet.as_ref()?.digest.to_string();
    Some(PurgedInfo {
        purge: purge.clone(),
        purged_at: deletion.at,
        proposed_by: deletion.proposed_by.clone(),
        approved_by: deletion.approved_by.clone(),
        drives: proofs.iter().filter(|proof| proof.digest == digest).map(|proof| proof.drive).collect(),
    })
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn bad_id(error: strongroom_model::id::ParseIdError) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "bad-id", error.to_string())
}

/// A position in a list by time, opaque to clients.
pub(crate) struct Cursor {
    pub(crate) time: Timestamp,
    pub(crate) id: BookingId,
}

impl Cursor {
    fn behind(booking: &Booking) -> Option<Self> {
        Some(Self { time: booking.signed_off_at?, id: booking.id.clone() })
    }

    pub(crate) fn parse(text: &str) -> Result<Self, Problem> {
        let bad = || {
            let detail = "`after` is not what the page before gave as `next`: begin without it";
            Problem::new(StatusCode::BAD_REQUEST, "bad-query", detail)
        };
        let (us, id) = text.split_once('~').ok_or_else(bad)?;
        let digits = us.strip_prefix('-').unwrap_or(us);
        if !(1..=16).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad());
        }
        let time = us.parse().ok().and_then(|us| Timestamp::from_microsecond(us).ok()).ok_or_else(bad)?;
        Ok(Self { time, id: id.parse().map_err(|_| bad())? })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}~{}", self.time.as_microsecond(), self.id)
    }
}
