//! What the tests need beyond cargo.

use std::path::Path;
use std::process::Stdio;

use anyhow::Result;

use crate::cargo::{command, output};
use crate::steps::say;

/// A Debian package, and how to see that it is there.
struct Package {
    name: &'static str,
    /// Succeeds where the package, or the same from elsewhere, is installed.
    probe: &'static [&'static str],
    /// What it is for.
    purpose: &'static str,
}

const PACKAGES: &[Package] = &[Package {
    name: "python3-aiosmtpd",
    // The system's own interpreter: a package of Debian's is not seen by another one.
    probe: &["/usr/bin/python3", "-c", "import aiosmtpd"],
    purpose: "the mail server that mails are sent to",
}];

/// Installs what is missing where that can be done without asking; elsewhere says in one
/// line what to install. That is no failure yet: the tests that need it say so themselves.
pub(crate) fn install() -> Result<()> {
    let missing: Vec<_> = PACKAGES.iter().filter(|package| !is_there(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = missing.iter().map(|package| package.name).collect();
    let purposes: Vec<_> = missing.iter().map(|package| package.purpose).collect();
    let (names, purposes) = (names.join(" "), purposes.join(", "));
    let Some(apt) = apt() else {
        say(&format!("please install what Debian calls {names} ({purposes}); the tests that use it fail without"));
        return Ok(());
    };
    if apt_install(&apt, &names).is_err() {
        // A fresh image has no lists of packages yet.
        output(&mut command(apt[0], &[&apt[1..], &["update", "-qq"]].concat()))?;
        apt_install(&apt, &names)?;
    }
    say(&format!("installed {names} ({purposes})"));
    Ok(())
}

fn is_there(package: &Package) -> bool {
    let (program, args) = package.probe.split_first().expect("a probe names a program");
    command(program, args).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// How to call apt-get without being asked for anything: as root or by sudo without a password. `None`: we cannot.
fn apt() -> Option<Vec<&'static str>> {
    if !Path::new("/usr/bin/apt-get").exists() {
        return None;
    }
    let says = |program, args: &[&str]| output(&mut command(program, args)).ok();
    if says("id", &["-u"]).is_some_and(|uid| uid.trim() == "0") {
        return Some(vec!["apt-get"]);
    }
    says("sudo", &["-n", "true"]).map(|_| vec!["sudo", "-n", "apt-get"])
}

fn apt_install(apt: &[&str], names: &str) -> Result<String> {
    let names: Vec<_> = names.split(' ').collect();
    let args = [&apt[1..], &["install", "-qq", "--yes", "--no-install-recommends"], &names].concat();
    output(command(apt[0], &args).env("DEBIAN_FRONTEND", "noninteractive"))
}
