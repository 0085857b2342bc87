//! What was asked for, beside what a benchmark measured.

/// Prints a line that `cargo xtask bench` puts into its table.
#[expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]
pub fn line(what: &str, measured: f64, unit: &str, asked: Asked) {
    let (is_met, asked) = match asked {
        Asked::AtMost(bound) => (measured <= bound, format!("at most {bound}")),
        Asked::AtLeast(bound) => (measured >= bound, format!("at least {bound}")),
    };
    let verdict = if is_met { "met" } else { "MISSED" };
    println!("target: {what}: {measured:.2} {unit} ({asked}): {verdict}");
}

#[derive(Debug, Clone, Copy)]
pub enum Asked {
    AtMost(f64),
    AtLeast(f64),
}
