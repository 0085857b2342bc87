//! A year with three drives, by the commands of the manual.

use std::fs;
use std::path::PathBuf;

use strongroom_model::Event;
use strongroom_tests::audit::{TEXT, count, files_below, r1_every_manifest_is_right, the_log_is_sound};
use strongroom_tests::documented;
use strongroom_tests::program::Call;
use strongroom_tests::site::Site;

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
        assert!(site.path(drive).join("README.txt").exists(), "a stranger is told what it is");
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

fn only_file_in(folder: &std::path::Path) -> PathBuf {
    let mut files = files_below(folder);
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}
