//! Licences, banned crates, sources and advisories of the dependencies, by cargo-deny.

use std::io::Read as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::cargo::{cargo, output};
use crate::steps::say;
use crate::tool::Tool;

const TOOL: Tool = Tool { name: "deny", version: "0.20.2" };
/// How long the advisories may take to arrive: some networks swallow packets rather than refuse them.
const FETCH_LIMIT: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(200);

/// Checks everything that `deny.toml` says. Advisories that are out of reach are reported and
/// passed over, since they lie on a machine that is not ours; nothing else is.
pub(crate) fn check() -> Result<()> {
    TOOL.install_if_missing()?;
    output(&mut cargo(&["deny", "--all-features", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"]))?;
    if let Err(error) = fetch_advisories() {
        say(&format!(
            "NOT CHECKED: advisories: the database is out of reach ({error:#}); run `cargo deny check advisories` where it is not"
        ));
        return Ok(());
    }
    output(&mut cargo(&["deny", "--all-features", "check", "--disable-fetch", "advisories"])).map(drop)
}

fn fetch_advisories() -> Result<()> {
    let mut fetch = cargo(&["deny", "fetch", "db"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let started = Instant::now();
    loop {
        if let Some(status) = fetch.try_wait()? {
            if status.success() {
                return Ok(());
            }
            let mut said = String::new();
            fetch.stderr.take().expect("it was asked to be piped").read_to_string(&mut said)?;
            bail!("{}", said.trim().lines().last().unwrap_or("no reason given"));
        }
        if started.elapsed() > FETCH_LIMIT {
            fetch.kill()?;
            fetch.wait()?;
            bail!("no answer within {} s", FETCH_LIMIT.as_secs());
        }
        std::thread::sleep(POLL);
    }
}
