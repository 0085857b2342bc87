//! A pack as a page to read and print, with the pack itself inside.

use askama::Template;
use jiff::Timestamp;
use strongroom_proof::{Note, WitnessKey};

use super::Pack;

const BEGIN: &str = "<script type=\"application/json\" id=\"pack\">\n";
const END: &str = "</script>";

#[derive(Template)]
#[template(path = "evidence.html")]
struct Page<'a> {
    pack: &'a Pack,
    /// Each witness's name, when it cosigned, and its key.
    cosigned: Vec<(String, String, &'a str)>,
    /// The pack's file, in which no `<` can end the element that holds it.
    json: String,
}

/// The page: self-contained, without scripts that run.
///
/// # Panics
/// Never: the template has no part that can fail.
#[must_use]
pub fn html(pack: &Pack) -> String {
    let page = Page { pack, cosigned: cosigned(pack), json: pack.render().replace('<', "\\u003c") };
    page.render().expect("the template has no part that can fail")
}

fn cosigned(pack: &Pack) -> Vec<(String, String, &str)> {
    let Ok(note) = pack.checkpoint.parse::<Note>() else { return Vec::new() };
    let one = |key: &'_ String| {
        let witness: WitnessKey = key.parse().ok()?;
        let at = i64::try_from(witness.cosigned_at(&note).ok()?).ok()?;
        let at = Timestamp::from_second(at).ok()?.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
        Some((witness.name().to_string(), at))
    };
    pack.witnesses.iter().filter_map(|key| one(key).map(|(name, at)| (name, at, key.as_str()))).collect()
}

/// The pack inside a page.
pub(super) fn pack_in(page: &str) -> Option<String> {
    let (_, rest) = page.split_once(BEGIN)?;
    rest.split_once(END).map(|(json, _)| json.to_owned())
}
