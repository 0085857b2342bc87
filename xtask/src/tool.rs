//! Subcommands of cargo that the chores need, installed where they are missing.

use anyhow::{Context as _, Result};

use crate::cargo::{cargo, output, root};
use crate::steps::say;

/// A subcommand of cargo, of the crate `cargo-<name>`.
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    /// What is installed where none is there.
    pub(crate) version: &'static str,
}

impl Tool {
    /// Built without optimisation: it runs for seconds, and building it takes minutes.
    pub(crate) fn install_if_missing(&self) -> Result<()> {
        let Self { name, version } = self;
        if output(&mut cargo(&[name, "--version"])).is_ok() {
            return Ok(());
        }
        say(&format!("cargo-{name} is missing: installing {version}, which takes some minutes"));
        let package = format!("cargo-{name}");
        let mut install = cargo(&["install", "--locked", "--debug", "--quiet", &package, "--version", version]);
        install.env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_TARGET_DIR", root().join("target/tools"));
        output(&mut install).with_context(|| format!("{package} could not be installed")).map(drop)
    }
}
