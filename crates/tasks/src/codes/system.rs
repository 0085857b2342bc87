//! How Windows, or a runtime, ends a process: NTSTATUS values and the exceptions of runtimes.

use windows_sys::Win32::Foundation as windows;

use super::{Known, Outcome};

macro_rules! codes {
    ($($name:ident $outcome:ident $words:literal)*) => {
        &[$(Known { code: windows::$name.cast_unsigned(), name: stringify!($name), outcome: Outcome::$outcome, words: $words }),*]
    };
}

const STATUSES: &[Known] = codes![
    STATUS_ACCESS_VIOLATION Crashed "the program crashed: it used memory that is not its own"
    STATUS_IN_PAGE_ERROR Crashed "the program crashed: a part of it could not be read from the disk or the network"
    STATUS_ILLEGAL_INSTRUCTION Crashed "the program crashed: its code is not valid on this processor"
    STATUS_INTEGER_DIVIDE_BY_ZERO Crashed "the program crashed: it divided by zero"
    STATUS_STACK_OVERFLOW Crashed "the program crashed: its stack overflowed"
    STATUS_STACK_BUFFER_OVERRUN Crashed "the program crashed, or ended itself (abort)"
    STATUS_HEAP_CORRUPTION Crashed "the program crashed: its memory is damaged"
    STATUS_NO_MEMORY Crashed "the program crashed: there was not enough memory"
    STATUS_CONTROL_C_EXIT Terminated "it was ended by Ctrl+C, a closed console, a logoff or a shutdown"
    STATUS_DLL_INIT_FAILED Failed "a library did not initialise: there was no desktop, or a logoff was under way"
    STATUS_DLL_INIT_FAILED_LOGOFF Failed "it did not start: a logoff or a shutdown was under way"
    STATUS_DLL_NOT_FOUND Failed "a library of the program was not found"
    STATUS_ORDINAL_NOT_FOUND Failed "a library of the program has another version"
    STATUS_ENTRYPOINT_NOT_FOUND Failed "a library of the program has another version"
    STATUS_INVALID_IMAGE_FORMAT Failed "the program, or a library of it, is damaged or for another processor"
    STATUS_OBJECT_NAME_NOT_FOUND Failed "an object was not found"
    STATUS_ACCESS_DENIED Failed "access was denied"
    DBG_TERMINATE_PROCESS Terminated "it was ended at a shutdown or a logoff"
    DBG_CONTROL_C Terminated "it was ended by Ctrl+C"
];

/// The exceptions of runtimes are not constants of Windows (MSVC's `EXCEPTION_MSVC`, .NET's `EXCEPTION_COMPLUS`, the
/// delay-load helper's `VcppException`).
const RUNTIMES: &[Known] = &[
    Known {
        code: 0xe043_4352,
        name: "EXCEPTION_COMPLUS",
        outcome: Outcome::Crashed,
        words: "the program crashed: a .NET exception was not handled",
    },
    Known {
        code: 0xe06d_7363,
        name: "EXCEPTION_MSVC",
        outcome: Outcome::Crashed,
        words: "the program crashed: a C++ exception was not handled",
    },
    Known {
        code: 0xc06d_007e,
        name: "VcppException(ERROR_MOD_NOT_FOUND)",
        outcome: Outcome::Failed,
        words: "a library of the program was not found",
    },
    Known {
        code: 0xc06d_007f,
        name: "VcppException(ERROR_PROC_NOT_FOUND)",
        outcome: Outcome::Failed,
        words: "a library of the program has another version",
    },
];

pub(super) fn find(code: u32) -> Option<&'static Known> {
    super::find(STATUSES, code).or_else(|| super::find(RUNTIMES, code))
}
