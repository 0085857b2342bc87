//! systemd's units.

use std::fs;

use crate::tree;

/// The template's instances that a site has, with one more of a kind.
pub(crate) const WORKERS: [&str; 6] = ["enumerate", "fetch", "fetch-2", "verify", "archive", "notify"];
/// What units run: systemd finds it in `/usr/local/bin` or, from the package, in `/usr/bin`.
const START: &str = "ExecStart=strongroom ";

#[test]
fn systemd_finds_nothing_to_say_of_the_units() {
    let folder = tempfile::tempdir().unwrap();
    let mut units = Vec::new();
    for file in tree::files_like("systemd/", "") {
        let name = file.trim_start_matches("systemd/");
        // The program need not be installed for units to be right.
        let text = tree::read(&file).replace(START, "ExecStart=/bin/true ");
        fs::write(folder.path().join(name), &text).unwrap();
        if let Some((template, kind)) = name.split_once('@') {
            for worker in WORKERS {
                let instance = format!("{template}@{worker}{kind}");
                fs::write(folder.path().join(&instance), &text).unwrap();
                units.push(instance);
            }
        } else {
            units.push(name.to_owned());
        }
    }
    let mut verify = tree::tool("systemd-analyze", "systemd");
    verify.args(["verify", "--man=no"]).args(units.iter().map(|unit| folder.path().join(unit)));
    let said = tree::succeeds(&mut verify);
    // Unknown keys are warnings only; what the host's own units are like is not ours to say.
    let ours: Vec<_> = said.lines().filter(|line| line.contains("strongroom")).collect();
    assert!(ours.is_empty(), "{said}");
}

/// The program tells systemd when it is ready and that it lives: only units that ask for it are told.
#[test]
fn whatever_works_until_it_is_stopped_is_watched() {
    for file in ["systemd/strongroom.service", "systemd/strongroom@.service", "systemd/strongroom-relay.service"] {
        let unit = tree::read(file);
        for line in ["Type=notify", "WatchdogSec=60", "TimeoutStartSec=infinity", "Restart=on-failure"] {
            assert!(unit.lines().any(|found| found == line), "{file}: {line}");
        }
    }
    // Those that need Postgres to start are started again and again for as long as it is away.
    for file in ["systemd/strongroom@.service", "systemd/strongroom-relay.service"] {
        let unit = tree::read(file);
        assert!(unit.lines().any(|line| line == "StartLimitIntervalSec=0"), "{file}");
    }
}

/// What systemd itself makes of what an intruder in the process could do; 10 is everything.
#[test]
fn every_service_has_an_exposure_below_3() {
    let folder = tempfile::tempdir().unwrap();
    for file in tree::files_like("systemd/", ".service") {
        let name = file.trim_start_matches("systemd/").replace('@', "@fetch");
        let path = folder.path().join(name);
        fs::write(&path, tree::read(&file).replace(START, "ExecStart=/bin/true ")).unwrap();
        let mut security = tree::tool("systemd-analyze", "systemd");
        // The threshold counts in tenths, and fails above it.
        security.args(["security", "--offline=yes", "--no-pager", "--threshold=29"]).arg(&path);
        tree::succeeds(&mut security);
    }
}

/// What holds a process in is the same in every unit.
#[test]
fn every_service_is_held_in() {
    const HOLDS: &[&str] = &[
        "User=strongroom",
        "NoNewPrivileges=yes",
        "PrivateTmp=yes",
        "ProtectHome=yes",
        "ProtectSystem=strict",
        "ProtectKernelTunables=yes",
        "ProtectKernelModules=yes",
        "ProtectControlGroups=yes",
        "RestrictSUIDSGID=yes",
        "LockPersonality=yes",
        "SystemCallArchitectures=native",
        // A read-back that could not ask whether a page was cached would count as a read from the cache.
        "SystemCallFilter=@system-service mincore",
        "CapabilityBoundingSet=",
        "PrivateDevices=yes",
        "StateDirectoryMode=0700",
    ];
    for file in tree::files_like("systemd/", ".service") {
        let unit = tree::read(&file);
        for hold in HOLDS {
            assert!(unit.lines().any(|line| line == *hold), "{file}: {hold}");
        }
    }
}

/// What is written to a drive has rights for the group, which auditors are given: the unit must not take them.
#[test]
fn services_that_write_to_a_drive_leave_the_group_its_rights() {
    for file in tree::files_like("systemd/", ".service") {
        let unit = tree::read(&file);
        let writes = unit.lines().any(|line| line.starts_with("ReadWritePaths=") && line.contains("/mnt/backup"));
        assert!(!writes || unit.lines().any(|line| line == "UMask=0027"), "{file}");
    }
}
