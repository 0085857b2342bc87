#![expect(unreachable_pub, reason = "askama makes a public type of a filter")]

use askama::filters::{Html, Safe, escape};

/// Sets `commands in backticks` as code; escapes everything.
#[askama::filter_fn]
pub fn code(text: &str, _: &dyn askama::Values) -> askama::Result<Safe<String>> {
    let mut out = String::new();
    for (index, part) in text.split('`').enumerate() {
        let part = escape(part, Html)?;
        if index % 2 == 1 {
            out.push_str(&format!(
                "<span class=\"code\" style=\"font-family:Menlo,Consolas,monospace;font-size:12px;\
                 background:#eef0f3;border-radius:3px;padding:1px 3px;\">{part}</span>"
            ));
        } else {
            out.push_str(&part.to_string());
        }
    }
    Ok(Safe(out))
}
