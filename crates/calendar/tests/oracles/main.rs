//! What others' implementations find, we find: cronsim (from PyPI, in a folder of its own below cargo's) for cron,
//! `systemd-analyze` (of Debian's package systemd) for calendar expressions.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cronsim;
mod random;
mod systemd_analyze;

/// Zones whose clocks change in both hemispheres, at midnight, and never. Not by half an hour, as Lord Howe's do: cronsim
/// goes on by whole hours from before the change, and misses the first half hour of the day's later ones.
const ZONES: [&str; 6] =
    ["Europe/Berlin", "America/New_York", "Australia/Sydney", "America/Santiago", "Asia/Kolkata", "UTC"];
