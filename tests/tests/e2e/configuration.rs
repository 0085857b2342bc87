//! Usage errors and wrong configuration: a clear error that names the thing and the next step.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use strongroom_tests::schemas::workspace_root;
use strongroom_tests::site::Site;

#[test]
fn what_is_wrong_in_the_configuration_is_named() {
    let cases = [
        ("[schedule]\nevrey = \"2m\"\n", "every"),
        ("colour = \"blue\"\n", "colour"),
        ("time_zone = \"Europe/Berln\"\n", "Europe/Berln"),
        ("[schedule]\nbetween = \"late\"\n", "between"),
        ("[source\n", "strongroom.toml"),
    ];
    for (text, named) in cases {
        let site = Site::without_drive();
        fs::write(site.path("strongroom.toml"), text).unwrap();
        site.call(["run", "--once"]).run().expect_code(1).expect_said(named);
        site.call(["config", "check"]).run().expect_code(1).expect_said(named);
    }
}

#[test]
fn a_missing_secret_is_named_and_how_to_give_it() {
    let site = Site::new();
    fs::remove_file(site.path("backup.token")).unwrap();
    site.run_once().run().expect_code(1).expect_said("backup.token");
    let text = fs::read_to_string(site.path("strongroom.toml")).unwrap();
    fs::write(site.path("strongroom.toml"), text.replace("token_file = \"backup.token\"\n", "")).unwrap();
    site.run_once().run().expect_code(1).expect_said("source.token");
}

#[test]
fn a_configuration_that_cannot_be_read_is_named() {
    let site = Site::without_drive();
    site.call(["run", "--once", "--config", "nowhere.toml"]).run().expect_code(1).expect_said("nowhere.toml");
    fs::remove_file(site.path("strongroom.toml")).unwrap();
    fs::create_dir(site.path("strongroom.toml")).unwrap();
    site.run_once().run().expect_code(1).expect_said("strongroom.toml");
}

/// The manual has root write the file, and the program's own user read it.
#[test]
fn the_group_of_the_documented_folder_may_read_what_config_init_writes() {
    let page = fs::read_to_string(workspace_root().join("docs/operations.md")).unwrap();
    let line = page.lines().find(|line| line.ends_with(" /etc/strongroom") && line.contains("install -d")).unwrap();
    let mode = line.split(" -m ").nth(1).unwrap().split(' ').next().unwrap();
    let site = Site::without_drive();
    let folder = site.path("etc");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(u32::from_str_radix(mode, 8).unwrap())).unwrap();
    site.call(["config", "init", "etc/strongroom.toml"]).run().expect_code(0);
    let (folder, file) = (fs::metadata(&folder).unwrap(), fs::metadata(folder.join("strongroom.toml")).unwrap());
    assert_eq!(folder.mode() & 0o2000, 0o2000, "files that root makes there are of the folder's group");
    assert_eq!((file.mode() & 0o777, file.gid()), (0o640, folder.gid()));
}

#[test]
fn a_secret_is_never_shown() {
    let site = Site::without_drive();
    let secret = fs::read_to_string(site.path("backup.token")).unwrap();
    let show = site.call(["config", "show"]).env("STRONGROOM_MAIL_SMTP_PASSWORD", "hunter2").run().expect_code(0);
    assert!(!show.said().contains("hunter2") && !show.said().contains(secret.trim()), "{}", show.said());
}

#[test]
fn what_config_init_writes_is_well_formed_and_never_takes_the_place_of_another() {
    let site = Site::without_drive();
    site.call(["config", "init", "fresh.toml"]).run().expect_code(0);
    site.call(["config", "show", "--config", "fresh.toml"]).run().expect_code(0);
    site.call(["config", "init", "fresh.toml"]).run().expect_code(1).expect_said("fresh.toml");
}
