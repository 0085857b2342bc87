//! Who does it: the name that events carry.

use strongroom_model::text::printable;
use strongroom_model::{Actor, StageName};

/// How much of a host's name is kept, in characters: what a DNS label may have.
const MOST_HOST_CHARS: usize = 63;

/// A stage on this host, such as `fetch@backup-1`.
#[must_use]
pub fn actor(stage: StageName) -> Actor {
    actor_named(stage.name())
}

/// A part of the program, or a person, on this host: `operator@backup-1`.
#[must_use]
pub fn actor_named(who: &str) -> Actor {
    on_host(who, &host_name())
}

/// This host's name; `unknown-host` where it has none.
#[must_use]
pub fn host_name() -> String {
    hostname::get()
        .ok()
        .and_then(|name| name.into_string().ok())
        .filter(|name| !name.is_empty())
        .map_or_else(|| "unknown-host".to_owned(), |name| printable(&name, MOST_HOST_CHARS))
}

fn on_host(who: &str, host: &str) -> Actor {
    let host: String = host.chars().filter(char::is_ascii_graphic).collect();
    let who: String = who.chars().filter(char::is_ascii_graphic).take(MOST_HOST_CHARS).collect();
    format!("{who}@{host}").parse().expect("it is short, printable and has an @ at least")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_is_a_stage_and_its_host() {
        assert_eq!(on_host("fetch", "backup-1").as_str(), "fetch@backup-1");
        assert!(actor(StageName::Verify).as_str().starts_with("verify@"));
    }

    #[test]
    fn a_strange_host_name_still_makes_an_actor() {
        assert_eq!(on_host("fetch", "b\u{202e}ack\nup").as_str(), "fetch@backup");
    }
}
