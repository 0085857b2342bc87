//! What was asked for, beside what was measured.

/// Prints a line that `cargo xtask bench` puts into its table.
pub(crate) fn line(what: &str, measured: f64, unit: &str, asked: Asked) {
    let (is_met, asked) = match asked {
        Asked::AtMost(bound) => (measured <= bound, format!("at most {bound}")),
        Asked::AtLeast(bound) => (measured >= bound, format!("at least {bound}")),
    };
    let verdict = if is_met { "met" } else { "MISSED" };
    println!("target: {what}: {measured:.2} {unit} ({asked}): {verdict}");
}

/// What was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asked {
    AtMost(f64),
    AtLeast(f64),
}
