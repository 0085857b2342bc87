//! Random parts of expressions.

use fastrand::Rng;

/// A number, a range, a range with a step, or a short list of such.
pub(crate) fn items(rng: &mut Rng, low: u32, high: u32, range: &str, stepped: bool) -> String {
    let item = |rng: &mut Rng| {
        let (a, b) = (rng.u32(low..=high), rng.u32(low..=high));
        match rng.u32(0..4) {
            0 if a != b => format!("{}{range}{}", a.min(b), a.max(b)),
            1 if a != b && stepped => format!("{}{range}{}/{}", a.min(b), a.max(b), rng.u32(1..=9)),
            _ => a.to_string(),
        }
    };
    let count = if rng.u32(0..4) == 0 { rng.usize(2..=3) } else { 1 };
    (0..count).map(|_| item(rng)).collect::<Vec<_>>().join(",")
}

/// An instant in 2025 to 2028, in seconds, on the hour.
pub(crate) fn hour(rng: &mut Rng) -> i64 {
    1_735_689_600 + 3600 * rng.i64(0..4 * 365 * 24)
}
