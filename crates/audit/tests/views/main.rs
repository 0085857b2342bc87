//! The views of a log, each on SQLite and on Postgres.

#![expect(clippy::unwrap_used, reason = "a test stops at the first error")]

mod against;
mod as_of;
mod diff;
mod errors;
mod pages;
mod sample;

macro_rules! on_both {
    ($($module:ident { $($test:ident,)+ })+) => {
        mod sqlite {
            $(mod $module {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    let folder = tempfile::tempdir().unwrap();
                    let path = folder.path().join("log.db");
                    let log = strongroom_eventlog::EventLog::open_sqlite(&path, &crate::sample::site()).await.unwrap();
                    crate::$module::$test(&log).await;
                })+
            })+
        }
        mod postgres {
            $(mod $module {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    let database = strongroom_servers::postgres().database();
                    strongroom_eventlog::migrate_postgres(&database.url).await.unwrap();
                    let site = crate::sample::site();
                    let log = strongroom_eventlog::EventLog::open_postgres(&database.url, &site).await.unwrap();
                    crate::$module::$test(&log).await;
                    log.close().await;
                })+
            })+
        }
    };
}

on_both! {
    as_of {
        each_view_of_an_earlier_position_is_what_it_was_then,
        the_status_of_an_earlier_position_is_the_fold_of_the_events_before,
    }
    against {
        a_server_that_agrees_has_no_difference,
        each_difference_is_named_with_the_event_that_says_otherwise,
        what_the_pipeline_moves_meanwhile_is_no_difference,
    }
    diff {
        a_diff_is_the_difference_of_two_folds,
        a_diff_is_read_in_pages,
        a_time_is_the_position_before_the_first_later_event,
        each_booking_is_listed_as_its_story_ends,
    }
    pages {
        a_walk_through_the_pages_is_the_whole,
        r4_nothing_is_skipped_when_events_are_appended_between_pages,
        a_long_stream_is_paged_too,
    }
    errors {
        a_position_after_the_end_is_named,
        an_unknown_status_is_named_with_those_that_there_are,
        an_unknown_subject_is_named,
        an_empty_log_has_empty_views,
    }
}
