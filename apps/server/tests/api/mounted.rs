//! File systems that are mounted for one test. These need root; elsewhere the tests say so and
//! pass, and the same errors are ordered by faults.

use std::path::PathBuf;
use std::process::Command;

/// A file system, mounted in a folder of its own until it is dropped.
pub(crate) struct Mounted {
    pub(crate) root: PathBuf,
}

impl Mounted {
    /// A file system in memory at that path, with that size; `None` where we may not mount.
    pub(crate) fn tmpfs(root: PathBuf, size: &str) -> Option<Self> {
        std::fs::create_dir_all(&root).unwrap();
        let mounted = Self { root };
        if mounted.run("mount", &["-t", "tmpfs", "-o", size, "tmpfs"]) { Some(mounted) } else { skipped() }
    }

    /// What is mounted nowhere else, at that path: another mount of a folder below it.
    pub(crate) fn bind(root: PathBuf, of: &std::path::Path) -> Option<Self> {
        std::fs::create_dir_all(&root).unwrap();
        let mounted = Self { root };
        if mounted.run("mount", &["--bind", of.to_str().unwrap()]) { Some(mounted) } else { skipped() }
    }

    fn run(&self, program: &str, arguments: &[&str]) -> bool {
        Command::new(program).args(arguments).arg(&self.root).output().is_ok_and(|output| output.status.success())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        self.run("umount", &["-l"]);
    }
}

#[expect(clippy::print_stderr, reason = "a test that cannot run here must not look as if it had")]
fn skipped<T>() -> Option<T> {
    eprintln!("skipped: this needs root, to mount a file system");
    None
}
