//! Bounds what the allocator keeps: glibc's arenas, one for a thread, each keep freed memory, which doubled ours
//! (decision 25).

/// With one arena threads wait for each other; each more keeps freed memory.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MAX_ARENAS: libc::c_int = 2;
/// Larger freed blocks go back to the kernel at once. By default glibc raises this up to 32 MiB, and a month's
/// growing list consists of such blocks.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const GIVE_BACK_FROM_BYTES: libc::c_int = 128 << 10;

/// Sets both, unless the environment does (mallopt(3)). Call it before the first thread.
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
            // SAFETY: mallopt(3) takes two numbers, keeps no pointer, and may be called at any time. If it refuses
            // them, more memory is kept.
            let _ = unsafe { libc::mallopt(parameter, value) };
        }
    }
}

/// Other allocators have no such settings.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn bound_allocator() {}
