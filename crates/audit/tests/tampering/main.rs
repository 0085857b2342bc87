//! What a superuser of the database can do to a log, and what shows it: a start of the program, `log verify`, `log
//! verify --checkpoint`, and evidence. The table in docs/audit.md has a line for each of these tests.

#![expect(clippy::unwrap_used, reason = "a test stops at the first error")]

mod backend;
mod matrix;
mod postgres;
mod sample;
mod sqlite;

macro_rules! on_both {
    ($($test:ident,)+) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                crate::matrix::$test::<crate::sqlite::Sqlite>().await;
            })+
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                crate::matrix::$test::<crate::postgres::Postgres>().await;
            })+
        }
        const TESTS: &[&str] = &[$(stringify!($test)),+];
    };
}

on_both! {
    a_row_is_changed,
    a_row_is_changed_with_its_hash,
    a_row_is_removed,
    a_row_is_inserted,
    two_rows_are_swapped,
    the_tail_is_cut_off,
    the_tail_is_cut_off_with_the_head,
    the_head_is_rewritten,
    a_guard_is_taken_away,
    a_guard_is_replaced,
    the_projection_is_changed,
    a_key_is_replaced_without_the_old_one,
    an_event_is_left_out_and_all_is_written_anew,
    the_tree_is_rebuilt_whole,
}

#[test]
fn the_page_for_auditors_has_a_line_for_each() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/audit.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, table) = page.split_once("## What shows which tampering").unwrap();
    let lines: Vec<_> = table.lines().filter(|line| line.starts_with("| ") && line.contains('`')).collect();
    for test in TESTS {
        let named = lines.iter().filter(|line| line.contains(&format!("`{test}`"))).count();
        assert_eq!(named, 1, "{test}");
    }
}
