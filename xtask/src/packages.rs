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

const PACKAGES: &[Package] = &[
    Package {
        name: "python3-aiosmtpd",
        // The system's own interpreter: a package of Debian's is not seen by another one.
        probe: &["/usr/bin/python3", "-c", "import aiosmtpd"],
        purpose: "the mail server that mails are sent to",
    },
    Package {
        name: "postgresql",
        // Its programs for servers are on nobody's PATH; the client is a package of its own.
        probe: &["sh", "-c", "ls /usr/lib/postgresql/*/bin/postgres && psql --version"],
        purpose: "the databases of tests",
    },
    Package {
        name: "rabbitmq-server",
        probe: &["test", "-x", "/usr/lib/rabbitmq/bin/rabbitmq-server"],
        purpose: "the message brokers of tests",
    },
    Package { name: "systemd", probe: &["systemd-analyze", "--version"], purpose: "checks units" },
    Package { name: "prometheus", probe: &["promtool", "--version"], purpose: "promtool checks and tries alert rules" },
    Package { name: "docker-compose", probe: &["docker-compose", "version"], purpose: "checks the compose file" },
    Package {
        name: "kubernetes-client",
        probe: &["kubectl", "kustomize", "--help"],
        purpose: "kubectl puts the manifests together",
    },
    Package { name: "shellcheck", probe: &["shellcheck", "--version"], purpose: "checks shell scripts" },
];

/// Run as root with apt-get's arguments: installs without starting anything, and without making
/// Postgres a cluster, which would then start with the machine. The tests start servers of their own.
/// What is put in place for that goes away again.
const QUIET_INSTALL: &str = "\
set -eu
policy=/usr/sbin/policy-rc.d
cluster=/etc/postgresql-common/createcluster.d/50-strongroom-tests.conf
ours=''
trap 'rm -f $ours' EXIT
if [ ! -e \"$policy\" ]; then
    ours=$policy
    printf '#!/bin/sh\\nexit 101\\n' >\"$policy\"
    chmod 755 \"$policy\"
fi
mkdir -p \"${cluster%/*}\"
ours=\"$ours $cluster\"
echo 'create_main_cluster = false' >\"$cluster\"
export DEBIAN_FRONTEND=noninteractive
apt-get install -qq --yes --no-install-recommends \"$@\"
";

/// Installs what is missing where that can be done without asking; elsewhere says in one
/// line what to install. That is no failure yet: the tests that need it say so themselves.
pub(crate) fn install() -> Result<()> {
    let missing: Vec<_> = PACKAGES.iter().filter(|package| !is_there(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = missing.iter().map(|package| package.name).collect();
    let purposes: Vec<_> = missing.iter().map(|package| package.purpose).collect();
    let (shown, purposes) = (names.join(" "), purposes.join(", "));
    let Some(root) = as_root() else {
        say(&format!("please install what Debian calls {shown} ({purposes}); the tests that use it fail without"));
        return Ok(());
    };
    if quiet_install(&root, &names).is_err() {
        // A fresh image has no lists of packages yet.
        output(&mut command("env", &[&root[..], &["apt-get", "update", "-qq"]].concat()))?;
        quiet_install(&root, &names)?;
    }
    say(&format!("installed {shown} ({purposes})"));
    Ok(())
}

fn is_there(package: &Package) -> bool {
    let (program, args) = package.probe.split_first().expect("a probe names a program");
    command(program, args).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// What goes before a command to run it as root without being asked for anything: nothing as root,
/// or sudo without a password. `None`: we cannot, or this is no Debian.
fn as_root() -> Option<Vec<&'static str>> {
    if !Path::new("/usr/bin/apt-get").exists() {
        return None;
    }
    let says = |program, args: &[&str]| output(&mut command(program, args)).ok();
    if says("id", &["-u"]).is_some_and(|uid| uid.trim() == "0") {
        return Some(Vec::new());
    }
    says("sudo", &["-n", "true"]).map(|_| vec!["sudo", "-n"])
}

/// `env` stands before it all, so that there is a program to name with and without sudo.
fn quiet_install(root: &[&str], names: &[&str]) -> Result<String> {
    output(&mut command("env", &[root, &["sh", "-c", QUIET_INSTALL, "install"], names].concat()))
}
