//! The list of what waits, and the list of all.

use reqwest::StatusCode;
use serde_json::Value;
use strongroom_server::import::import_folder;

use super::rig::{Rig, problem};

/// Bookings whose files are `0` … `count - 1`, each signed off a second after the one before;
/// two at a time are signed off at the same moment.
async fn filled(count: u64) -> Rig {
    let rig = Rig::start().await;
    for number in 0..count {
        let path = rig.file(&number.to_string());
        std::fs::write(&path, number.to_string()).unwrap();
        let modified = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1000 + number / 2);
        std::fs::File::options().write(true).open(path).unwrap().set_modified(modified).unwrap();
    }
    import_folder(rig.documents(), &rig.file(""), |_| {}).await.unwrap();
    rig
}

#[tokio::test]
async fn pages_follow_each_other_oldest_first_without_a_gap() {
    let rig = filled(25).await;
    let all = rig.waiting("?limit=1000").await;
    assert_eq!((all.bookings.len(), all.waiting, all.next), (25, 25, None));
    assert!(all.bookings.is_sorted_by_key(|booking| (booking.signed_off_at, booking.id.clone())));

    let mut paged = Vec::new();
    let mut query = "?limit=4".to_owned();
    loop {
        let page = rig.waiting(&query).await;
        assert_eq!(page.waiting, 25);
        paged.extend(page.bookings);
        let Some(next) = page.next else { break };
        query = format!("?limit=4&after={next}");
    }
    assert_eq!(paged, all.bookings);
    // A page that ends with the list says so at once.
    assert_eq!(rig.waiting("?limit=25").await.next, None);
    problem(rig.get("/v1/bookings/waiting?limit=0").await, StatusCode::BAD_REQUEST, "bad-query").await;
    problem(rig.get("/v1/bookings/waiting?limit=1001").await, StatusCode::BAD_REQUEST, "bad-query").await;
}

#[tokio::test]
async fn what_is_marked_leaves_the_list_and_moves_no_cursor() {
    let rig = filled(6).await;
    let first = rig.waiting("?limit=3").await;
    rig.mark_one(&first.bookings[0].id).await;
    rig.mark_one(&first.bookings[2].id).await;
    let second = rig.waiting(&format!("?limit=3&after={}", first.next.unwrap())).await;
    assert_eq!((second.bookings.len(), second.waiting, second.next), (3, 4, None));
    let left = rig.waiting("").await;
    assert_eq!(left.bookings[0], first.bookings[1]);
}

#[tokio::test]
async fn all_bookings_are_listed_by_id_and_state() {
    let rig = filled(5).await;
    rig.booking("zz", "z.pdf", b"z").await;
    rig.mark_one("zz").await;
    rig.move_to_archived(&["zz"]).await;
    let page = async |query: &str| {
        let page: Value = rig.get(&format!("/v1/bookings{query}")).await.json().await.unwrap();
        let ids: Vec<_> =
            page["bookings"].as_array().unwrap().iter().map(|b| b["id"].as_str().unwrap().to_owned()).collect();
        (ids, page["next"].as_str().map(str::to_owned))
    };
    let (all, next) = page("").await;
    assert_eq!((all.len(), next), (6, None));
    assert!(all.is_sorted());
    let (first, next) = page("?limit=4").await;
    assert_eq!(next.as_deref(), first.last().map(String::as_str));
    assert_eq!(page("?state=archived").await.0, ["zz"]);
    assert_eq!(page("?state=signed-off").await.0.len(), 5);
    assert_eq!(page("?state=purged").await.0.len(), 0);
    assert_eq!(page("?after=zz").await.0.len(), 0);
}

#[tokio::test]
async fn a_bad_query_is_named() {
    let rig = filled(1).await;
    for (path, code) in [
        ("/v1/bookings/waiting?limit=many", "bad-query"),
        ("/v1/bookings/waiting?limit=-1", "bad-query"),
        ("/v1/bookings/waiting?after=%20", "bad-query"),
        ("/v1/bookings/waiting?after=AAAA", "bad-query"),
        ("/v1/bookings/waiting?offset=3", "bad-query"),
        ("/v1/bookings?state=lost", "bad-query"),
        ("/v1/bookings?after=..%2Fx", "bad-id"),
        ("/v1/bookings/..%2F..%2Fetc", "bad-path"),
        ("/v1/bookings/a%00b", "bad-path"),
    ] {
        problem(rig.get(path).await, StatusCode::BAD_REQUEST, code).await;
    }
    problem(rig.get("/v1/bookings/B-404").await, StatusCode::NOT_FOUND, "unknown-booking").await;
    problem(rig.get("/v1/bookings/B-404/timesheet").await, StatusCode::NOT_FOUND, "unknown-booking").await;
}
