//! What a process sees of the site, as metrics. Every process records it, so that no single one's end takes it away.

use jiff::Timestamp;
use strongroom_model::presence::{Missing, PartState, RELAY, Seen};
use strongroom_model::{SiteId, StageName};

pub(super) fn presence(site: &SiteId, signs: &[Seen], missing: &[Missing], now: Timestamp) {
    let site = site.to_string();
    for role in StageName::ALL.iter().map(|stage| stage.name()).chain([RELAY]) {
        let does = |seen: &&Seen| {
            seen.is_alive() && seen.sign.parts.iter().any(|part| part.role == role && part.state != PartState::Cut)
        };
        let alive = u32::try_from(signs.iter().filter(does).count()).unwrap_or(u32::MAX);
        let is_missing = missing.iter().any(|one| one.role == role);
        metrics::gauge!("strongroom_processes", "site" => site.clone(), "role" => role).set(f64::from(alive));
        metrics::gauge!("strongroom_missing", "site" => site.clone(), "role" => role)
            .set(f64::from(u8::from(is_missing)));
    }
    metrics::gauge!("strongroom_signs_timestamp_seconds", "site" => site).set(now.as_second() as f64);
}
