//! What every event log does, whichever database holds it: each test is written once and
//! runs on each [`Backend`].

#![expect(clippy::unwrap_used, reason = "a test stops at the first error")]

mod append;
mod backend;
mod custody_sample;
mod damage;
mod guard;
mod postgres;
mod projection;
mod read;
mod sample;
mod sqlite;

/// Makes a test of each function, on a fresh log of the backend.
macro_rules! suite {
    ($backend:ty: $($module:ident { $($test:ident,)+ })+) => {
        $(mod $module {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let backend = <$backend as crate::backend::Backend>::fresh().await;
                crate::$module::$test(&backend).await;
            })+
        })+
    };
}

/// The whole suite on one backend.
macro_rules! whole_suite {
    ($name:ident, $backend:ty) => {
        mod $name {
            suite! { $backend:
                append {
                    positions_are_gapless_and_versions_follow_each_stream,
                    an_append_is_stored_as_a_whole_or_not_at_all,
                    r3_a_duplicate_append_changes_nothing,
                    a_conflicting_append_fails_alone,
                    appends_of_many_callers_share_commits,
                    a_batch_is_one_commit,
                    the_longest_list_of_a_server_goes_in_one_append,
                    a_group_ends_at_its_bytes_and_the_rest_follows,
                    events_of_one_stream_may_follow_each_other_in_one_append,
                    an_id_is_stored_once,
                    what_could_not_be_read_back_is_refused,
                    what_is_too_large_is_refused,
                    callers_that_go_away_break_nothing,
                    a_closed_log_refuses_and_has_answered_before,
                    an_append_of_nothing_is_no_commit,
                }
                read {
                    the_stored_bytes_are_the_rendered_ones,
                    a_log_that_is_opened_again_goes_on_where_it_was,
                    reading_ends_at_the_limit_and_at_the_end,
                    r4_many_writers_leave_no_gap,
                    r4_a_tail_under_load_skips_nothing,
                    a_tail_sees_what_another_process_appends,
                    a_reader_waits_for_a_position,
                    a_clock_set_back_does_not_matter,
                    many_streams_are_read_at_once,
                    a_reader_only_reads,
                    r4_a_missing_position_stops_a_reader,
                    r9_an_event_that_cannot_be_read_stops_nothing_but_its_own_subject,
                }
                projection {
                    what_is_pending_due_and_counted_follows_from_the_last_events,
                    a_retry_is_due_at_its_time_and_not_before,
                    the_newest_of_a_kind_is_the_one_that_began_last,
                    the_projection_made_again_is_the_same,
                }
                guard {
                    r4_the_database_refuses_to_change_or_delete_what_is_stored,
                }
                damage {
                    an_untouched_log_verifies,
                    every_damage_is_found_and_named,
                    a_log_cut_off_with_its_head_is_found_against_an_earlier_head,
                    a_log_written_anew_is_found_against_an_earlier_head,
                    a_log_of_many_batches_verifies_and_its_damage_is_found,
                    a_log_verifies_while_it_is_written,
                }
            }
        }
    };
}

whole_suite!(on_sqlite, crate::sqlite::Sqlite);
whole_suite!(on_postgres, crate::postgres::Postgres);
