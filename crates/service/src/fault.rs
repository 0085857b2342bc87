//! Faults that a test injects into operating system and device.

use std::io;

use rustix::io::Errno;

/// A fault that a test injects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The call fails with this number, such as 28 (`ENOSPC`).
    Errno(i32),
    /// The call succeeds with one byte changed.
    Flip,
}

impl Fault {
    /// The call's error; `EIO` for a flipped byte.
    pub fn error(self) -> io::Error {
        match self {
            Self::Errno(number) => io::Error::from_raw_os_error(number),
            Self::Flip => io::Error::from_raw_os_error(5),
        }
    }

    /// The call's result.
    pub fn fail(self) -> io::Result<()> {
        match self {
            Self::Errno(_) => Err(self.error()),
            Self::Flip => Ok(()),
        }
    }
}

/// The fault injected at this passing of a named place, such as `fault!("drive.sync")`; an `Option<`[`Fault`]`>`.
///
/// With the feature `kill-points`, `STRONGROOM_FAULT=<name>:<from>[-[<to>]]=<what>[,…]` injects `what` (an error's
/// number, its name as in errno(3), or `flip`) at the passings `from` (counted from 1) to `to`, or only that one, or
/// all from there on (`3-`), or each n-th (`/50`). Without the feature the compiler removes it.
#[macro_export]
macro_rules! fault {
    ($name:literal) => {
        $crate::fault::ordered($name)
    };
}

#[cfg(not(feature = "kill-points"))]
#[doc(hidden)]
#[inline(always)]
pub const fn ordered(_name: &'static str) -> Option<Fault> {
    None
}

/// Carries this thread's faults to the thread of `work`.
#[cfg(not(feature = "kill-points"))]
#[doc(hidden)]
#[inline(always)]
pub const fn inherited<T, W: FnOnce() -> T>(work: W) -> W {
    work
}

#[cfg(feature = "kill-points")]
pub use self::armed::{during, inherited, ordered};

/// Names and numbers of file calls' errors.
pub const ERRORS: [(&str, i32); 32] = [
    ("EPERM", Errno::PERM.raw_os_error()),
    ("ENOENT", Errno::NOENT.raw_os_error()),
    ("EINTR", Errno::INTR.raw_os_error()),
    ("EIO", Errno::IO.raw_os_error()),
    ("ENXIO", Errno::NXIO.raw_os_error()),
    ("EAGAIN", Errno::AGAIN.raw_os_error()),
    ("ENOMEM", Errno::NOMEM.raw_os_error()),
    ("EACCES", Errno::ACCESS.raw_os_error()),
    ("EBUSY", Errno::BUSY.raw_os_error()),
    ("EEXIST", Errno::EXIST.raw_os_error()),
    ("EXDEV", Errno::XDEV.raw_os_error()),
    ("ENODEV", Errno::NODEV.raw_os_error()),
    ("ENOTDIR", Errno::NOTDIR.raw_os_error()),
    ("EISDIR", Errno::ISDIR.raw_os_error()),
    ("EINVAL", Errno::INVAL.raw_os_error()),
    ("ENFILE", Errno::NFILE.raw_os_error()),
    ("EMFILE", Errno::MFILE.raw_os_error()),
    ("ETXTBSY", Errno::TXTBSY.raw_os_error()),
    ("EFBIG", Errno::FBIG.raw_os_error()),
    ("ENOSPC", Errno::NOSPC.raw_os_error()),
    ("EROFS", Errno::ROFS.raw_os_error()),
    ("EMLINK", Errno::MLINK.raw_os_error()),
    ("ENAMETOOLONG", Errno::NAMETOOLONG.raw_os_error()),
    ("ENOTEMPTY", Errno::NOTEMPTY.raw_os_error()),
    ("ELOOP", Errno::LOOP.raw_os_error()),
    ("ENOSYS", Errno::NOSYS.raw_os_error()),
    ("EOPNOTSUPP", Errno::OPNOTSUPP.raw_os_error()),
    ("ENOTCONN", Errno::NOTCONN.raw_os_error()),
    ("ESTALE", Errno::STALE.raw_os_error()),
    ("EUCLEAN", Errno::UCLEAN.raw_os_error()),
    ("EDQUOT", Errno::DQUOT.raw_os_error()),
    ("EILSEQ", Errno::ILSEQ.raw_os_error()),
];

#[cfg(feature = "kill-points")]
mod armed {
    use std::cell::RefCell;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, OnceLock};

    use super::{ERRORS, Fault};

    struct Order {
        name: String,
        from: u64,
        to: u64,
        every: u64,
        what: Fault,
        passed: AtomicU64,
    }

    static ORDERS: OnceLock<Vec<Order>> = OnceLock::new();

    thread_local! {
        static OF_THIS_THREAD: RefCell<Arc<Vec<Order>>> = RefCell::default();
    }

    /// Does `work` with faults, written as in `STRONGROOM_FAULT`, on this thread and in
    /// [`blocking`](crate::blocking()) calls.
    pub fn during<T>(orders: &str, work: impl FnOnce() -> T) -> T {
        with_orders(Arc::new(parse(orders)), work)
    }

    #[doc(hidden)]
    pub fn inherited<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
        let orders = OF_THIS_THREAD.with_borrow(Arc::clone);
        move || with_orders(orders, work)
    }

    fn with_orders<T>(orders: Arc<Vec<Order>>, work: impl FnOnce() -> T) -> T {
        struct Restored(Arc<Vec<Order>>);
        impl Drop for Restored {
            fn drop(&mut self) {
                OF_THIS_THREAD.set(std::mem::take(&mut self.0));
            }
        }
        let _restored = Restored(OF_THIS_THREAD.replace(orders));
        work()
    }

    #[doc(hidden)]
    pub fn ordered(name: &'static str) -> Option<Fault> {
        crate::passings::note(name);
        let orders =
            ORDERS.get_or_init(|| std::env::var("STRONGROOM_FAULT").map(|text| parse(&text)).unwrap_or_default());
        OF_THIS_THREAD.with_borrow(|orders| take(orders, name)).or_else(|| take(orders, name))
    }

    /// Counts the passing for every order of that name; the first due one applies.
    fn take(orders: &[Order], name: &str) -> Option<Fault> {
        let mut fault = None;
        for order in orders.iter().filter(|order| order.name == name) {
            let passing = order.passed.fetch_add(1, Ordering::SeqCst) + 1;
            if fault.is_none() && (order.from..=order.to).contains(&passing) && passing % order.every == 0 {
                fault = Some(order.what);
            }
        }
        fault
    }

    fn parse(text: &str) -> Vec<Order> {
        text.split(',')
            .map(|order| parse_one(order).unwrap_or_else(|| panic!("{order:?} is not <name>:<from>[-[<to>]]=<what>")))
            .collect()
    }

    fn parse_one(text: &str) -> Option<Order> {
        let (place, what) = text.trim().split_once('=')?;
        let (name, range) = place.split_once(':')?;
        let (from, to, every) = match (range.strip_prefix('/'), range.split_once('-')) {
            (Some(every), _) => (1, u64::MAX, every.parse().ok().filter(|every| *every > 0)?),
            (None, None) => (range.parse().ok()?, range.parse().ok()?, 1),
            (None, Some((from, ""))) => (from.parse().ok()?, u64::MAX, 1),
            (None, Some((from, to))) => (from.parse().ok()?, to.parse().ok()?, 1),
        };
        let named = |what| ERRORS.iter().find(|(name, _)| *name == what).map(|(_, errno)| *errno);
        let what = match what {
            "flip" => Fault::Flip,
            what => Fault::Errno(named(what).or_else(|| what.parse().ok())?),
        };
        Some(Order { name: name.to_owned(), from, to, every, what, passed: AtomicU64::new(0) })
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_fault_is_given_to_the_passings_that_it_is_ordered_for() {
            let orders = parse("drive.sync:2=EIO,drive.write:1-2=28,drive.read:2-=flip");
            let passings = |name| [(); 4].map(|()| take(&orders, name));
            let (eio, full, flip) = (Some(Fault::Errno(5)), Some(Fault::Errno(28)), Some(Fault::Flip));
            assert_eq!(passings("drive.sync"), [None, eio, None, None]);
            assert_eq!(passings("drive.write"), [full, full, None, None]);
            assert_eq!(passings("drive.read"), [None, flip, flip, flip]);
            assert_eq!(passings("drive.rename"), [None; 4]);
            let orders = parse("drive.read:/2=ESTALE");
            let stale = Some(Fault::Errno(rustix::io::Errno::STALE.raw_os_error()));
            assert_eq!([(); 4].map(|()| take(&orders, "drive.read")), [None, stale, None, stale]);
        }

        #[test]
        fn a_fault_can_be_ordered_for_one_thread_and_a_while() {
            let full = during("drive.write:1=ENOSPC", || {
                assert_eq!(std::thread::spawn(|| ordered("drive.write")).join().unwrap(), None);
                [ordered("drive.write"), ordered("drive.write")]
            });
            assert_eq!(full, [Some(Fault::Errno(28)), None]);
            assert_eq!(ordered("drive.write"), None);
        }
    }
}
