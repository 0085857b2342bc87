//! What `deploy/` holds: each file read by the tool that it is for, or tried, or at least parsed.
//!
//! - [`units`], [`cron`], [`scripts`], [`compose`], [`image`], [`kubernetes`], [`watching`]: a kind of
//!   files each, with its own tool;
//! - [`postgres`], [`rabbitmq`]: tried on real servers;
//! - [`commands`]: every command line of the program, there and on the pages, is one that it takes;
//! - [`plugins`]: the page for authors of plugins, followed as it stands;
//! - [`whole`]: the containers' services as processes, with their own secrets and rights;
//! - [`tree`]: the files, and running tools.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod commands;
mod compose;
mod cron;
mod gone;
mod image;
mod kubernetes;
mod plugins;
mod postgres;
mod rabbitmq;
mod scripts;
mod tree;
mod units;
mod watching;
mod whole;

/// Where a file is checked; a file that no test reads fails here.
#[test]
fn every_file_is_checked_by_a_test() {
    let folders = [
        "systemd/",
        "cron/",
        "debian/",
        "compose/",
        "docker/",
        "kubernetes/",
        "postgres/",
        "rabbitmq/",
        "prometheus/",
        "grafana/",
    ];
    for file in tree::files() {
        let (folder, kind) =
            (folders.iter().find(|folder| file.starts_with(**folder)), file.rsplit(['.', '/']).next().unwrap());
        let known = match folder.copied() {
            Some("systemd/") => ["service", "timer"].contains(&kind),
            Some("cron/") => true,
            Some("debian/") => ["postinst", "prerm", "postrm"].contains(&kind),
            Some("compose/") => ["yaml", "toml", "sh", "conf", "json", "sample", "gitignore"].contains(&kind),
            Some("docker/") => ["Dockerfile", "sh"].contains(&kind),
            Some("kubernetes/") => kind == "yaml",
            Some("postgres/") => kind == "sql",
            Some("rabbitmq/") => ["json", "conf"].contains(&kind),
            Some("prometheus/") => kind == "yml",
            Some("grafana/") => kind == "json",
            _ => file == "README.md",
        };
        assert!(known, "deploy/{file} is read by no test: add one to xtask/tests/deploy");
    }
}
