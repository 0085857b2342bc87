//! What the same server does at least: the same bytes in a table with nothing but their position's key,
//! written by one session that asks for nothing and checks nothing.

use std::time::Instant;

use sqlx::{Connection as _, PgConnection};
use strongroom_model::Position;

use crate::load::{EACH, event};

/// How many events a commit has: as many as there are callers in the load that this is held against.
const EVENTS_A_COMMIT: usize = 256;

/// Events a second.
pub(crate) async fn rate(url: &str) -> f64 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query("CREATE TABLE bare (position bigint PRIMARY KEY, body text NOT NULL)")
        .execute(&mut connection)
        .await
        .unwrap();
    let body = event(0).render(&"bench".parse().unwrap(), Position(0));
    let bodies = vec![body; EVENTS_A_COMMIT];
    let begin = Instant::now();
    let mut stored = 0;
    while begin.elapsed() < EACH {
        sqlx::query("INSERT INTO bare SELECT generate_series($1, $1 + cardinality($2) - 1), unnest($2)")
            .bind(stored)
            .bind(&bodies)
            .execute(&mut connection)
            .await
            .unwrap();
        stored += EVENTS_A_COMMIT as i64;
    }
    stored as f64 / begin.elapsed().as_secs_f64()
}
