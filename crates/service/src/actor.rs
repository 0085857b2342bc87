//! Actors of events: `PART@HOST/USER/PROCESS`. The user is the operating system's: the process's owner or, for a
//! person, who logged in, also behind `sudo`.

use std::fs;

use strongroom_model::text::printable;
use strongroom_model::{Actor, StageName};

/// The longest DNS label.
const MAX_HOST_CHARS: usize = 63;
/// Keeps an actor within its 128 bytes.
const MAX_PART_CHARS: usize = 20;
/// What `useradd` accepts.
const MAX_USER_CHARS: usize = 32;
/// The login's user; the kernel keeps it through changes of user.
const LOGIN: &str = "/proc/self/loginuid";
/// Nobody logged in, as under systemd.
const NO_LOGIN: u32 = u32::MAX;

/// A stage of this process: `fetch@backup-1/strongroom/4242`.
pub fn actor(stage: StageName) -> Actor {
    actor_named(stage.name())
}

/// A part of this process.
pub fn actor_named(part: &str) -> Actor {
    on_host(part, &host_name(), &user_named(rustix::process::geteuid().as_raw()))
}

/// This process's user: `operator@backup-1/ann/4242`.
pub fn person() -> Actor {
    on_host("operator", &host_name(), &user())
}

/// Who logged in, also behind `sudo`; the process's user where nobody did.
pub fn user() -> String {
    let login = fs::read_to_string(LOGIN).ok().and_then(|id| id.trim().parse().ok()).filter(|id| *id != NO_LOGIN);
    user_named(login.unwrap_or_else(|| rustix::process::getuid().as_raw()))
}

/// This host's name, or `unknown-host`.
pub fn host_name() -> String {
    hostname::get()
        .ok()
        .and_then(|name| name.into_string().ok())
        .filter(|name| !name.is_empty())
        .map_or_else(|| "unknown-host".to_owned(), |name| printable(&name, MAX_HOST_CHARS))
}

fn user_named(id: u32) -> String {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_in(&users, id).map_or_else(|| format!("uid-{id}"), str::to_owned)
}

/// Parses `passwd(5)`.
fn name_in(users: &str, id: u32) -> Option<&str> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1)?.parse() == Ok(id)).then_some(name)
    })
}

fn on_host(part: &str, host: &str, user: &str) -> Actor {
    let plain = |text: &str, most| {
        let kept = text.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '@' | '/'));
        kept.take(most).collect::<String>()
    };
    let (part, host) = (plain(part, MAX_PART_CHARS), plain(host, MAX_HOST_CHARS));
    let (user, process) = (plain(user, MAX_USER_CHARS), std::process::id());
    format!("{part}@{host}/{user}/{process}").parse().expect("its parts are short and printable")
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str = "root:x:0:0:root:/root:/bin/bash\n+::::::\nann:x:1000:1000::/home/ann:/bin/sh\n";

    #[test]
    fn an_actor_is_a_part_its_host_its_user_and_its_process() {
        let process = std::process::id();
        let fetch = on_host("fetch", "backup-1", "strongroom");
        assert_eq!(fetch.as_str(), format!("fetch@backup-1/strongroom/{process}"));
        assert_eq!((fetch.part(), fetch.host()), ("fetch", Some("backup-1")));
        assert!(actor(StageName::Verify).as_str().ends_with(&format!("/{process}")));
        assert_eq!(person().part(), "operator");
        let earlier: Actor = "fetch@backup-1".parse().unwrap();
        assert!(fetch.is_same_part(&earlier), "of an earlier version");
        assert!(!fetch.is_same_part(&on_host("fetch", "backup-2", "strongroom")));
    }

    #[test]
    fn strange_names_still_make_an_actor_that_can_be_told_apart() {
        let actor = on_host("fetch", "b\u{202e}ack\nup/x@y", "ann/4242");
        assert!(actor.as_str().starts_with("fetch@backupxy/ann4242/"), "{actor}");
        let long = on_host(&"p".repeat(99), &"h".repeat(99), &"u".repeat(99));
        assert!(long.as_str().len() <= 128);
    }

    #[test]
    fn a_user_has_the_name_that_the_host_has_for_it() {
        assert_eq!((name_in(USERS, 1000), name_in(USERS, 0), name_in(USERS, 7)), (Some("ann"), Some("root"), None));
        assert!(user_named(4_000_000_000).starts_with("uid-"));
    }
}
