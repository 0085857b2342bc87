//! A site at work as independent processes, over Postgres and RabbitMQ.

mod crew;
mod ledger;
mod turn;

use std::fs;
use std::net::SocketAddr;

use strongroom_servers::{Database, Postgres, RabbitMq, Vhost, Wire};

use crate::audit::all_is_archived;
use crate::program::Running;
use crate::site::Site;

pub use self::crew::{Crew, Part};
pub use self::ledger::Ledger;
pub use self::turn::{Turn, turn};

/// How many bookings a load has, unless the variable says otherwise: enough for every queue to hold
/// work while a fault strikes, few enough for every change. A release is tried with 1,000.
const BOOKINGS: usize = 150;
const BOOKINGS_VARIABLE: &str = "STRONGROOM_TEST_BOOKINGS";

pub fn bookings() -> usize {
    let told = std::env::var(BOOKINGS_VARIABLE).ok();
    told.map_or(BOOKINGS, |number| number.parse().expect("the number of bookings is a number"))
}

/// A site whose log is in Postgres and whose work goes over RabbitMQ, each behind a wire.
#[derive(Debug)]
pub struct Fleet {
    pub site: Site,
    pub ledger: Ledger,
    pub vhost: Vhost,
    pub to_postgres: Wire,
    pub to_rabbitmq: Wire,
    /// Its document server, until a test takes it away.
    pub server: Option<Running>,
    _turn: Turn,
}

impl Fleet {
    /// A site on these servers, in a database and a virtual host of its own, with nothing in it. Its
    /// document server runs.
    pub fn on(postgres: &Postgres, rabbitmq: &RabbitMq) -> Self {
        let turn = turn();
        let (database, vhost) = (postgres.database(), rabbitmq.vhost());
        let (to_postgres, to_rabbitmq) = (Wire::to(postgres.address()), Wire::to(rabbitmq.address()));
        let site = site(&database, to_postgres.address(), &vhost, to_rabbitmq.address());
        let server = Some(site.serve());
        Self { site, ledger: Ledger::new(database), vhost, to_postgres, to_rabbitmq, server, _turn: turn }
    }

    /// On the servers that the tests of this process share.
    pub fn shared() -> Self {
        Self::on(strongroom_servers::postgres(), strongroom_servers::rabbitmq())
    }

    /// Starts every process, as often as the load has it.
    pub fn crew(&self) -> Crew<'_> {
        Crew::start(self, &Part::ALL)
    }

    /// How many messages each queue of the virtual host holds, ready and unacknowledged.
    pub fn queues(&self) -> Vec<(String, u64)> {
        self.vhost.queues()
    }

    /// Checks what must hold once the crew has left: each booking archived exactly once, the log
    /// sound, queues empty, no alarm, nothing for a person.
    pub fn all_is_well(&mut self, bookings: usize) {
        if let Some(server) = self.server.take() {
            server.stop();
        }
        all_is_archived(&self.site, bookings);
        let left: Vec<_> = self.queues().into_iter().filter(|(_, messages)| *messages > 0).collect();
        assert!(left.is_empty(), "queues that are not empty: {left:?}");
        assert_eq!(self.alarms(), Vec::<String>::new(), "alarms that are not over");
    }

    pub fn alarms(&self) -> Vec<String> {
        let status = self.site.status();
        // Absent where there are none.
        let alarms = status.get("alarms").map(|alarms| alarms.as_array().unwrap().as_slice()).unwrap_or_default();
        alarms.iter().map(|alarm| format!("{} ({})", alarm["kind"], alarm["message"])).collect()
    }

    /// Whether an alarm has that in its kind or its message.
    pub fn is_raised(&self, part: &str) -> bool {
        self.alarms().iter().any(|alarm| alarm.contains(part))
    }
}

fn site(database: &Database, postgres: SocketAddr, vhost: &Vhost, rabbitmq: SocketAddr) -> Site {
    let mut site = Site::without_drive();
    site.set("log.url", &database.url_at(postgres));
    site.set("broker.url", &vhost.url_at(rabbitmq));
    // A run after the other, each with a summary: so that these are under way as well.
    site.set("schedule.every", "1s");
    site.set("enumerate.oldest", "100");
    site.set("mail.summary", "run");
    site.call(["log", "migrate"]).run().expect_code(0);
    fs::create_dir(site.drive()).unwrap();
    site.call(["drive", "init", "--same-disk", "--in-memory", "--label", "blue 1"]).run().expect_code(0);
    site
}
