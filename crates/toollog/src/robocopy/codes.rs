//! Win32 error codes that a copy meets, and what they mean for a backup.
//!
//! Source: learn.microsoft.com, *System Error Codes*.

use crate::outcome::Cause;

/// What a code says, in plain English.
#[must_use]
pub const fn text_of(code: i64) -> Option<&'static str> {
    Some(match code {
        2 => "the file was not found",
        3 => "the path was not found",
        5 => "access is denied",
        19 => "the disk is write-protected",
        21 => "the device is not ready",
        32 => "the file is in use by another program",
        33 => "a part of the file is locked by another program",
        39 | 112 => "the disk is full",
        53 => "the network path was not found",
        64 => "the network name is no longer available",
        67 => "the network name was not found",
        121 => "the device did not answer in time",
        206 => "the path is too long",
        362 => "the cloud provider is not running, so the file has no content here",
        426 => "the cloud provider did not answer in time, so the file has no content here",
        483 => "the device reported a hardware error",
        1117 => "the device reported an input or output error",
        1231 => "the network cannot be reached",
        1314 => "a privilege is missing (backup mode needs an administrator or a backup operator)",
        1392 => "the file or folder is damaged",
        1920 => "the file cannot be accessed (a junction, or a cloud file)",
        _ => return None,
    })
}

/// What a person can do about it.
#[must_use]
pub const fn next_step(code: i64) -> Option<&'static str> {
    Some(match code {
        5 => "give the account that runs the job read access, or run it as a backup operator with /B",
        19 => "remove the write protection of the target",
        21 | 53 | 64 | 67 | 121 | 1231 => "connect the target, then run the job again",
        32 | 33 => "close the program, or copy from a shadow copy (VSS)",
        39 | 112 => "make room on the target, then run the job again",
        206 => "shorten the path",
        362 | 426 => "start the cloud provider, keep the files on this device, or leave them out with /XA:O",
        483 | 1117 | 1392 => "check the disk now: chkdsk, and its SMART values",
        1314 => "run the job as a backup operator, or without /B",
        1920 => "leave junctions out with /XJ, and cloud files with /XA:O",
        _ => return None,
    })
}

/// Codes that say that something is away, which nobody's mistake took away.
#[must_use]
pub const fn obstacle(code: i64) -> Option<Cause> {
    Some(match code {
        53 | 64 | 67 | 1231 | 121 => Cause::Unreachable,
        21 => Cause::TargetMissing,
        39 | 112 => Cause::TargetFull,
        _ => return None,
    })
}

/// Codes that say that a disk is about to fail.
#[must_use]
pub const fn is_damage(code: i64) -> bool {
    matches!(code, 483 | 1117 | 1392)
}
