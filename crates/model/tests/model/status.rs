//! Which status and partition each event leaves its subject with.

use strongroom_model::event::CATALOGUE;
use strongroom_model::{
    BookingCounts, BookingStatus, Partition, StageName, Status, partition_after, partition_of, status_after, status_of,
};

use crate::samples::{self, archived, enumerated, fetched, held};

#[test]
#[expect(clippy::too_many_lines, reason = "one table with a line for each type of event")]
fn each_type_of_event_leaves_its_status_and_partition() {
    let drive = "5f0c2f3e-8a57-4a0e-9a43-0b7a5c1d2e3f";
    let table = [
        ("timesheet.enumerated.v1", Some("enumerated"), None),
        ("timesheet.fetched.v1", Some("fetched"), Some(drive)),
        ("timesheet.backed-up.v1", Some("backed-up"), None),
        ("timesheet.archived.v1", Some("archived"), None),
        ("timesheet.purged.v1", Some("purged"), None),
        ("timesheet.restored.v1", Some("archived"), None),
        ("timesheet.failed.v1", Some("enumerated"), None),
        ("timesheet.failed.v1.bare", Some("needs-attention"), None),
        ("timesheet.retried.v1", Some("given-back"), None),
        ("timesheet.retried.v1.bare", Some("backed-up"), None),
        ("run.requested.v1", Some("requested"), None),
        ("run.enumerated.v1", Some("enumerated"), None),
        ("run.failed.v1", Some("requested"), None),
        ("alarm.raised.v1", Some("raised"), None),
        ("alarm.cleared.v1", Some("cleared"), None),
        ("summary.composed.v1", Some("composed"), None),
        ("summary.sent.v1", Some("sent"), None),
        ("key.created.v1", None, None),
        ("key.rotated.v1", None, None),
        ("witness.added.v1", None, None),
        ("witness.removed.v1", None, None),
        ("summary.failed.v1", Some("composed"), None),
        ("drive.handed-over.v1", Some("handed-over"), None),
        ("drive.returned.v1", Some("here"), None),
        ("drive.retired.v1", Some("retired"), None),
        ("drive.lost.v1", Some("lost"), None),
        ("copy.made.v1", Some("proven"), None),
        ("copy.proven.v1", Some("proven"), None),
        ("copy.damaged.v1", Some("damaged"), None),
        ("copy.repaired.v1", Some("proven"), None),
        ("custody.requested.v1", Some("requested"), Some(drive)),
        ("custody.requested.v1.bare", Some("requested"), None),
        ("custody.finished.v1", Some("finished"), None),
        ("custody.cancelled.v1", Some("cancelled"), None),
        ("purge.proposed.v1", Some("proposed"), None),
        ("purge.approved.v1", Some("approved"), None),
        ("purge.refused.v1", Some("refused"), None),
        ("purge.requested.v1", Some("requested"), None),
        ("purge.finished.v1", Some("finished"), None),
        ("host.joined.v1", Some("joined"), None),
        ("host.retired.v1", Some("retired"), None),
        ("job.retired.v1", Some("retired"), None),
        ("job.run-ended.v1", Some("partial"), None),
        ("job.run-ended.v1.bare", Some("copied"), None),
        ("jobrun.requested.v1", Some("requested"), Some("office-1")),
        ("jobrun.started.v1", Some("running"), Some("office-1")),
        ("jobrun.transferred.v1", Some("transferred"), Some("office-1")),
        ("jobrun.transferred.v1.bare", Some("copied"), None),
        ("jobrun.verified.v1", Some("damaged"), None),
        ("jobrun.verified.v1.bare", Some("proven"), None),
        ("jobrun.cancelled.v1", Some("cancelled"), None),
        ("work.failed.v1", Some("needs-attention"), None),
    ];
    let (kept, other) = (Status::labelled("as it was"), "elsewhere".parse::<Partition>().unwrap());
    for (file, sample) in samples::all() {
        let name = file.trim_start_matches("strongroom.").trim_end_matches(".json").trim_end_matches(".approved");
        let find = |name: &str| table.iter().find(|(known, ..)| *known == name);
        let event = &sample.event;
        let after = (status_after(Some(&kept), event), partition_after(Some(&other), event));
        if event.keeps_status() {
            assert_eq!(after, (Some(kept.clone()), Some(other.clone())), "{name}");
            continue;
        }
        let exact = find(name).or_else(|| find(name.trim_end_matches(".bare")));
        let (status, partition) = exact.map_or((None, None), |(_, status, partition)| (*status, *partition));
        assert_eq!(after.0.as_ref().map(Status::as_str), status, "{name}");
        assert_eq!(after.1.as_ref().map(Partition::as_str), partition, "{name}");
        assert!(exact.is_some() || name.starts_with("drive."), "no line for {name}");
        assert_eq!(after, (status_of(event), partition_of(event)), "{name}: it does not depend on what was");
    }
}

#[test]
fn what_is_held_stays_where_its_last_decisive_event_put_it() {
    let events = [enumerated(), fetched(), held(StageName::Verify), held(StageName::Verify)];
    let status = events.iter().fold(None, |before, event| status_after(before.as_ref(), event));
    let partition = events.iter().fold(None, |before, event| partition_after(before.as_ref(), event));
    assert_eq!(status, status_of(&fetched()));
    assert_eq!((partition.clone(), partition.is_some()), (partition_of(&fetched()), true));
    assert_eq!(partition_after(partition.as_ref(), &archived()), None, "what is archived is bound to nothing");
}

/// Only a partitioned stage has a queue for each partition: other work that named one would lie in no queue.
#[test]
fn only_a_partitioned_stages_work_is_bound_to_a_partition() {
    for (file, sample) in samples::all() {
        let next = strongroom_model::next_step(&sample.event);
        let is_partitioned = next.is_some_and(|next| next.stage.is_partitioned());
        assert_eq!(partition_of(&sample.event).is_some(), is_partitioned && !sample.event.keeps_status(), "{file}");
    }
}

#[test]
fn a_log_can_find_the_last_decisive_event_by_its_type() {
    let keeping: Vec<_> = CATALOGUE.iter().filter(|one| one.keeps_status).map(|one| one.name).collect();
    let names = [
        "timesheet.held",
        "copy.restored",
        "custody.advanced",
        "purge.advanced",
        "job.defined",
        "job.run-due",
        "job.cancel-requested",
        "alarm.notified",
        "alarm.failed",
        "work.attempt-failed",
        "work.held",
    ];
    assert_eq!(keeping, names.map(|name| format!("strongroom.{name}.v1")));
}

#[test]
fn bookings_are_counted_by_their_labels() {
    for status in BookingStatus::ALL {
        assert_eq!(BookingStatus::from_label(status.label()), Some(status));
        let counts = BookingCounts::of(
            [(status.label(), 3), ("of a newer version", 7)].map(|(label, n)| (Status::labelled(label), n)),
        );
        assert_eq!((counts.count(status), counts.total()), (3, 3));
        let mut counted = BookingCounts::default();
        (0..3).for_each(|_| counted.add(status));
        assert_eq!(counted, counts);
    }
}

#[test]
fn a_partition_is_one_word_of_a_queues_name() {
    assert_eq!("backup-1".parse::<Partition>().unwrap().as_str(), "backup-1");
    for bad in ["", "a.b", "A", "a*", "#", "a b", &"x".repeat(65)] {
        assert!(bad.parse::<Partition>().unwrap_err().to_string().contains("expected up to 64"), "{bad}");
    }
}
