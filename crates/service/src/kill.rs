//! Kill points, where a test kills the process.

/// Marks a place between two durable steps, such as `kill_point!("fetch.after-rename")`.
///
/// With the feature `kill-points`, `STRONGROOM_KILL_AT=<name>[:<n>]` makes a process kill itself with SIGKILL at the
/// `n`-th passing (default: the first).
#[macro_export]
macro_rules! kill_point {
    ($name:literal) => {
        $crate::kill::pass($name)
    };
}

#[cfg(not(feature = "kill-points"))]
#[doc(hidden)]
#[inline(always)]
pub const fn pass(_name: &'static str) {}

#[cfg(feature = "kill-points")]
pub use self::armed::pass;

#[cfg(feature = "kill-points")]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    struct Order {
        name: String,
        passings_left: AtomicU64,
    }

    static ORDER: OnceLock<Option<Order>> = OnceLock::new();

    #[doc(hidden)]
    pub fn pass(name: &'static str) {
        crate::passings::note(name);
        let order = ORDER.get_or_init(|| std::env::var("STRONGROOM_KILL_AT").ok().map(|text| parse(&text)));
        if let Some(order) = order
            && order.name == name
            && order.passings_left.fetch_sub(1, Ordering::SeqCst) == 1
        {
            die();
        }
    }

    fn parse(text: &str) -> Order {
        let (name, passings) = match text.rsplit_once(':') {
            Some((name, n)) => (name, n.parse().expect("STRONGROOM_KILL_AT is <name>[:<n>], n from 1")),
            None => (text, 1),
        };
        Order { name: name.to_owned(), passings_left: AtomicU64::new(passings) }
    }

    /// No destructor runs and no buffer is flushed, as in a power cut.
    #[cfg(unix)]
    fn die() -> ! {
        let killed = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        unreachable!("a process can always kill itself, but: {killed:?}");
    }

    #[cfg(not(unix))]
    fn die() -> ! {
        std::process::abort()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn an_order_names_a_place_and_a_passing() {
            let order = parse("fetch.after-rename:3");
            assert_eq!((order.name.as_str(), order.passings_left.into_inner()), ("fetch.after-rename", 3));
            let order = parse("fetch.after-rename");
            assert_eq!((order.name.as_str(), order.passings_left.into_inner()), ("fetch.after-rename", 1));
        }
    }
}
