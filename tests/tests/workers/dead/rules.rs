//! Which alert rules fire on what was scraped: promtool plays it on for an hour.

use strongroom_tests::rules::series as one;

use super::look::Scraped;

/// For how many minutes things were as before, and are as they are now.
const BEFORE: usize = 10;
const NOW: usize = 110;

/// How old a time may be that is shown as a metric, for it to be one that moves on, in seconds.
const FRESH_S: f64 = 30.0;

/// The names of the alerts that fire an hour later, a line each.
pub(super) fn firing(before: &[Scraped], now: &[Scraped]) -> String {
    let series: String = now.iter().map(|now| of_instance(before, now)).collect();
    Vec::from_iter(strongroom_tests::rules::firing(&series)).join("\n")
}

fn of_instance(before: &[Scraped], now: &Scraped) -> String {
    let instance = now.instance;
    let up = u8::from(now.series.is_some());
    let mut text = one(&format!("up{{job=\"strongroom\",instance=\"{instance}\"}}"), &format!("1x{BEFORE} {up}x{NOW}"));
    let empty = std::collections::BTreeMap::new();
    let was = before.iter().find(|scraped| scraped.instance == instance).and_then(|scraped| scraped.series.as_ref());
    let (was, is) = (was.unwrap_or(&empty), now.series.as_ref());
    for series in was.keys().chain(is.unwrap_or(&empty).keys().filter(|series| !was.contains_key(*series))) {
        let (was, is) = (was.get(series).copied(), is.and_then(|is| is.get(series).copied()));
        text += &one(&labelled(series, instance), &values(series, was, is));
    }
    text
}

fn values(series: &str, was: Option<f64>, is: Option<f64>) -> String {
    let name = series.split('{').next().unwrap_or_default();
    if name.ends_with("_timestamp_seconds") {
        // Told from the start of what is played. One that stands still is old by then.
        #[expect(clippy::disallowed_methods, reason = "what is scraped is of the host's time")]
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
        return match is {
            None => format!("0+60x{BEFORE}"),
            Some(at) if (now - at).abs() < FRESH_S => format!("0+60x{}", BEFORE + NOW),
            Some(_) => format!("0+60x{BEFORE} 600x{NOW}"),
        };
    }
    let shown = |value: Option<f64>, times: usize| match value.filter(|value| value.is_finite()) {
        Some(value) => format!("{value}x{times}"),
        None => format!("_x{times}"),
    };
    match (was, is) {
        // A counter goes on as it does.
        (was, Some(is)) if name.ends_with("_total") => {
            let was = was.unwrap_or(0.0);
            format!("{was}x{BEFORE} {was}+{}x{NOW}", (is - was).max(0.0))
        }
        _ => format!("{} {}", shown(was, BEFORE), shown(is, NOW)),
    }
}

fn labelled(series: &str, instance: &str) -> String {
    match series.split_once('{') {
        Some((name, labels)) => format!("{name}{{instance=\"{instance}\",{labels}"),
        None => format!("{series}{{instance=\"{instance}\"}}"),
    }
}
