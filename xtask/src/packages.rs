//! What the tests need beyond cargo.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::cargo::{command, output};
use crate::steps::say;

/// How often it is tried again while the package manager is in use.
const WAIT: Duration = Duration::from_secs(2);
/// For how long: an upgrade of the whole system takes some minutes.
const MAX_WAIT: Duration = Duration::from_secs(15 * 60);

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
        name: "python3-venv",
        probe: &["python3", "-c", "import ensurepip, venv"],
        purpose: "the tester of the document server's description, from PyPI",
    },
    Package {
        name: "postgresql",
        // Its programs for servers are on nobody's PATH; the client is a package of its own.
        probe: &["sh", "-c", "ls /usr/lib/postgresql/*/bin/postgres && psql --version"],
        purpose: "the databases of tests",
    },
    Package {
        name: "pgbouncer",
        probe: &["test", "-x", "/usr/sbin/pgbouncer"],
        purpose: "the pooler that must be recognised in front of a database",
    },
    Package {
        name: "rabbitmq-server",
        probe: &["test", "-x", "/usr/lib/rabbitmq/bin/rabbitmq-server"],
        purpose: "the message brokers of tests",
    },
    Package { name: "rsync", probe: &["rsync", "--version"], purpose: "a tool that backup jobs run" },
    Package { name: "rclone", probe: &["rclone", "version"], purpose: "a tool that backup jobs run" },
    Package { name: "restic", probe: &["restic", "version"], purpose: "a tool that backup jobs run" },
    Package {
        name: "systemd",
        probe: &["systemd-analyze", "--version"],
        purpose: "checks units, and calendar expressions",
    },
    Package {
        name: "cron",
        probe: &["test", "-x", "/usr/bin/crontab"],
        purpose: "crontab lists what was restored in a root of its own",
    },
    Package { name: "prometheus", probe: &["promtool", "--version"], purpose: "promtool checks and tries alert rules" },
    Package { name: "docker-compose", probe: &["docker-compose", "version"], purpose: "checks the compose file" },
    Package {
        name: "kubernetes-client",
        probe: &["kubectl", "kustomize", "--help"],
        purpose: "kubectl puts the manifests together",
    },
    Package { name: "jq", probe: &["jq", "--version"], purpose: "the shell example of a plugin reads JSON with it" },
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

/// Installs what is missing where that can be done without asking.
pub(crate) fn install() -> Result<()> {
    let missing: Vec<_> = PACKAGES.iter().filter(|package| !is_there(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = missing.iter().map(|package| package.name).collect();
    let purposes: Vec<_> = missing.iter().map(|package| package.purpose).collect();
    let (shown, purposes) = (names.join(" "), purposes.join(", "));
    let Some(root) = as_root() else {
        bail!("please install what Debian calls {shown} ({purposes}), then try again");
    };
    let install = || quiet_install(&root, &names);
    let update = || output(&mut command("env", &[&root[..], &["apt-get", "update", "-qq"]].concat()));
    // A fresh image has no lists of packages yet.
    if patiently(install, WAIT, MAX_WAIT).is_err() {
        let advice = || format!("install what Debian calls {shown} by hand, or see what apt-get says above");
        patiently(update, WAIT, MAX_WAIT).and_then(|_| patiently(install, WAIT, MAX_WAIT)).with_context(advice)?;
    }
    say(&format!("installed {shown} ({purposes})"));
    Ok(())
}

/// Does it again for as long as another process holds one of the package manager's locks.
fn patiently(mut work: impl FnMut() -> Result<String>, wait: Duration, most: Duration) -> Result<String> {
    let since = Instant::now();
    let mut is_said = false;
    loop {
        match work() {
            Err(error) if is_locked(&error) && since.elapsed() < most => {
                if !std::mem::replace(&mut is_said, true) {
                    say("waiting: another process is using the package manager");
                }
                std::thread::sleep(wait);
            }
            done => return done,
        }
    }
}

/// Whether apt-get or dpkg failed for one of its locks: `Could not get lock …`, `Unable to acquire the dpkg frontend
/// lock …`, `dpkg: error: dpkg … lock was locked by another process …`.
fn is_locked(error: &anyhow::Error) -> bool {
    let text = format!("{error:#}");
    ["Could not get lock", "Unable to acquire", "Unable to lock", "locked by another process"]
        .iter()
        .any(|sign| text.contains(sign))
}

fn is_there(package: &Package) -> bool {
    let (program, args) = package.probe.split_first().expect("a probe names a program");
    command(program, args).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// What goes before a command to run it as root without being asked for anything: nothing as root,
/// or sudo without a password. `None`: we cannot, or this is not a Debian.
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

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    const LOCKED: [&str; 3] = [
        "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 4711 (apt-get)",
        "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?",
        "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 4711 (apt-get)",
    ];

    #[test]
    fn a_package_manager_that_is_in_use_is_waited_for() {
        let mut tries = 0;
        let work = || {
            tries += 1;
            LOCKED
                .get(tries - 1)
                .map_or(Ok("done".to_owned()), |words| Err(anyhow!("`apt-get` ended with 100\n{words}")))
        };
        assert_eq!(patiently(work, Duration::ZERO, Duration::from_secs(60)).unwrap(), "done");
        assert_eq!(tries, LOCKED.len() + 1);
    }

    #[test]
    fn nothing_else_is_waited_for_and_nothing_for_ever() {
        let mut tries = 0;
        let broken = || {
            tries += 1;
            Err(anyhow!("E: Unable to locate package rabbitmq-server"))
        };
        patiently(broken, Duration::ZERO, Duration::from_secs(60)).unwrap_err();
        assert_eq!(tries, 1);
        patiently(|| Err(anyhow!(LOCKED[0])), Duration::ZERO, Duration::from_millis(1)).unwrap_err();
    }
}
