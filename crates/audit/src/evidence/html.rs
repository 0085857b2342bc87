//! A pack as a page to read and print, with the pack itself inside.

use askama::Template;

use super::Pack;

const BEGIN: &str = "<script type=\"application/json\" id=\"pack\">\n";
const END: &str = "</script>";

#[derive(Template)]
#[template(path = "evidence.html")]
struct Page<'a> {
    pack: &'a Pack,
    /// The pack's file, in which no `<` can end the element that holds it.
    json: String,
}

/// The page: self-contained, without scripts that run.
///
/// # Panics
/// Never: the template has no part that can fail.
#[must_use]
pub fn html(pack: &Pack) -> String {
    let page = Page { pack, json: pack.render().replace('<', "\\u003c") };
    page.render().expect("the template has no part that can fail")
}

/// The pack inside a page.
pub(super) fn pack_in(page: &str) -> Option<String> {
    let (_, rest) = page.split_once(BEGIN)?;
    rest.split_once(END).map(|(json, _)| json.to_owned())
}
