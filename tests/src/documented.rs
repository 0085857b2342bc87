//! Commands as the pages have them, run as they stand.

use std::fs;
use std::process::Command;

use crate::program;
use crate::schemas::workspace_root;
use crate::site::Site;

/// The example on a page behind the comment `<!-- Run by the tests: NAME. -->`.
pub fn example(page: &str, name: &str) -> String {
    let text = fs::read_to_string(workspace_root().join(page)).unwrap();
    let (_, rest) = text.split_once(&format!("<!-- Run by the tests: {name}. -->\n```sh\n")).expect("the page has it");
    rest.split_once("\n```").unwrap().0.to_owned()
}

/// Runs such an example in a shell, in the site's folder and with its settings. `replaced` says what is elsewhere in a test.
pub fn run(site: &Site, page: &str, name: &str, replaced: &[(&str, &str)]) -> String {
    let lines = replaced.iter().fold(example(page, name), |text, (from, to)| text.replace(from, to));
    let bin = program::path();
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", bin.parent().unwrap().display());
    let mut shell = Command::new("sh");
    shell.args(["-euc", &lines]).current_dir(site.path("")).env_clear().env("PATH", path);
    let output = shell.envs(site.settings().iter().cloned()).output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{lines}\n{said}");
    said
}
