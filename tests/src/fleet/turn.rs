//! How many fleets are at work at once.

use std::sync::{Condvar, Mutex, PoisonError};

/// A fleet waits most of the time, for a fault to be noticed or for one to pass: this many keep two cores busy, and
/// leave each condition time to come true.
const FLEETS: usize = 3;

static FREE: Mutex<usize> = Mutex::new(FLEETS);
static ENDED: Condvar = Condvar::new();

/// Leave for one test to have its processes at work, until this is dropped.
#[derive(Debug)]
pub struct Turn(());

/// Waits until fewer than `FLEETS` other tests have their processes at work.
pub fn turn() -> Turn {
    let free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut free = ENDED.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
    *free -= 1;
    Turn(())
}

impl Drop for Turn {
    fn drop(&mut self) {
        *FREE.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        ENDED.notify_one();
    }
}
