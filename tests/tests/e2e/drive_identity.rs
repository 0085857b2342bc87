//! Drives that are cloned, and drives that do not say who they are any more.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use strongroom_model::{AlarmKind, Event, Recorded};
use strongroom_tests::audit::{all_is_archived, events, files_below, raised};
use strongroom_tests::program::Ended;
use strongroom_tests::site::Site;

/// A site whose drive keeps no birth of its identity, as on FAT and exFAT: so a copy of its files is as good as a clone.
fn site_on_fat() -> Site {
    let site = Site::new();
    let path = identity(site.drive());
    let mut known: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    known.as_object_mut().unwrap().remove("born");
    fs::write(&path, serde_json::to_vec_pretty(&known).unwrap()).unwrap();
    site
}

fn identity(drive: &Path) -> PathBuf {
    drive.join(".strongroom/drive.json")
}

fn backs_up(site: &Site, bookings: usize) {
    site.add_documents(bookings);
    let _server = site.serve();
    site.run_once().run().expect_code(0);
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
}

/// Puts what is there in place of the drive, and the drive where that was.
fn swap(site: &Site, other: &str) {
    let (other, between) = (site.path(other), site.path("between"));
    fs::rename(site.drive(), &between).unwrap();
    fs::rename(&other, site.drive()).unwrap();
    fs::rename(between, other).unwrap();
}

fn refused_as(site: &Site, alarm: AlarmKind, said: &str) -> Ended {
    let before = files_below(site.drive());
    let _server = site.serve();
    let ended = site.run_once().env("STRONGROOM_RETRY_WAIT_ONCE", "1s").run().expect_code(2).expect_said(said);
    assert_eq!(files_below(site.drive()), before, "nothing is written");
    assert_eq!(raised(&events(site)).last(), Some(&alarm));
    ended
}

fn adoptions(events: &[Recorded]) -> Vec<&Recorded> {
    events.iter().filter(|event| matches!(event.event, Event::DriveAdopted(_))).collect()
}

#[test]
fn r6_a_clone_is_refused_until_a_person_decides_for_it_and_then_the_original_is() {
    let site = site_on_fat();
    backs_up(&site, 2);
    copy(site.drive(), &site.path("clone"));
    backs_up(&site, 2);
    swap(&site, "clone");
    site.add_documents(2);
    refused_as(&site, AlarmKind::DriveCloned, "strongroom drive adopt");
    site.call(["drive", "status"]).run().expect_code(2).expect_said("drive cloned").expect_said("drive adopt");
    site.call(["doctor"]).run().expect_code(2).expect_said("clone or an older image");
    let status = site.status();
    assert_eq!(status["drives"][0]["state"], "drive-cloned", "{status}");

    // The original comes back: work goes on by itself, and the alarm is over.
    swap(&site, "clone");
    backs_up(&site, 1);
    all_is_archived(&site, 7);

    swap(&site, "clone");
    let adopt = || site.call(["drive", "adopt", "--reason", "the original fell down"]);
    adopt().kill_at("drive.adoption-marked", 1).run().expect_killed();
    site.add_documents(1);
    refused_as(&site, AlarmKind::DriveCloned, "strongroom drive adopt");
    adopt().run().expect_code(0).expect_said("from now on");
    adopt().run().expect_code(0).expect_said("nothing is to be decided");
    {
        let _server = site.serve();
        site.run_once().run().expect_code(2).expect_said("is no longer good").expect_said("1 file backed up");
    }
    swap(&site, "clone");
    site.add_documents(1);
    refused_as(&site, AlarmKind::DriveCloned, "the newest on it");
    let all = events(&site);
    let [adopted] = adoptions(&all)[..] else { panic!("{all:?}") };
    assert!(adopted.actor.as_str().starts_with("operator@"));
    let said = site.call(["replay"]).run().stdout;
    assert!(said.contains("the original fell down"), "{said}");
}

#[test]
fn r6_a_clone_can_become_a_drive_of_its_own() {
    let site = site_on_fat();
    backs_up(&site, 1);
    copy(site.drive(), &site.path("clone"));
    backs_up(&site, 1);
    swap(&site, "clone");
    fs::remove_file(identity(site.drive())).unwrap();
    site.call(["drive", "status"]).run().expect_code(2).expect_said("drive restore-identity");
    site.call(["drive", "init", "--same-disk", "--in-memory", "--label", "blue 2"]).run().expect_code(0);
    backs_up(&site, 1);
    swap(&site, "clone");
    backs_up(&site, 1);
    assert_eq!(site.status()["bookings"]["archived"], 4);
}

#[expect(clippy::print_stderr, reason = "a test that cannot run here must not look as if it had")]
fn mounts(image: &Path, root: &Path) -> bool {
    let mounted = Command::new("mount").args(["-o", "loop"]).args([image, root]).output();
    let mounted = mounted.is_ok_and(|output| output.status.success());
    if !mounted {
        eprintln!("skipped: this needs root, to mount a file system");
    }
    mounted
}

fn unmount(root: &Path) {
    // A child process of another test has every descriptor for the moment between fork and exec.
    let done = (0..500).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        Command::new("umount").arg(root).output().is_ok_and(|output| output.status.success())
    });
    assert!(done, "something on the drive is held open");
}

/// Unmounted whatever happens.
struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

#[test]
fn r6_a_drive_that_was_cloned_block_by_block_is_told_from_its_clone() {
    let site = Site::without_drive();
    fs::create_dir(site.drive()).unwrap();
    let (original, clone) = (site.path("original.img"), site.path("clone.img"));
    fs::File::create(&original).unwrap().set_len(32 << 20).unwrap();
    let made = Command::new("/sbin/mkfs.ext4").arg("-q").arg(&original).output();
    if !made.is_ok_and(|output| output.status.success()) || !mounts(&original, site.drive()) {
        return;
    }
    let _mounted = Mounted(site.drive().to_owned());
    site.call(["drive", "init", "--same-disk", "--in-memory", "--label", "blue 1"]).run().expect_code(0);
    backs_up(&site, 1);
    unmount(site.drive());
    fs::copy(&original, &clone).unwrap();
    assert!(mounts(&clone, site.drive()));
    site.call(["drive", "status"]).run().expect_code(0);
    unmount(site.drive());
    assert!(mounts(&original, site.drive()));
    backs_up(&site, 1);
    unmount(site.drive());

    assert!(mounts(&clone, site.drive()));
    site.add_documents(1);
    refused_as(&site, AlarmKind::DriveCloned, "strongroom drive adopt");
    unmount(site.drive());
    assert!(mounts(&original, site.drive()));
    backs_up(&site, 1);
    all_is_archived(&site, 4);
    unmount(site.drive());
}

#[test]
fn r6_an_identity_that_a_power_cut_took_is_written_back_from_the_log() {
    for content in [Some(Vec::new()), Some(vec![0; 217]), Some(b"{\"format\": 1, \"id".to_vec()), None] {
        let site = site_on_fat();
        backs_up(&site, 3);
        let path = identity(site.drive());
        let id = || site.call(["drive", "status", "--json"]).run().json()["id"].clone();
        let restore = || site.call(["drive", "restore-identity", "--same-disk", "--in-memory"]);
        let before = id();
        restore().run().expect_code(1).expect_said("nothing is to be written back");
        match &content {
            Some(bytes) => fs::write(&path, bytes).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        site.add_documents(1);
        refused_as(&site, AlarmKind::DriveUnknown, "strongroom drive restore-identity");
        restore().kill_at("drive.identity-written", 1).run().expect_killed();
        restore().kill_at("drive.identity-recorded", 1).run().expect_killed();
        restore().run().expect_code(0).expect_said("it holds the mark of its newest use, and holds 3 of the 3");
        assert_eq!(id(), before);
        backs_up(&site, 0);
        all_is_archived(&site, 4);
        let damaged = fs::read(path.with_extension("json.damaged")).ok();
        assert_eq!(damaged, content.filter(|bytes| bytes.starts_with(b"{")), "what can be read is kept");
        let all = events(&site);
        let restored: Vec<_> = all.iter().filter(|one| matches!(one.event, Event::DriveIdentityRestored(_))).collect();
        assert_eq!(restored.len(), 2, "the decision is recorded, twice where it was given twice");
        assert!(restored.iter().all(|event| event.actor.as_str().starts_with("operator@")));
    }
}

#[test]
fn r6_no_other_drive_gets_an_identity_back() {
    let site = site_on_fat();
    backs_up(&site, 3);
    // A newer version's identity is not damage.
    let path = identity(site.drive());
    let good = fs::read_to_string(&path).unwrap();
    fs::write(&path, good.replace("\"format\": 1", "\"format\": 9")).unwrap();
    let restore = |more: &[&str]| {
        let call = ["drive", "restore-identity", "--same-disk", "--in-memory"].iter().chain(more).copied();
        site.call(call.collect::<Vec<_>>()).run()
    };
    restore(&[]).expect_code(1).expect_said("upgrade strongroom");
    fs::write(&path, good).unwrap();

    fs::create_dir(site.path("other")).unwrap();
    swap(&site, "other");
    restore(&[]).expect_code(1).expect_said("no drive is mounted");
    fs::write(site.drive().join("holiday.jpg"), "somebody's").unwrap();
    restore(&[]).expect_code(1).expect_said("nothing shows that it is drive");
    restore(&["--label", "blue 1"]).expect_code(1).expect_said("holds 0 of the 3 newest copies");
    restore(&["--label", "green"]).expect_code(1).expect_said("the log knows no such drive");
    assert_eq!(files_below(site.drive()).len(), 1, "nothing is written");
    let unsafe_place = site.call(["drive", "restore-identity"]).run();
    assert_eq!(unsafe_place.code(), Some(1), "{}", unsafe_place.said());
    unsafe_place.expect_said("--");
}
