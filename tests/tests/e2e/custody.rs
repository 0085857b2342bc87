//! A year with three drives, by the commands of the manual.

use std::fs;
use std::path::PathBuf;

use strongroom_model::Event;
use strongroom_model::event::{Act, ReadBack, RestoreTo, Selection};
use strongroom_tests::audit::{TEXT, count, events, files_below, r1_every_manifest_is_right, the_log_is_sound};
use strongroom_tests::documented;
use strongroom_tests::program::Call;
use strongroom_tests::site::Site;
use strongroom_tests::wait::until_true;

const PAGE: &str = "docs/operations.md";
const DAY_S: i64 = 24 * 3600;

/// A site whose commands are those of the manual, with its drives below the site's folder.
struct Walk {
    site: Site,
    booking: String,
    replaced: Vec<(String, String)>,
}

impl Walk {
    /// The demo, with that many archived bookings.
    fn from_the_demo(folder: &std::path::Path, bookings: usize) -> Self {
        Call::new(folder, ["demo", "--bookings", &bookings.to_string()]).run().expect_code(0);
        let mut site = Site::opened(&folder.join("strongroom-demo"));
        let clock = site.path("clock");
        fs::write(&clock, "0").unwrap();
        site.set("clock", clock.to_str().unwrap());
        for drive in ["second", "third"] {
            fs::create_dir(site.path(drive)).unwrap();
        }
        let month = site.months().pop().unwrap();
        let path = |name: &str| site.path(name).display().to_string();
        let second_month = site.path("second").join(month.strip_prefix(site.drive()).unwrap());
        let booking = Self::a_copy_in(&month).parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
        let replaced = [
            ("drive init ", "drive init --same-disk --in-memory ".to_owned()),
            ("/mnt/second/kestrel/2026-11", second_month.display().to_string()),
            ("/mnt/second", path("second")),
            ("/mnt/third", path("third")),
            ("/srv/restored", path("plain")),
            ("B-1001", booking.clone()),
            ("2026-07-01", "2999-01-01".to_owned()),
        ];
        let replaced = replaced.into_iter().map(|(from, to)| (from.to_owned(), to)).collect();
        Self { site, booking, replaced }
    }

    fn a_copy_in(month: &std::path::Path) -> PathBuf {
        let mut files = files_below(&month.join("data"));
        files.retain(|path| *path != month.join(TEXT));
        files.sort();
        files.remove(0)
    }

    fn do_as_documented(&self, name: &str) -> String {
        let replaced: Vec<_> = self.replaced.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
        documented::run(&self.site, PAGE, name, &replaced)
    }

    /// The copy of the booking below that folder.
    fn copy_on(&self, drive: &std::path::Path) -> PathBuf {
        let of_it = |path: &PathBuf| path.parent().is_some_and(|parent| parent.ends_with(&self.booking));
        let found: Vec<_> = files_below(drive).into_iter().filter(of_it).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        found.into_iter().next().unwrap()
    }

    /// Two of three drives have fresh evidence: what the client has is not needed for it.
    fn purge(&self) {
        let server = self.site.serve();
        let said = self.do_as_documented("purge");
        for part in ["could go now: 6 files", "6 files deleted on the server", "3 drives have a proven copy"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert_eq!(files_below(&self.site.documents().join("archived")), Vec::<PathBuf>::new());
        let info = self.site.get(&format!("/v1/bookings/{}", self.booking));
        assert_eq!((&info["state"], &info["purged"]["approved_by"]), (&"purged".into(), &"Bob".into()), "{info}");
        // One is wanted back there after all: log and server agree on it, before and after.
        self.site.call(["replay", "--against", "server"]).run().expect_code(0);
        self.site.call(["restore", &self.booking, "--to", "server"]).run().expect_code(0);
        let info = self.site.get(&format!("/v1/bookings/{}", self.booking));
        assert_eq!((&info["state"], &info["restored"]["purge"]), (&"archived".into(), &"2026-07".into()), "{info}");
        self.site.call(["replay", "--against", "server"]).run().expect_code(0);
        let told = self.site.call(["replay", "--booking", &self.booking]).run().expect_code(0);
        told.expect_said("has the file of booking").expect_said(": archived");
        server.kill();
    }

    fn days_pass(&self, days: i64) {
        fs::write(self.site.path("clock"), (days * DAY_S).to_string()).unwrap();
    }
}

#[test]
fn r5_a_year_with_three_drives_goes_as_the_manual_says() {
    let folder = tempfile::tempdir().unwrap();
    let walk = Walk::from_the_demo(folder.path(), 6);
    let site = &walk.site;

    let said = walk.do_as_documented("two copies");
    assert!(said.contains("12 files written, read back and proven"), "{said}");
    let bytes = fs::read(walk.copy_on(site.drive())).unwrap();
    for drive in ["second", "third"] {
        assert_eq!(fs::read(walk.copy_on(&site.path(drive))).unwrap(), bytes);
        assert!(site.path(drive).join("README.txt").exists(), "the drive describes itself");
    }
    r1_every_manifest_is_right(site);

    let said = walk.do_as_documented("hand over");
    assert!(said.contains("with M. Okafor now, at the client's safe: 6 files, "), "{said}");
    let receipt = fs::read_to_string(site.path("receipt.html")).unwrap();
    assert!(receipt.contains("M. Okafor") && receipt.contains("<svg"), "a receipt with a QR code");
    let found = site.call(["drive", "find", &walk.booking]).run().expect_code(0);
    found.expect_said("3 drives have a proven copy").expect_said("with M. Okafor, at the client's safe");

    // Nobody can see from a distance whether a drive that is away is still whole.
    walk.days_pass(91);
    let said = walk.do_as_documented("evidence");
    assert_eq!(said.matches("6 files as proven").count(), 2, "{said}");

    let rotten = walk.copy_on(site.drive());
    fs::write(&rotten, [&bytes[1..], b"x"].concat()).unwrap();
    let verified = site.call(["drive", "verify"]).run().expect_code(2);
    verified.expect_said(&walk.booking).expect_said("1 file DAMAGED").expect_said("good copies:");
    let said = walk.do_as_documented("repair");
    assert!(said.contains("6 files as proven"), "{said}");
    assert_eq!(fs::read(&rotten).unwrap(), bytes, "the good copy is in its place");
    r1_every_manifest_is_right(site);

    if is_read_from_the_device(site) {
        walk.purge();
    }
    walk.do_as_documented("return");
    let said = walk.do_as_documented("restore a booking");
    assert!(said.contains("1 file restored"), "{said}");
    assert_eq!(fs::read(only_file_in(&site.path("restored"))).unwrap(), bytes);

    fs::rename(site.path("strongroom.toml"), site.path("put-aside.toml")).unwrap();
    walk.do_as_documented("a drive alone");
    assert_eq!(fs::read(walk.copy_on(&site.path("everything"))).unwrap(), bytes);
    fs::rename(site.path("put-aside.toml"), site.path("strongroom.toml")).unwrap();
    walk.do_as_documented("a drive without the program");
    assert_eq!(fs::read(walk.copy_on(&site.path("plain"))).unwrap(), bytes);

    the_log_is_sound(site);
    assert_eq!(count(site, |event| matches!(event, Event::DriveHandedOver(_) | Event::DriveReturned(_))), 2);
}

/// A booking, and where the server's archive has its file.
fn archived(site: &Site) -> (String, PathBuf) {
    let found = events(site).into_iter().find_map(|one| match one.event {
        Event::TimesheetArchived(data) => Some((one.stream.id().to_owned(), site.documents().join(data.path))),
        _ => None,
    });
    found.unwrap()
}

#[test]
fn a_file_that_the_server_lost_or_that_rots_there_is_put_back_from_a_drive() {
    let (site, _server) = Site::archived(3);
    let (booking, file) = archived(&site);
    let bytes = fs::read(&file).unwrap();
    let restore = || site.call(["restore", &booking, "--to", "server"]).run();
    fs::remove_file(&file).unwrap();
    restore().expect_code(0).expect_said("1 file restored");
    assert_eq!(fs::read(&file).unwrap(), bytes);
    fs::write(&file, [&bytes[1..], b"x"].concat()).unwrap();
    restore().expect_code(0).expect_said("1 file restored");
    assert_eq!(fs::read(&file).unwrap(), bytes);
    restore().expect_code(0).expect_said("1 there already");
    // What was there already as well: a stop after the file was put back leaves no other trace.
    assert_eq!(count(&site, |event| matches!(event, Event::CopyRestored(_))), 3);
    the_log_is_sound(&site);
}

#[test]
fn r8_a_file_whose_line_in_the_list_is_damaged_is_named_by_a_restoration_from_the_drive_alone() {
    let (site, _server) = Site::archived(3);
    let drive = site.drive().display().to_string();
    let restore = |to: &str| site.call(["restore", "--from-drive", &drive, "--to", to]).run();
    restore("whole").expect_code(0).expect_said("3 files restored");
    let list = site.months().pop().unwrap().join("manifest-sha256.txt");
    let text = fs::read_to_string(&list).unwrap();
    let line = text.lines().find(|line| !line.ends_with(TEXT)).unwrap();
    let name = line.rsplit('/').next().unwrap();
    fs::write(&list, text.replacen(line, &line.replacen(&line[..4], "zzzz", 1), 1)).unwrap();
    let damaged = restore("damaged").expect_code(2);
    damaged.expect_said("2 files restored").expect_said("is not a digest and a path").expect_said(name);
    fs::remove_file(&list).unwrap();
    restore("none").expect_code(2).expect_said("the month's manifest is not there").expect_said(name);
}

#[test]
fn what_is_due_is_asked_for_by_the_running_process_itself() {
    let (mut site, _server) = Site::archived(4);
    let clock = site.path("clock");
    fs::write(&clock, "0").unwrap();
    site.set("clock", clock.to_str().unwrap());
    site.set("custody.drill_every", "30d");
    site.set("custody.drill_files", "2");
    let finished = |site: &Site| count(site, |event| matches!(event, Event::CustodyFinished(_)));
    {
        let _run = site.call(["run"]).start();
        until_true("the run to be alive", || site.status()["processes"].as_array().is_some_and(|all| !all.is_empty()));
    }
    assert_eq!(finished(&site), 0, "nothing is due on the first day");
    fs::write(&clock, (81 * DAY_S).to_string()).unwrap();
    let _run = site.call(["run"]).start();
    until_true("the drive to be verified, and the drill to be done", || finished(&site) == 2);
    let acts: Vec<_> = events(&site)
        .into_iter()
        .filter_map(|one| match one.event {
            Event::CustodyRequested(data) => Some((data.act, one.actor.to_string())),
            _ => None,
        })
        .collect();
    assert!(acts.iter().any(|(act, _)| matches!(act, Act::Verify { which: Selection::All, .. })), "{acts:?}");
    let drawn = |act: &Act| matches!(act, Act::Restore { to: RestoreTo::Scratch, which: Selection::Bookings { ids }, .. } if ids.len() == 2);
    assert!(acts.iter().any(|(act, _)| drawn(act)), "{acts:?}");
    assert!(acts.iter().all(|(_, actor)| actor.starts_with("custody@")), "{acts:?}");
    assert!(files_below(&site.path("data")).iter().all(|path| !path.to_string_lossy().contains("drill")), "emptied");
}

#[test]
fn an_act_that_is_not_to_go_on_is_cancelled_with_the_reason() {
    let (site, _server) = Site::archived(2);
    let asked = site.call(["drive", "verify", "--detach"]).run().expect_code(0).stdout;
    let act = asked.split(' ').nth(1).unwrap();
    let cancel = |reason: &str| site.call(["drive", "cancel", act, "--reason", reason]).run();
    cancel(" ").expect_code(64);
    cancel("the drive leaves today").expect_code(0).expect_said("nothing more is done");
    cancel("again").expect_code(1).expect_said("has ended already");
    site.call(["replay"]).run().expect_said("the drive leaves today");
    // It is not taken up again: a new one is requested.
    site.call(["drive", "verify"]).run().expect_code(0).expect_said("2 files as proven");
    assert_eq!(count(&site, |event| matches!(event, Event::CustodyRequested(_))), 2);
}

/// Not every machine's disk can be read past its caches; then nothing is evidence for a purge.
fn is_read_from_the_device(site: &Site) -> bool {
    events(site).iter().all(|one| match &one.event {
        Event::CopyProven(proof) => proof.read_back != ReadBack::Cached,
        _ => true,
    })
}

fn only_file_in(folder: &std::path::Path) -> PathBuf {
    let mut files = files_below(folder);
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}
