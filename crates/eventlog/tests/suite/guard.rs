//! What the database itself refuses.

use crate::backend::Backend;
use crate::sample::bookings;

/// In any database's SQL. The log has three events.
const FORBIDDEN: [&str; 12] = [
    "UPDATE event SET body = 'forged' WHERE position = 1",
    "UPDATE event SET position = 7 WHERE position = 1",
    "UPDATE event SET time_us = time_us",
    "DELETE FROM event WHERE position = 2",
    "DELETE FROM event",
    // Not the next position.
    "INSERT INTO event SELECT 4, 'run/x', 0, '00000000-0000-7000-8000-999999999999', type, time_us, body, leaf_hash FROM event WHERE position = 0",
    "INSERT INTO event SELECT 2, 'run/x', 0, '00000000-0000-7000-8000-999999999999', type, time_us, body, leaf_hash FROM event WHERE position = 0",
    // Not the stream's next version.
    "INSERT INTO event SELECT 3, 'run/x', 1, '00000000-0000-7000-8000-999999999999', type, time_us, body, leaf_hash FROM event WHERE position = 0",
    // An id that is there.
    "INSERT INTO event SELECT 3, 'run/x', 0, id, type, time_us, body, leaf_hash FROM event WHERE position = 0",
    "UPDATE head SET size = 2",
    "UPDATE head SET site = 'other'",
    "DELETE FROM head",
];

pub(crate) async fn r4_the_database_refuses_to_change_or_delete_what_is_stored<B: Backend>(backend: &B) {
    let log = backend.open().await;
    log.append(bookings(0, 3)).await.unwrap();
    let before = log.head().await.unwrap();
    for sql in FORBIDDEN.iter().chain(backend.forbidden()) {
        let refused = backend.execute(sql).await.expect_err(sql);
        assert!(refused.contains("event"), "{sql}: {refused}");
    }
    assert_eq!(log.head().await.unwrap(), before);
    assert_eq!(log.verify().await.unwrap().damage, None);
    log.append(bookings(3, 1)).await.unwrap();
}
