//! Signs of life of a site's processes, and what is missing for waiting work. A sign is not an event: the next
//! overwrites it, and an old one means a process that is gone (rule R8).

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::flow::StageName;
use crate::id::{Actor, HostName};
use crate::status::Partition;
use crate::stream::SubjectKind;

/// The role of the relay, the only one that is not a stage.
pub const RELAY: &str = "relay";

/// Needed even without waiting work.
const NOTIFY: &str = StageName::Notify.name();

/// The process with every role, without a broker.
pub const RUN: &str = "run";

/// Missed intervals before a process counts as gone.
const MISSED_SIGNS: i64 = 4;
/// A bound, whatever interval is stated.
const MAX_SILENCE: SignedDuration = SignedDuration::from_mins(10);

/// What a process reports of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sign {
    /// Its verb and place.
    pub actor: Actor,
    /// Its process id.
    pub pid: u32,
    /// The program's version.
    pub version: String,
    /// When it started.
    pub since: Timestamp,
    /// Its signs' interval, in seconds.
    pub every_s: u32,
    /// Whether it stopped in order.
    #[serde(default)]
    pub has_ended: bool,
    /// Why it cannot append.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cannot_record: Option<String>,
    /// What it does.
    pub parts: Vec<Part>,
}

/// One role of a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// A stage's name, or [`RELAY`].
    pub role: String,
    /// The drive or host whose work it does, if bound to one.
    #[serde(default, alias = "drive", skip_serializing_if = "Option::is_none")]
    pub partition: Option<Partition>,
    /// Its state.
    pub state: PartState,
    /// The pausing alarm, such as `drive-full.<drive>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm: Option<String>,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
}

/// A part's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartState {
    /// Working, or idle.
    Working,
    /// Ready to take over.
    StandingBy,
    /// Waiting, and an alarm says why.
    Paused,
    /// Not started, or without a broker.
    Cut,
}

/// A sign and its age.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its process, new at each start.
    pub process: Uuid,
    /// The sign.
    pub sign: Sign,
    /// Its age, by the store's clock.
    pub age: SignedDuration,
}

impl Seen {
    /// Whether its process is there. Clocks set back leave signs from the future.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        let patience = SignedDuration::from_secs(i64::from(self.sign.every_s) * MISSED_SIGNS).min(MAX_SILENCE);
        !self.sign.has_ended && self.age.abs() <= patience
    }

    /// The part that runs a host's jobs, if it has one. Earlier versions did not name the host: then it is the system's.
    #[must_use]
    pub fn job_worker_of(&self, host: &HostName) -> Option<&Part> {
        let is_its = |part: &&Part| match &part.partition {
            Some(partition) => partition.as_str() == host.as_str(),
            None => self.sign.actor.host().is_some_and(|system| HostName::of_system(system) == *host),
        };
        self.sign.parts.iter().filter(|part| part.role == StageName::Transfer.name()).find(is_its)
    }

    fn parts<'a>(&'a self, role: &'a str, partition: Option<&'a Partition>) -> impl Iterator<Item = &'a Part> {
        // Before it has a drive, or reading the log itself, a process names none.
        let fits = move |part: &&Part| {
            part.role == role
                && partition.is_none_or(|partition| part.partition.as_ref().is_none_or(|its| its == partition))
        };
        self.sign.parts.iter().filter(fits)
    }
}

/// Work that waits for a stage.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Waiting {
    /// The stage.
    pub stage: StageName,
    /// The drive or host that binds it.
    pub partition: Option<Partition>,
}

/// A role that waiting work lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// A stage's name, or [`RELAY`].
    pub role: String,
    /// The drive or host that binds the work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<Partition>,
    /// The last sign of a process with that role, if remembered.
    pub last_sign_at: Option<Timestamp>,
    /// Whether it stopped in order.
    pub ended: bool,
    /// Why the present ones cannot work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut: Option<String>,
}

/// What is missing for waiting work. Unless `relayed`, one process does everything: cron starts and ends it, so only
/// one that did not stop in order is missing.
#[must_use]
pub fn missing(signs: &[Seen], work: &[Waiting], relayed: bool, now: Timestamp) -> Vec<Missing> {
    if !relayed {
        let is_gone = signs.iter().min_by_key(|seen| seen.age).is_some_and(|last| !last.sign.has_ended)
            && !signs.iter().any(Seen::is_alive);
        return is_gone.then_some((RUN, None)).into_iter().map(of(signs, now)).collect();
    }
    // After an orderly stop without waiting work, nothing is missing.
    let is_up = !work.is_empty() || signs.iter().any(Seen::is_alive);
    let is_needed = |role| is_up || last_of(signs, role, None).is_some_and(|last| !last.sign.has_ended);
    let relay = Some(RELAY).filter(|role| is_needed(role) && !signs.iter().any(has_relay));
    // Needed before there is mail.
    let notify = Some(NOTIFY).filter(|role| is_needed(role) && !is_there(signs, role, None));
    let always = relay.into_iter().chain(notify).map(|role| (role, None));
    let stages = work.iter().filter(|waiting| waiting.stage != StageName::Notify);
    let stages = stages.map(|waiting| (waiting.stage.name(), waiting.partition.as_ref()));
    always.chain(stages.filter(|(role, partition)| !is_there(signs, role, *partition))).map(of(signs, now)).collect()
}

/// Publishing relays, longest active first.
#[must_use]
pub fn active_relays(signs: &[Seen]) -> Vec<&Seen> {
    let publishes =
        |seen: &&Seen| seen.is_alive() && seen.parts(RELAY, None).any(|part| part.state == PartState::Working);
    let mut relays: Vec<&Seen> = signs.iter().filter(publishes).collect();
    relays.sort_by_key(|seen| (seen.sign.since, seen.process));
    relays
}

/// The message if several relays are active.
#[must_use]
pub fn several(relays: &[&Seen]) -> Option<String> {
    let names: Vec<String> = relays.iter().map(|seen| format!("{} (pid {})", seen.sign.actor, seen.sign.pid)).collect();
    (names.len() > 1).then(|| format!("{} relays publish the same work: {}", names.len(), names.join(", ")))
}

/// Whether it publishes, or has reported a lost broker.
fn has_relay(seen: &Seen) -> bool {
    seen.is_alive() && seen.parts(RELAY, None).any(|part| matches!(part.state, PartState::Working | PartState::Paused))
}

fn is_there(signs: &[Seen], role: &str, partition: Option<&Partition>) -> bool {
    // One alarm about the broker is enough.
    let relay_reports =
        signs.iter().any(|seen| seen.is_alive() && seen.parts(RELAY, None).any(|part| part.state == PartState::Paused));
    let mut alive = signs.iter().filter(|seen| seen.is_alive());
    alive.any(|seen| seen.parts(role, partition).any(|part| relay_reports || part.state != PartState::Cut))
}

/// Without a broker, any process has every role.
fn last_of<'a>(signs: &'a [Seen], role: &str, partition: Option<&Partition>) -> Option<&'a Seen> {
    let did = |seen: &&Seen| role == RUN || seen.parts(role, partition).next().is_some();
    signs.iter().filter(did).min_by_key(|seen| seen.age)
}

fn of(signs: &[Seen], now: Timestamp) -> impl Fn((&str, Option<&Partition>)) -> Missing {
    move |(role, partition)| {
        let last = last_of(signs, role, partition);
        let alive = signs.iter().filter(|seen| seen.is_alive());
        let cut = alive.flat_map(|seen| seen.parts(role, partition)).find(|part| part.state == PartState::Cut);
        Missing {
            role: role.to_owned(),
            partition: partition.cloned(),
            last_sign_at: last.and_then(|last| now.checked_sub(last.age).ok()),
            ended: last.is_some_and(|last| last.sign.has_ended),
            cut: cut.map(|part| part.waits_for.clone().unwrap_or_else(|| "it has not begun".to_owned())),
        }
    }
}

impl Missing {
    /// Its stage, unless it is the relay or the process with every role.
    #[must_use]
    pub fn stage(&self) -> Option<StageName> {
        StageName::ALL.iter().copied().find(|stage| stage.name() == self.role)
    }

    /// One sentence; `shown` formats a time.
    #[must_use]
    pub fn sentence(&self, shown: impl Fn(Timestamp) -> String) -> String {
        let bound_to = self.stage().and_then(StageName::partitions);
        let what = match (self.role.as_str(), &self.partition) {
            (RELAY, _) => "no relay hands work out".to_owned(),
            (RUN, _) => "no `strongroom run` is at work".to_owned(),
            (NOTIFY, _) => "no notify worker mails".to_owned(),
            (role, None) => format!("no {role} worker takes it"),
            (role, Some(host)) if bound_to == Some(SubjectKind::Host) => {
                format!("no {role} worker of host {host} takes it")
            }
            (role, Some(drive)) => format!("no {role} worker for drive {drive} takes it"),
        };
        match (&self.cut, self.last_sign_at) {
            (Some(why), _) => format!("{what}: those that are there cannot, {why}"),
            (None, None) => format!("{what}: none has given a sign of life"),
            (None, Some(at)) if self.ended => format!("{what}: the last one was stopped at {}", shown(at)),
            (None, Some(at)) => format!("{what}: none has given a sign of life since {}", shown(at)),
        }
    }

    /// The next step.
    #[must_use]
    pub fn next_step(&self) -> String {
        // One process has both.
        let role = match self.stage() {
            Some(StageName::Purge) => StageName::Custody.name(),
            Some(StageName::Prove) => StageName::Transfer.name(),
            _ => self.role.as_str(),
        };
        let start = format!(
            "start `strongroom {role}` (`systemctl start strongroom@{role}`, or the pod or container of that name)"
        );
        match (role, &self.partition) {
            _ if self.cut.is_some() => format!(
                "see what `strongroom {role}` says of the broker in its journal; `strongroom doctor` on its host tries the login"
            ),
            (RUN, _) => "start `strongroom run` (`systemctl start strongroom`), or see why cron does not; its journal says why it ended".to_owned(),
            (RELAY, _) => {
                "start `strongroom relay` (`systemctl start strongroom-relay`, or the pod or container of that name)"
                    .to_owned()
            }
            (_, Some(host)) if self.stage().is_some_and(StageName::is_of_jobs) => format!("{start} on host {host}"),
            (_, Some(_)) => format!("{start} on the host that mounts that drive"),
            _ => start,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-21T03:12:00Z".parse().unwrap()
    }

    fn part(role: &str, state: PartState) -> Part {
        Part { role: role.to_owned(), partition: None, state, alarm: None, waits_for: None }
    }

    fn seen(parts: Vec<Part>, age_s: i64) -> Seen {
        let sign = Sign {
            actor: "somebody@backup-1".parse().unwrap(),
            pid: 7,
            version: "1".to_owned(),
            since: now(),
            every_s: 10,
            has_ended: false,
            cannot_record: None,
            parts,
        };
        Seen { process: Uuid::nil(), sign, age: SignedDuration::from_secs(age_s) }
    }

    fn waiting(stage: StageName, partition: Option<Partition>) -> Waiting {
        Waiting { stage, partition }
    }

    /// What is missing beside a relay and notify, which are there.
    fn sentences(signs: &[Seen], work: &[Waiting]) -> Vec<String> {
        every_sentence(&[signs, &[others()]].concat(), work, true)
    }

    fn others() -> Seen {
        seen(vec![part(RELAY, PartState::Working), part(NOTIFY, PartState::Working)], 0)
    }

    fn every_sentence(signs: &[Seen], work: &[Waiting], relayed: bool) -> Vec<String> {
        let shown = |at: Timestamp| at.strftime("%H:%M:%S UTC").to_string();
        missing(signs, work, relayed, now()).iter().map(|missing| missing.sentence(shown)).collect()
    }

    #[test]
    fn r8_a_worker_that_is_silent_for_four_signs_is_missing_for_the_work_that_waits() {
        let fetch = [waiting(StageName::Fetch, None)];
        let works = |age| [seen(vec![part("fetch", PartState::Working)], age)];
        assert_eq!(sentences(&works(40), &fetch), Vec::<String>::new());
        assert_eq!(
            sentences(&works(41), &fetch),
            ["no fetch worker takes it: none has given a sign of life since 03:11:19 UTC"]
        );
        assert_eq!(sentences(&works(-41), &fetch).len(), 1, "a sign of the future says nothing of now");
        assert_eq!(sentences(&[], &fetch), ["no fetch worker takes it: none has given a sign of life"]);
        assert_eq!(sentences(&[], &[]), Vec::<String>::new(), "nobody is missed where nothing is to be done");
        let mut ended = works(1);
        ended[0].sign.has_ended = true;
        assert_eq!(sentences(&ended, &fetch), ["no fetch worker takes it: the last one was stopped at 03:11:59 UTC"]);
    }

    #[test]
    fn one_that_waits_for_what_an_alarm_names_is_there_and_one_without_a_broker_is_not() {
        let fetch = [waiting(StageName::Fetch, None)];
        assert!(sentences(&[seen(vec![part("fetch", PartState::Paused)], 0)], &fetch).is_empty());
        let why = Some("the broker refuses the login".to_owned());
        let cut = Part { waits_for: why, ..part("fetch", PartState::Cut) };
        assert_eq!(
            sentences(&[seen(vec![cut.clone()], 0)], &fetch),
            ["no fetch worker takes it: those that are there cannot, the broker refuses the login"]
        );
        let no_broker = seen(vec![part(RELAY, PartState::Paused), part(NOTIFY, PartState::Cut)], 0);
        let both = [seen(vec![cut.clone()], 0), no_broker];
        assert!(every_sentence(&both, &fetch, true).is_empty(), "the relay has no broker either, and says so");
        let other = seen(vec![part("fetch", PartState::Working)], 0);
        assert!(sentences(&[seen(vec![cut], 0), other], &fetch).is_empty());
    }

    #[test]
    fn verify_must_be_there_for_the_drive_that_the_work_is_bound_to() {
        let [blue, red] = ["7d444840-9dc0-41d1-b245-5ffdce74fad2", "5f0c2f3e-8a57-4a0e-9a43-0b7a5c1d2e3f"]
            .map(|id| id.parse::<Partition>().unwrap());
        let of_blue = Part { partition: Some(blue.clone()), ..part("verify", PartState::Working) };
        let signs = [seen(vec![of_blue], 0)];
        let work = [blue, red.clone()].map(|drive| waiting(StageName::Verify, Some(drive)));
        let missing = missing(&[&signs[..], &[others()]].concat(), &work, true, now());
        assert_eq!(missing.iter().map(|missing| missing.partition.clone()).collect::<Vec<_>>(), [Some(red)]);
        assert!(missing[0].next_step().ends_with("on the host that mounts that drive"), "{}", missing[0].next_step());
        let nowhere = [seen(vec![part("verify", PartState::Paused)], 0)];
        assert!(sentences(&nowhere, &work).is_empty(), "it waits for its drive, whichever that is");
    }

    #[test]
    fn a_hosts_jobs_wait_for_a_worker_of_that_host() {
        let [here, there] = ["office-1", "office-2"].map(|name| name.parse::<HostName>().unwrap());
        let worker = |role: &str| Part { partition: Some((&here).into()), ..part(role, PartState::Working) };
        let signs = [seen(vec![worker("transfer"), worker("prove")], 0), others()];
        let work = [StageName::Transfer, StageName::Prove]
            .map(|stage| [&here, &there].map(|host| waiting(stage, Some(host.into()))))
            .concat();
        let missing = missing(&signs, &work, true, now());
        let sentences: Vec<String> = missing.iter().map(|missing| missing.sentence(|_| String::new())).collect();
        assert_eq!(
            sentences,
            [
                "no transfer worker of host office-2 takes it: none has given a sign of life",
                "no prove worker of host office-2 takes it: none has given a sign of life"
            ]
        );
        for missing in &missing {
            let step = missing.next_step();
            assert!(step.starts_with("start `strongroom transfer` ") && step.ends_with(" on host office-2"), "{step}");
        }
        assert!(signs[0].job_worker_of(&here).is_some() && signs[0].job_worker_of(&there).is_none());
        let system = "backup-1".parse().unwrap();
        assert!(signs[0].job_worker_of(&system).is_none(), "its system may be named otherwise");
        let earlier = r#"{"role":"transfer","state":"working"}"#;
        let earlier = seen(vec![serde_json::from_str(earlier).unwrap()], 0);
        assert!(earlier.job_worker_of(&system).is_some(), "an earlier version names no host");
        let drive = r#"{"role":"verify","drive":"7d444840-9dc0-41d1-b245-5ffdce74fad2","state":"working"}"#;
        let drive: Part = serde_json::from_str(drive).unwrap();
        assert!(drive.partition.is_some(), "an earlier version names its drive so");
    }

    #[test]
    fn a_relay_and_who_mails_must_be_there_where_work_is_handed_out_by_one() {
        let with = |state, age| {
            seen(vec![part(RELAY, state), part("fetch", PartState::Working), part(NOTIFY, PartState::Working)], age)
        };
        assert!(sentences(&[], &[]).is_empty());
        let both = every_sentence(&[], &[waiting(StageName::Fetch, None)], true);
        assert!(both[0].starts_with("no relay hands work out: ") && both[1].starts_with("no notify worker mails: "));
        let worker = seen(vec![part("fetch", PartState::Working)], 0);
        assert_eq!(every_sentence(&[worker], &[], true).len(), 2, "a worker can get no work, and nobody mails");
        assert_eq!(
            every_sentence(&[with(PartState::StandingBy, 0)], &[], true).len(),
            1,
            "it waits for one that is gone"
        );
        assert_eq!(every_sentence(&[with(PartState::Working, 99)], &[], true).len(), 2);
        let mut ended = with(PartState::Working, 99);
        ended.sign.has_ended = true;
        assert_eq!(every_sentence(&[ended], &[], true), Vec::<String>::new(), "all is done, and all have gone home");
        assert_eq!(active_relays(&[with(PartState::Working, 0), with(PartState::Working, 3)]).len(), 2);
    }

    #[test]
    fn a_process_with_every_role_may_stop_but_not_vanish() {
        let run = |has_ended, age| {
            let run = seen(vec![part("fetch", PartState::Working)], age);
            Seen { sign: Sign { has_ended, ..run.sign }, ..run }
        };
        let work = [waiting(StageName::Fetch, None)];
        for well in [vec![], vec![run(true, 9000)], vec![run(false, 1)], vec![run(true, 50), run(false, 9000)]] {
            assert_eq!(every_sentence(&well, &work, false), Vec::<String>::new());
        }
        assert_eq!(
            every_sentence(&[run(false, 50), run(true, 9000)], &[], false),
            ["no `strongroom run` is at work: none has given a sign of life since 03:11:10 UTC"]
        );
    }
}
