//! What the next files cost in a month that has many: counted, not timed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use strongroom_tests::program::Running;
use strongroom_tests::site::Site;
use strongroom_tests::wait::until_true;

const FILES: usize = 150;
/// How many copies the month lists already.
const MONTHS: [usize; 2] = [100, 60_000];
/// How much memory the program and the document server may take, in MiB, whatever there is.
const MAX_MIB: u64 = 100;

#[derive(Debug)]
struct Effects {
    written_bytes: u64,
    /// How often each named place was passed: commits, syncs, whole manifests.
    passings: BTreeMap<String, u64>,
    /// Requests to the document server for files, marks and moves.
    requests: u64,
}

impl Effects {
    fn so_far(site: &Site, run: &Running) -> Self {
        let io = fs::read_to_string(format!("/proc/{}/io", run.id())).unwrap();
        let written = io.lines().find_map(|line| line.strip_prefix("wchar: ")).unwrap();
        let mut passings = BTreeMap::new();
        for name in fs::read_to_string(site.path("passings")).unwrap().lines() {
            *passings.entry(name.to_owned()).or_default() += 1;
        }
        let about_files =
            |line: &&String| ["/timesheet ", "/v1/marks ", "/v1/moves "].iter().any(|part| line.contains(part));
        let requests = site.proxy.requests().iter().filter(about_files).count() as u64;
        Self { written_bytes: written.parse().unwrap(), passings, requests }
    }

    fn since(mut self, before: &Self) -> Self {
        self.passings.iter_mut().for_each(|(name, count)| *count -= before.of(name));
        let (written_bytes, requests) = (self.written_bytes - before.written_bytes, self.requests - before.requests);
        Self { written_bytes, requests, ..self }
    }

    fn of(&self, place: &str) -> u64 {
        self.passings.get(place).copied().unwrap_or_default()
    }

    fn syncs(&self) -> u64 {
        self.of("files.fsync") + self.of("files.syncfs")
    }
}

/// A site whose month lists that many copies of another log's.
fn site_with(copies: usize) -> Site {
    let (mut site, _server) = Site::served(1);
    site.set("schedule.every", "1s");
    site.run_once().run().expect_code(0);
    let path = site.months()[0].join("manifest-sha256.txt");
    let mut manifest = fs::read_to_string(&path).unwrap();
    for number in 0..copies {
        writeln!(manifest, "{number:064x}  data/old-{number:05}/timesheet.pdf").unwrap();
    }
    fs::write(path, manifest).unwrap();
    site
}

/// What the next files cost there, once the program has read the month.
fn cost_in(copies: usize) -> Effects {
    let site = site_with(copies);
    let server = site.serve();
    let passings = site.path("passings");
    let run = site.call(["run"]).env("STRONGROOM_PASSINGS", passings.to_str().unwrap()).start();
    let mut archived = 1;
    let mut more = |files: usize| {
        site.add_documents(files);
        archived += files;
        until_true("the next files to be archived", || site.status()["bookings"]["archived"] == archived);
    };
    more(FILES);
    let before = Effects::so_far(&site, &run);
    more(FILES);
    let cost = Effects::so_far(&site, &run).since(&before);
    for (name, process) in [("the program", &run), ("the document server", &server)] {
        let mib = peak_mib(process);
        assert!(mib < MAX_MIB, "{name} took {mib} MiB in a month of {copies} copies");
    }
    run.stop();
    let manifest = fs::read_to_string(site.months()[0].join("manifest-sha256.txt")).unwrap();
    assert_eq!(manifest.lines().count(), 1 + 1 + copies + 2 * FILES, "the text, the first file, and all others");
    cost
}

/// The most memory that a process has had (proc(5), `/proc/<pid>/status`).
fn peak_mib(process: &Running) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

#[test]
fn a_file_costs_the_same_in_a_month_of_one_hundred_and_of_sixty_thousand() {
    let [small, large] = MONTHS.map(cost_in);
    for cost in [&small, &large] {
        assert!(
            (FILES as u64..2 * FILES as u64).contains(&cost.requests),
            "a request for each file, and few more: {cost:?}"
        );
        assert_eq!(cost.of("drive.manifest-written"), 0, "what is new goes into the journal: {cost:?}");
        assert!(cost.of("drive.journal-synced") > 0, "{cost:?}");
    }
    // How files share batches, and how many runs find nothing meanwhile, differs from time to time; what grows with the
    // month is hundreds of times as much.
    let is_close = |of: fn(&Effects) -> u64| of(&large) <= 2 * of(&small) + 50;
    assert!(is_close(|cost| cost.written_bytes), "bytes written: {small:?}, {large:?}");
    assert!(is_close(Effects::syncs), "syncs: {small:?}, {large:?}");
    assert!(is_close(|cost| cost.of("eventlog.after-commit")), "commits to the log: {small:?}, {large:?}");
}
