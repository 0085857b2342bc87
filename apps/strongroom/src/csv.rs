//! Comma-separated values (RFC 4180) that no reader takes for anything but text.

use strongroom_model::text::printable;

/// Longer texts are from outside, and no spreadsheet shows more.
const MAX_CELL_CHARS: usize = 4_000;

/// One row, without its end.
pub(crate) fn row(cells: impl IntoIterator<Item = String>) -> String {
    let cells: Vec<_> = cells.into_iter().map(|text| cell(&text)).collect();
    cells.join(",")
}

/// Spreadsheets run a text that begins like a formula (R9): an apostrophe before it marks it as text.
fn cell(text: &str) -> String {
    let mut text = printable(text, MAX_CELL_CHARS);
    if text.starts_with(['=', '+', '-', '@']) {
        text.insert(0, '\'');
    }
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_keeps_its_commas_and_quotes() {
        assert_eq!(row(["a".into(), "b, \"c\"".into(), String::new()]), "a,\"b, \"\"c\"\"\",");
    }

    #[test]
    fn r9_a_cell_is_no_formula_and_has_no_line_ends() {
        assert_eq!(row(["=cmd|' /C calc'!A0".into(), "a\r\nb".into()]), "'=cmd|' /C calc'!A0,a\\r\\nb");
        assert_eq!(row(["@x".into(), "-1".into(), "+1".into()]), "'@x,'-1,'+1");
    }
}
