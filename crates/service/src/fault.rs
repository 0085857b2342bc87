//! Faults: named places where a test lets the operating system or the device fail.

use std::io;

/// A fault that a test ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The call fails with this error number, such as 28 (`ENOSPC`).
    Errno(i32),
    /// The call succeeds, but a byte is changed on the way.
    Flip,
}

impl Fault {
    /// The fault as the error that the call would have given; `EIO` for a flipped byte.
    #[must_use]
    pub fn error(self) -> io::Error {
        match self {
            Self::Errno(number) => io::Error::from_raw_os_error(number),
            Self::Flip => io::Error::from_raw_os_error(5),
        }
    }

    /// The fault as a failed call.
    ///
    /// # Errors
    /// Always but for [`Fault::Flip`], which lets the call succeed.
    pub fn fail(self) -> io::Result<()> {
        match self {
            Self::Errno(_) => Err(self.error()),
            Self::Flip => Ok(()),
        }
    }
}

/// The fault that a test ordered for this passing of a named place, such as
/// `fault!("drive.sync")`; an `Option<`[`Fault`]`>`.
///
/// With the feature `kill-points` of this crate, a process heeds
/// `STRONGROOM_FAULT=<name>:<from>[-[<to>]]=<what>[,…]`: the passings of that place from
/// the `from`-th (counted from 1) to the `to`-th, or only that one, or all from there on
/// (`3-`), get the fault `what`: an error number, `ENOSPC`, `EIO`, `EROFS` or `flip`.
/// Without the feature this is `None`, and the compiler leaves the rest out.
#[macro_export]
macro_rules! fault {
    ($name:literal) => {
        $crate::fault::ordered($name)
    };
}

/// What [`fault!`](crate::fault!) gives in a build without kill points: nothing.
#[cfg(not(feature = "kill-points"))]
#[doc(hidden)]
#[inline(always)]
#[must_use]
pub const fn ordered(_name: &'static str) -> Option<Fault> {
    None
}

#[cfg(feature = "kill-points")]
pub use self::armed::ordered;

#[cfg(feature = "kill-points")]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::Fault;

    struct Order {
        name: String,
        from: u64,
        to: u64,
        what: Fault,
        passed: AtomicU64,
    }

    static ORDERS: OnceLock<Vec<Order>> = OnceLock::new();

    /// What [`fault!`](crate::fault!) gives.
    #[doc(hidden)]
    #[must_use]
    pub fn ordered(name: &'static str) -> Option<Fault> {
        let orders =
            ORDERS.get_or_init(|| std::env::var("STRONGROOM_FAULT").map(|text| parse(&text)).unwrap_or_default());
        take(orders, name)
    }

    /// Counts the passing for every order of that name, and gives the first that is due.
    fn take(orders: &[Order], name: &str) -> Option<Fault> {
        let mut fault = None;
        for order in orders.iter().filter(|order| order.name == name) {
            let passing = order.passed.fetch_add(1, Ordering::SeqCst) + 1;
            if fault.is_none() && (order.from..=order.to).contains(&passing) {
                fault = Some(order.what);
            }
        }
        fault
    }

    fn parse(text: &str) -> Vec<Order> {
        text.split(',')
            .map(|order| parse_one(order).unwrap_or_else(|| panic!("{order:?} is no <name>:<from>[-[<to>]]=<what>")))
            .collect()
    }

    fn parse_one(text: &str) -> Option<Order> {
        let (place, what) = text.trim().split_once('=')?;
        let (name, range) = place.split_once(':')?;
        let (from, to) = match range.split_once('-') {
            None => (range.parse().ok()?, range.parse().ok()?),
            Some((from, "")) => (from.parse().ok()?, u64::MAX),
            Some((from, to)) => (from.parse().ok()?, to.parse().ok()?),
        };
        let what = match what {
            "flip" => Fault::Flip,
            "EIO" => Fault::Errno(5),
            "ENOSPC" => Fault::Errno(28),
            "EROFS" => Fault::Errno(30),
            number => Fault::Errno(number.parse().ok()?),
        };
        Some(Order { name: name.to_owned(), from, to, what, passed: AtomicU64::new(0) })
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
        }
    }
}
