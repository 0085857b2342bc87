//! Backup jobs of two hosts, whose workers share Postgres and RabbitMQ, and monitors on other machines.

mod machines;

use strongroom_model::{Event, FailureKind};
use strongroom_servers::{RabbitMq, rabbitmq};
use strongroom_tests::program::stop_all;
use strongroom_tests::wait::{until, until_true};

use self::machines::{Machine, Site, times};

/// Waits until the jobs of these hosts are proven.
fn until_proven(centre: &Machine<'_>, hosts: &[&Machine<'_>]) {
    for host in hosts {
        until_true(&format!("the job of {} to be proven", host.name), || centre.state_of(host) == "proven");
        assert_eq!(host.copy().as_deref(), Some(host.name));
    }
}

#[test]
fn r10_each_hosts_job_waits_for_that_host_is_proven_there_and_told_in_the_mornings_mail() {
    let site = Site::on(rabbitmq());
    let (centre, here, there) = (site.machine("centre"), site.host("here", ""), site.host("there", ""));
    let mut running: Vec<_> = ["relay", "notify", "monitor"].map(|verb| centre.start(verb)).into();
    let worker_here = here.start("transfer");
    here.request_run();
    there.request_run();
    until_proven(&centre, &[&here]);
    // Nobody takes the other host's job from its queue, and that is said of this host alone.
    until_true("the job to wait in its host's queue", || site.waits_in("transfer", "there") == 1);
    until_true("the alarm", || centre.is_raised("no-worker.strongroom.office.transfer.there.v1"));
    let told = centre.call(&["status"]).run().expect_code(2).stdout;
    assert!(told.contains("no transfer worker of host there takes it"), "{told}");
    assert!(told.contains("start `strongroom transfer`") && told.contains("on host there"), "{told}");
    assert!(!told.contains("of host here"), "{told}");
    assert_eq!((there.starts(), there.copy()), (0, None));
    // Whoever asks from elsewhere is not kept waiting by another host's worker.
    let refused = here.call(&["job", "run", &there.job()]).run().expect_code(1);
    assert!(refused.stderr.contains("is done on host there, and this is here"), "{}", refused.said());
    let worker_there = there.start("transfer");
    until_proven(&centre, &[&there]);
    until_true("the end of the alarm", || centre.alarms().is_empty());
    assert_eq!((here.starts(), there.starts()), (1, 1));
    for (host, worker) in [(&here, &worker_here), (&there, &worker_there)] {
        let process = format!("/{}", worker.id());
        for event in centre.events() {
            let of = match &event.event {
                Event::JobRunTransferred(copied) if copied.host.as_str() == host.name => true,
                Event::JobRunStarted(started) => started.host.as_str() == host.name,
                _ => false,
            };
            assert!(!of || event.actor.as_str().ends_with(&process), "{} was not done by {process}", host.name);
        }
    }
    // A run by hand beside the worker is the worker's to do.
    here.call(&["job", "run", &here.job()]).run().expect_code(0);
    site.set_clock(86_400);
    let mail = until("the morning's mail", || centre.mailbox().summaries().pop());
    let text = mail.part("text/plain");
    assert!(text.contains(&here.job()) && text.contains(&there.job()), "{text}");
    until_true("every queue to be empty", || site.queues().iter().all(|(_, messages)| *messages == 0));
    running.extend([worker_here, worker_there]);
    stop_all(running);
    centre.call(&["log", "verify"]).run().expect_code(0);
}

#[test]
fn r3_a_worker_that_is_killed_in_the_middle_leaves_no_tool_and_the_run_is_repeated() {
    let site = Site::on(rabbitmq());
    let (centre, here, there) = (site.machine("centre"), site.host("here", ""), site.host("there", ""));
    let mut running: Vec<_> = ["relay", "notify"].map(|verb| centre.start(verb)).into();
    let killed = here.start("transfer");
    running.push(there.start("transfer"));
    for host in [&here, &there] {
        host.hold();
        host.request_run();
    }
    let (left, other) = (here.tool(1), there.tool(1));
    assert!(left.is_running() && other.is_running());
    killed.kill();
    running.push(here.start("transfer"));
    let again = here.tool(2);
    assert!(!left.is_running(), "the dead worker's tool writes beside the next one");
    assert!(again.is_running() && other.is_running(), "tools of workers that live are left alone");
    for host in [&here, &there] {
        host.release();
    }
    until_proven(&centre, &[&here, &there]);
    until_true("the tools to end", || !again.is_running() && !other.is_running());
    assert_eq!((here.starts(), there.starts()), (2, 1));
    let interrupted = centre.events().into_iter().filter_map(|event| match event.event {
        Event::WorkAttemptFailed(failed) => Some(failed.kind),
        _ => None,
    });
    assert_eq!(interrupted.collect::<Vec<_>>(), [FailureKind::Interrupted]);
    stop_all(running);
    centre.call(&["log", "verify"]).run().expect_code(0);
}

#[test]
fn r2_a_broker_that_is_restarted_in_the_middle_of_two_runs_has_no_tool_started_twice() {
    let rabbitmq = RabbitMq::start();
    let site = Site::on(&rabbitmq);
    let (centre, here, there) = (site.machine("centre"), site.host("here", ""), site.host("there", ""));
    let mut running: Vec<_> = ["relay", "notify"].map(|verb| centre.start(verb)).into();
    running.extend([&here, &there].map(|host| host.start("transfer")));
    for host in [&here, &there] {
        host.hold();
        host.request_run();
    }
    let tools = [&here, &there].map(|host| host.tool(1));
    rabbitmq.stop();
    // One ends while the broker is away, and is recorded all the same; its proof waits for the broker.
    here.release();
    until_true("the copy to be recorded", || {
        centre.events().iter().any(|event| matches!(event.event, Event::JobRunTransferred(_)))
    });
    rabbitmq.start_again();
    until_proven(&centre, &[&here]);
    there.release();
    until_proven(&centre, &[&there]);
    assert!(tools.iter().all(|tool| !tool.is_running()));
    assert_eq!((here.starts(), there.starts()), (1, 1));
    until_true("the end of every alarm", || centre.alarms().is_empty());
    until_true("every queue to be empty", || site.queues().iter().all(|(_, messages)| *messages == 0));
    stop_all(running);
    centre.call(&["log", "verify"]).run().expect_code(0);
}

#[test]
fn r8_two_monitors_elsewhere_tell_once_of_a_host_that_died_and_of_its_return() {
    let site = Site::on(rabbitmq());
    let due = "every = \"1h\"";
    let (here, there) = (site.host("here", due), site.host("there", due));
    let [centre, other] = ["centre", "other"].map(|name| site.machine(name));
    let mut running: Vec<_> = ["relay", "notify", "monitor"].map(|verb| centre.start(verb)).into();
    running.push(other.start("monitor"));
    running.push(here.start("transfer"));
    let dying = there.start("transfer");
    for host in [&here, &there] {
        host.request_run();
    }
    until_proven(&centre, &[&here, &there]);
    dying.kill();
    until_true("the host to be missed", || centre.is_raised("host-silent.there"));
    // Its next run is due, and a monitor that slept for as long says so first.
    site.set_clock(2 * 3600);
    let overdue = format!("job-overdue.{}", there.job());
    until_true("the run to be missed", || centre.is_raised(&overdue));
    until_true("the other host's run", || here.starts() == 2);
    running.push(there.start("transfer"));
    until_true("the host's run", || there.starts() == 2);
    until_true("the end of the alarms", || centre.alarms().is_empty());
    let events = centre.events();
    for (alarm, sentence) in
        [("host-silent.there", "host there was not heard from since"), (&overdue, "that was due at")]
    {
        assert_eq!(times(&events, alarm), (1, 1), "{alarm}");
        until_true(&format!("{alarm} to be mailed"), || {
            let mails = centre.mailbox().alarms();
            mails.iter().any(|mail| mail.part("text/plain").replace('\n', " ").contains(sentence))
        });
    }
    assert_eq!(times(&events, "host-silent.here"), (0, 0), "they are on one system");
    stop_all(running);
    centre.call(&["log", "verify"]).run().expect_code(0);
}
