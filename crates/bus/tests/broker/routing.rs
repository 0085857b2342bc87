//! The keys that messages travel by.

use strongroom_bus::broker::route::event_segment;
use strongroom_bus::broker::{QueueName, RoutingKey, Topology};
use strongroom_model::event::{CATALOGUE, Held};
use strongroom_model::{DriveId, Event, HostName, Partition, StageName};

use crate::rig::{drive, enumerated_event, fetched_event, other_drive, site, topology};

#[test]
fn a_key_names_the_site_the_stage_the_subject_and_the_event() {
    let key = RoutingKey::of(&site(), &enumerated_event(1).0, None).unwrap();
    assert_eq!(key.as_str(), "harbour.fetch.booking.timesheet-enumerated");
    let key = RoutingKey::of(&site(), &fetched_event(1, drive()).0, None).unwrap();
    assert_eq!(key.as_str(), format!("harbour.verify.booking.timesheet-fetched.{}", drive()));
}

#[test]
fn what_a_stage_holds_goes_back_to_it_and_to_the_drive_that_is_named() {
    let (mut event, _) = enumerated_event(1);
    let held = |stage| Event::TimesheetHeld(Held { stage, until: "2026-11-20T22:20:00Z".parse().unwrap() });
    event.event = held(StageName::Fetch);
    let key = RoutingKey::of(&site(), &event, Some(&drive().into())).unwrap();
    assert_eq!(key.as_str(), "harbour.fetch.booking.timesheet-held");
    event.event = held(StageName::Verify);
    let key = RoutingKey::of(&site(), &event, Some(&drive().into())).unwrap();
    assert_eq!(key.as_str(), format!("harbour.verify.booking.timesheet-held.{}", drive()));
}

#[test]
fn no_part_of_a_key_holds_a_dot_of_its_own() {
    for event in CATALOGUE {
        let segment = event_segment(event.name);
        assert!(!segment.is_empty() && segment.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{segment}");
    }
}

#[test]
fn the_longest_names_fit_into_what_amqp_allows() {
    let site: strongroom_model::SiteId = "x".repeat(63).parse().unwrap();
    let topology = Topology::new(site.clone(), &[(StageName::Verify, drive().into())]);
    for event in [enumerated_event(1).0, fetched_event(1, drive()).0] {
        assert!(RoutingKey::of(&site, &event, None).unwrap().as_str().len() < 256);
    }
    assert!(topology.queues().iter().all(|queue| queue.name.as_str().len() < 256));
}

#[test]
fn each_stage_has_its_queue_and_those_that_need_a_drive_or_a_host_one_for_each() {
    let topology = topology();
    let has_queue = |stage, drive: DriveId| {
        let name = QueueName::stage(&site(), stage, Some(&drive.into())).unwrap();
        topology.queues().iter().any(|queue| queue.name == name)
    };
    for stage in StageName::ALL.iter().copied().filter(|stage| !stage.is_of_jobs()) {
        assert!(has_queue(stage, drive()), "{stage}");
    }
    for stage in [StageName::Verify, StageName::Custody] {
        assert_eq!(QueueName::stage(&site(), stage, None), None);
        assert!(!has_queue(stage, other_drive()));
    }
    let host = Partition::from(&"office-1".parse::<HostName>().unwrap());
    for stage in [StageName::Transfer, StageName::Prove] {
        assert_eq!(QueueName::stage(&site(), stage, None), None);
        let name = QueueName::stage(&site(), stage, Some(&host)).unwrap();
        let of_host = Topology::new(site(), &[(stage, host.clone())]);
        assert!(of_host.queues().iter().any(|queue| queue.name == name), "{stage}");
    }
    assert_eq!(topology.queues()[0].name, QueueName::parked(&site()), "what dead letters go to is there first");
}
