//! How much memory the C library's allocator keeps for itself.
//!
//! glibc gives threads arenas of their own, up to eight for each processor, and keeps in each what was freed there.
//! Threads that read and write files come and go here, so that this was as much as all that is in use. Decision 25 has
//! the figures.

/// How many arenas there are at most. Threads wait for each other at a single one, and each more keeps what it once held.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MAX_ARENAS: libc::c_int = 2;
/// What is as large as this is given back to the kernel at once when it is freed, in bytes. glibc raises it by itself,
/// up to 32 MiB, unless it is set: a month's list is held in such pieces, which grow.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const GIVE_BACK_FROM_BYTES: libc::c_int = 128 << 10;

/// Bounds it. Before the first thread is made; what the environment says (mallopt(3)) is left as it is.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "no crate wraps mallopt(3) safely")]
pub fn bound_allocator() {
    let settings = [
        ("MALLOC_ARENA_MAX", libc::M_ARENA_MAX, MAX_ARENAS),
        ("MALLOC_MMAP_THRESHOLD_", libc::M_MMAP_THRESHOLD, GIVE_BACK_FROM_BYTES),
        ("MALLOC_TRIM_THRESHOLD_", libc::M_TRIM_THRESHOLD, GIVE_BACK_FROM_BYTES),
    ];
    for (variable, parameter, value) in settings {
        if std::env::var_os(variable).is_none() {
            // SAFETY: mallopt(3) takes two numbers, keeps no pointer, and may be called at any time. It can only refuse
            // the values, and then more memory is kept.
            let _ = unsafe { libc::mallopt(parameter, value) };
        }
    }
}

/// Other allocators have no such settings.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn bound_allocator() {}
