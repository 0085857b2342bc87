//! Whether everybody is there whom the work needs.

use strongroom_model::text::shown;
use strongroom_service::{Clock, Config};

use super::check::Check;
use crate::presence::present::Present;
use crate::{broker, site};

/// The processes of the site, by their signs of life.
pub(super) async fn processes(config: &Config, clock: &Clock) -> Vec<Check> {
    // Why a log cannot be read is reported where it is looked at.
    let Ok(Some(log)) = site::log_if_any(config).await else { return Vec::new() };
    let present = Present::look(config, &log, clock).await;
    log.close().await;
    match present {
        Ok(present) => checks(&present, config, matches!(broker::if_any(config, "doctor"), Ok(Some(_)))),
        Err(error) => vec![Check::error("processes", &error)],
    }
}

fn checks(present: &Present, config: &Config, relayed: bool) -> Vec<Check> {
    let zone = config.zone();
    if present.processes.is_empty() {
        return if relayed {
            vec![Check::warning("processes", "none has been started yet", "start the relay and the workers")]
        } else {
            Vec::new()
        };
    }
    let mut checks: Vec<Check> = present
        .missing
        .iter()
        .map(|missing| Check::bad("processes", missing.sentence(|at| shown(at, &zone)), missing.next_step()))
        .collect();
    if let Some(remark) = &present.remark {
        checks.push(Check::warning("processes", remark, "deploy/rabbitmq/users.json shows the rights"));
    }
    if checks.is_empty() {
        let alive = present.processes.iter().filter(|process| process.state == "alive");
        let names: Vec<String> = alive.map(|process| process.sign.actor.to_string()).collect();
        let found =
            if names.is_empty() { "none runs now; the last one ended in order".to_owned() } else { names.join(", ") };
        checks.push(Check::well("processes", found));
    }
    checks
}
