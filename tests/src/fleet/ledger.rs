//! What the log's database says, asked past the wires, which may be cut.

use strongroom_servers::Database;

/// A booking that went all the way has so many events: enumerated, fetched, backed up, archived.
const EVENTS_EACH: usize = 4;

const TABLES: [&str; 3] = ["event", "stream", "head"];

#[derive(Debug)]
pub struct Ledger {
    database: Database,
}

impl Ledger {
    pub(super) const fn new(database: Database) -> Self {
        Self { database }
    }

    /// Where the database is, as its superuser.
    pub fn url(&self) -> &str {
        &self.database.url
    }

    pub fn archived(&self) -> usize {
        self.count("SELECT count(*) FROM strongroom.stream WHERE kind = 'booking' AND status = 'archived'")
    }

    pub fn enumerated(&self) -> usize {
        self.count("SELECT count(*) FROM strongroom.stream WHERE kind = 'booking'")
    }

    /// How much of that many bookings' way is done, in hundredths.
    pub fn hundredths_of(&self, bookings: usize) -> usize {
        let steps = self.count(
            "SELECT count(*) FROM strongroom.event WHERE type ~ '^strongroom.timesheet.(enumerated|fetched|backed-up|archived).v1$'",
        );
        steps * 100 / (bookings * EVENTS_EACH)
    }

    pub fn times(&self, type_name: &str) -> usize {
        self.count(&format!("SELECT count(*) FROM strongroom.event WHERE type = '{type_name}'"))
    }

    pub fn an_event(&self, type_name: &str) -> String {
        let sql = format!("SELECT body FROM strongroom.event WHERE type = '{type_name}' LIMIT 1");
        let body = self.database.query(&sql);
        assert!(!body.is_empty(), "no {type_name} was stored");
        body
    }

    /// Whether nothing is left to be done by anybody, and the newest run has its summary.
    pub fn is_settled(&self) -> bool {
        let left = self.count("SELECT count(*) FROM strongroom.stream WHERE next_stage IS NOT NULL");
        let untold = self.count(
            "SELECT count(*) FROM strongroom.event WHERE type LIKE 'strongroom.run.%' AND position > \
             (SELECT coalesce(max(position), -1) FROM strongroom.event WHERE type = 'strongroom.summary.composed.v1')",
        );
        left == 0 && untold == 0
    }

    /// Copies the log as it is at one moment, for [`Ledger::restore`].
    pub fn remember(&self) {
        let copy = |table| {
            format!("DROP TABLE IF EXISTS public.{table}; CREATE TABLE public.{table} AS TABLE strongroom.{table};")
        };
        let all = TABLES.map(copy).concat();
        self.run(&format!("SET client_min_messages = error; BEGIN ISOLATION LEVEL REPEATABLE READ; {all} COMMIT"));
    }

    /// Puts the copy in the log's place, as who restores a database does: past its own refusals, and in one step.
    pub fn restore(&self) {
        let names = TABLES.map(|table| format!("strongroom.{table}")).join(", ");
        let back = TABLES.map(|table| format!("INSERT INTO strongroom.{table} SELECT * FROM public.{table};")).concat();
        self.run(&format!("SET session_replication_role = replica; BEGIN; TRUNCATE {names} CASCADE; {back} COMMIT"));
    }

    /// From now on Postgres refuses whatever is appended, in the words of a server whose disk is full. What fits into
    /// the room that its files have is still taken, signs of life among it.
    pub fn fill_the_disk(&self) {
        self.run(
            "CREATE FUNCTION public.no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             RAISE EXCEPTION 'could not extend file \"base/16384/16390\": No space left on device' \
             USING ERRCODE = 'disk_full', HINT = 'Check free disk space.'; END $$; \
             CREATE TRIGGER no_room BEFORE INSERT ON strongroom.event FOR EACH STATEMENT EXECUTE FUNCTION public.no_room()",
        );
    }

    pub fn make_room(&self) {
        self.run("DROP TRIGGER no_room ON strongroom.event; DROP FUNCTION public.no_room()");
    }

    fn run(&self, sql: &str) {
        let said = self.database.query(sql);
        assert_eq!(said.trim(), "", "{sql}");
    }

    fn count(&self, sql: &str) -> usize {
        self.database.query(sql).trim().parse().unwrap()
    }
}
