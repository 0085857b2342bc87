//! Where the program is measured: a site with documents, embedded or on Postgres and RabbitMQ.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use strongroom_servers::{Database, Postgres, RabbitMq, Wire};
use strongroom_tests::program::Running;
use strongroom_tests::site::{Site, address_in};

use crate::cpu::Cpu;

/// How large a small document is, in bytes.
const SMALL: std::ops::RangeInclusive<usize> = 1_000..=16_000;
/// How many bookings a run takes in hand at most: as many as may be, so that it is work that is
/// measured, and not the way from one run to the next.
const OLDEST: &str = "1000";
/// How long anything may take before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(1_800);

/// The servers of a whole bench. A commit that Postgres confirms is on the disk.
pub(crate) struct Servers {
    postgres: Postgres,
    rabbitmq: RabbitMq,
}

impl Servers {
    pub(crate) fn start() -> Self {
        let synced = [("fsync", "on"), ("full_page_writes", "on"), ("shared_buffers", "128MB")];
        Self { postgres: Postgres::start_with(&synced), rabbitmq: RabbitMq::start() }
    }
}

/// A site whose document server runs.
pub(crate) struct Place {
    pub(crate) site: Site,
    /// The log's, where it is in Postgres.
    database: Option<Database>,
    server: Option<Running>,
    server_address: Option<SocketAddr>,
    /// What makes the way to the document server longer.
    far: Option<Wire>,
}

impl Place {
    /// The log in a file, the work handed over within the process.
    pub(crate) fn embedded() -> Self {
        let mut place =
            Self { site: Site::without_drive(), database: None, server: None, server_address: None, far: None };
        place.set_up();
        place
    }

    /// The log in Postgres, the work handed over by RabbitMQ.
    pub(crate) fn on(servers: &Servers) -> Self {
        let mut site = Site::without_drive();
        let database = servers.postgres.database();
        site.set("log.url", &database.url);
        site.set("broker.url", &servers.rabbitmq.vhost().amqp_url);
        site.call(["log", "migrate"]).run().expect_code(0);
        let mut place = Self { site, database: Some(database), server: None, server_address: None, far: None };
        place.set_up();
        place
    }

    fn set_up(&mut self) {
        self.site.set("enumerate.oldest", OLDEST);
        self.site.set("schedule.every", "1s");
        self.site.set("source.read_timeout", "30s");
        fs::create_dir(self.site.drive()).unwrap();
        self.site.call(["drive", "init", "--same-disk", "--in-memory", "--label", "blue 1"]).run().expect_code(0);
    }

    /// Gives the document server that many small documents, and starts it.
    pub(crate) fn serve_small(&mut self, documents: usize) {
        let mut random = fastrand::Rng::with_seed(7);
        self.serve(|folder| {
            for number in 0..documents {
                let size = random.usize(SMALL);
                let bytes: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(size).collect();
                fs::write(folder.join(format!("timesheet-{number:05}.pdf")), bytes).unwrap();
            }
        });
    }

    /// Gives the document server what is put into a folder, and starts it.
    pub(crate) fn serve(&mut self, fill: impl FnOnce(&Path)) {
        let folder = self.site.path("inbox");
        fs::create_dir(&folder).unwrap();
        fill(&folder);
        let mut import = self.site.call(["server".as_ref(), "import".as_ref(), folder.as_os_str()]).start();
        until("the import", || !import.is_running());
        import.wait().expect_code(0);
        fs::remove_dir_all(folder).unwrap();
        let mut server = self.site.call(["server"]).start();
        let address = server.until_said("its address", address_in);
        // Past the rig's proxy, which is made to be trusted and not to be quick.
        self.site.set("source.url", &format!("http://{address}"));
        (self.server, self.server_address) = (Some(server), Some(address));
    }

    /// Has each request to the document server take that much longer.
    pub(crate) fn delay(&mut self, delay: Duration) {
        let server = self.server_address.expect("the document server runs");
        let wire = Wire::to(server);
        wire.lengthen(delay);
        self.site.set("source.url", &format!("http://{}", wire.address()));
        self.far = Some(wire);
    }

    /// What everything has used so far.
    pub(crate) fn cpu(&self) -> Cpu {
        Cpu::so_far(self.server())
    }

    /// The document server's process; 0 while there is none.
    pub(crate) fn server(&self) -> u32 {
        self.server.as_ref().map_or(0, Running::id)
    }

    /// The log's database, where it is one.
    pub(crate) fn database(&self) -> &Database {
        self.database.as_ref().expect("the log is in Postgres")
    }

    /// How many bookings the log knows that stand so.
    pub(crate) fn standing(&self, standing: &str) -> usize {
        let sql = format!("SELECT count(*) FROM strongroom.stream WHERE kind = 'booking' AND status = '{standing}'");
        self.database().query(&sql).trim().parse().unwrap()
    }

    /// How many events of that type the log holds.
    pub(crate) fn events(&self, kind: &str) -> usize {
        let sql = format!("SELECT count(*) FROM strongroom.event WHERE type = 'strongroom.{kind}'");
        self.database().query(&sql).trim().parse().unwrap()
    }

    /// A worker in the background.
    pub(crate) fn worker(&self, words: &[&str]) -> Running {
        self.site.call(words).start()
    }
}

/// Waits for a condition, looking often enough for what takes seconds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < PATIENCE, "waited {PATIENCE:?} for this: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
