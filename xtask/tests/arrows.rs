//! The architecture's arrows: who may use whom, as the table in docs/ARCHITECTURE.md says.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand};
use strongroom_tests::audit::files_below;
use strongroom_tests::schemas::workspace_root;

/// Who uses whom, by the names of crates.
type Arrows = BTreeMap<String, BTreeSet<String>>;

/// What only some crates may use, outside their tests.
const FENCED: [(&str, &[&str]); 7] = [
    ("sqlx", &["strongroom-eventlog", "strongroom-server"]),
    ("lapin", &["strongroom-bus"]),
    ("lettre", &["strongroom-notify"]),
    ("reqwest", &["strongroom-source", "strongroom-witness"]),
    ("axum", &["strongroom-server", "strongroom-service", "strongroom-witness"]),
    ("rustix", &PORTABILITY),
    ("libc", &PORTABILITY),
];

/// The crates that name what only Unix has: another operating system's ways are written there, and nowhere else.
const PORTABILITY: [&str; 2] = ["strongroom-files", "strongroom-service"];
/// What only Unix has, as sources name it.
const UNIX_ONLY: [&str; 5] = ["std::os::unix", "std::os::linux", "std::os::fd", "rustix::", "libc::"];

/// What must not be linked at all.
const BANNED: [&str; 5] = ["aws-lc-sys", "aws-lc-rs", "openssl-sys", "native-tls", "tokio-tar"];

fn metadata() -> Metadata {
    MetadataCommand::new().current_dir(workspace_root()).features(CargoOpt::AllFeatures).exec().unwrap()
}

/// What each crate of ours uses outside its tests.
fn used(metadata: &Metadata) -> Arrows {
    let uses = |package: &&cargo_metadata::Package| {
        let normal = package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
        (package.name.to_string(), normal.map(|dependency| dependency.name.clone()).collect())
    };
    metadata.workspace_packages().iter().map(uses).collect()
}

/// What stands beside the product, as xtask does: the end-to-end tests, and the servers that
/// tests start.
const BESIDE: [&str; 4] = ["strongroom-tests", "strongroom-servers", "strongroom-stage-rig", "strongroom-sample"];

/// The arrows between our own crates only.
fn drawn(used: &Arrows) -> Arrows {
    let ours = |name: &String| name.starts_with("strongroom") && !BESIDE.contains(&name.as_str());
    let own = used.iter().filter(|(name, _)| ours(name));
    own.map(|(name, uses)| (name.clone(), uses.iter().filter(|used| ours(used)).cloned().collect())).collect()
}

/// The table under "## Arrows": a crate, and what it uses, each in backquotes.
fn table() -> Arrows {
    let page = std::fs::read_to_string(workspace_root().join("docs/ARCHITECTURE.md")).unwrap();
    let section = page.split("\n## Arrows").nth(1).expect("a section \"## Arrows\"").split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').collect();
        let names = |cell: &str| cell.split('`').skip(1).step_by(2).map(full_name).collect::<Vec<_>>();
        (names(cells[1])[0].clone(), names(cells[2]).into_iter().collect())
    })
    .collect()
}

/// The table leaves out what all names begin with.
fn full_name(short: &str) -> String {
    if short == "strongroom" { short.to_owned() } else { format!("strongroom-{short}") }
}

#[test]
fn the_arrows_are_those_of_the_architecture_page() {
    let (drawn, table) = (drawn(&used(&metadata())), table());
    let names: BTreeSet<_> = drawn.keys().chain(table.keys()).collect();
    for name in names {
        let line = || format!("docs/ARCHITECTURE.md, section Arrows, {name}");
        assert_eq!(drawn.get(name), table.get(name), "left: Cargo.toml; right: {}", line());
    }
}

/// `strongroom → apps, stages → audit, bus, kinds → eventlog, drive, source, witness, plugin → files → service, proof, toollog, tasks → model, calendar`.
#[test]
fn every_arrow_points_down() {
    let layer = |name: &str| match name.trim_start_matches("strongroom-") {
        "strongroom" => 6,
        "server" | "enumerate" | "fetch" | "verify" | "archive" | "custody" | "purge" | "notify" | "jobs"
        | "monitor" => 5,
        "bus" | "audit" | "kinds" => 4,
        "eventlog" | "drive" | "source" | "witness" | "plugin" => 3,
        "files" => 2,
        "service" | "proof" | "toollog" | "tasks" => 1,
        "model" | "calendar" => 0,
        other => panic!("{other} has no layer yet: give it one here and in docs/ARCHITECTURE.md"),
    };
    for (name, uses) in drawn(&used(&metadata())) {
        for used in uses {
            assert!(layer(&used) < layer(&name), "{name} uses {used}, which stands no lower");
        }
    }
}

#[test]
fn what_is_fenced_in_stays_there() {
    let used = used(&metadata());
    for (dependency, allowed) in FENCED {
        for (name, uses) in &used {
            let may = allowed.contains(&name.as_str()) || BESIDE.contains(&name.as_str());
            assert!(may || !uses.contains(dependency), "{name} uses {dependency}: only {allowed:?} may");
        }
    }
}

/// The part of a source file that is not compiled for tests only. Tests stand last in their file, or in files of their own.
fn production(path: &Path) -> String {
    if path.file_name().is_some_and(|name| name == "tests.rs") || path.iter().any(|part| part == "tests") {
        return String::new();
    }
    let text = std::fs::read_to_string(path).unwrap();
    text.split("#[cfg(test)]\nmod ").next().unwrap_or_default().to_owned()
}

#[test]
fn what_only_unix_has_is_named_in_two_crates() {
    let mut named = BTreeSet::new();
    for package in metadata().workspace_packages() {
        let name = package.name.to_string();
        if !name.starts_with("strongroom") || BESIDE.contains(&name.as_str()) {
            continue;
        }
        for path in files_below(package.manifest_path.parent().unwrap().join("src").as_std_path()) {
            let text = production(&path);
            if UNIX_ONLY.iter().any(|only| text.contains(only)) {
                assert!(PORTABILITY.contains(&name.as_str()), "{} names what only Unix has", path.display());
                named.insert(name.clone());
            }
        }
    }
    assert_eq!(named.len(), PORTABILITY.len(), "the test looks at the sources: {named:?}");
}

#[test]
fn one_tls_provider_is_linked_and_no_library_of_the_system() {
    let metadata = metadata();
    for package in &metadata.packages {
        assert!(!BANNED.contains(&package.name.as_str()), "{} is linked: see deny.toml", package.name);
    }
}
