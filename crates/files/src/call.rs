//! System calls: repeated after `EINTR`, failing at injected faults.

use std::io;

use rustix::io::Errno;
use strongroom_service::Fault;

/// On network and FUSE file systems any call may fail with `EINTR`.
pub(crate) fn call<T>(fault: impl Fn() -> Option<Fault>, mut call: impl FnMut() -> Result<T, Errno>) -> io::Result<T> {
    loop {
        if let Some(fault) = fault() {
            match fault.fail() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                failed => failed?,
            }
        }
        match call() {
            Err(Errno::INTR) => {}
            done => return Ok(done?),
        }
    }
}

/// An injected fault, for calls made elsewhere.
pub fn faulted(fault: impl Fn() -> Option<Fault>) -> io::Result<()> {
    call(fault, || Ok(()))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn an_interrupted_call_is_made_again_and_any_other_failure_is_not() {
        let calls = Cell::new(0);
        let answers = [Err(Errno::INTR), Err(Errno::INTR), Ok(7), Err(Errno::IO)];
        let next = || answers[calls.replace(calls.get() + 1)];
        assert_eq!(call(|| None, next).unwrap(), 7);
        assert_eq!(call(|| None, next).unwrap_err().raw_os_error(), Some(Errno::IO.raw_os_error()));
        let faults = Cell::new(0);
        let interrupted = || (faults.replace(faults.get() + 1) == 0).then_some(Fault::Errno(4));
        assert_eq!(call(interrupted, || Ok(8)).unwrap(), 8);
    }
}
