//! The kit's files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;
use strongroom_model::Digest;
use strongroom_model::digest::Algorithm;

/// Two folders that a configuration names.
#[derive(Debug, Clone)]
pub(super) struct Fixture {
    pub(super) source: PathBuf,
    pub(super) target: PathBuf,
}

/// Every file below a folder, with its digest; folders with none.
pub(super) type Tree = BTreeMap<PathBuf, Option<Digest>>;

impl Fixture {
    /// Below `root`, with a few files in the source and an empty target.
    pub(super) fn make(root: &Path) -> io::Result<Self> {
        let fixture = Self { source: root.join("source"), target: root.join("target") };
        fs::create_dir_all(fixture.source.join("folder/deeper"))?;
        fs::create_dir_all(&fixture.target)?;
        fs::write(fixture.source.join("one.txt"), "one\n")?;
        fs::write(fixture.source.join("empty"), "")?;
        fs::write(fixture.source.join("folder/two.txt"), "two\n".repeat(1000))?;
        fs::write(fixture.source.join("folder/deeper/three.bin"), noise(200_000))?;
        Ok(fixture)
    }

    /// The configuration with the folders in place of their placeholders.
    pub(super) fn fill(&self, config: &Value) -> Value {
        match config {
            Value::String(text) => Value::String(
                text.replace("{source}", &self.source.to_string_lossy())
                    .replace("{target}", &self.target.to_string_lossy()),
            ),
            Value::Array(items) => items.iter().map(|item| self.fill(item)).collect(),
            Value::Object(object) => object.iter().map(|(key, value)| (key.clone(), self.fill(value))).collect(),
            other => other.clone(),
        }
    }
}

/// Bytes that no compression makes small, the same each time (xorshift).
pub(super) fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..size).map(|_| next()).collect()
}

/// What is below a folder.
pub(super) fn tree(folder: &Path) -> io::Result<Tree> {
    let (mut tree, mut folders) = (Tree::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let found = path.symlink_metadata()?;
            let digest = found.is_file().then(|| fs::read(&path).map(|bytes| Digest::of(Algorithm::Sha256, &bytes)));
            if found.is_dir() {
                folders.push(path.clone());
            }
            tree.insert(path, digest.transpose()?);
        }
    }
    Ok(tree)
}

/// The largest file below a folder: the one that holds content in any layout.
pub(super) fn largest(folder: &Path) -> io::Result<Option<PathBuf>> {
    let mut sizes = Vec::new();
    for (path, digest) in tree(folder)? {
        if digest.is_some() {
            sizes.push((path.metadata()?.len(), path));
        }
    }
    Ok(sizes.into_iter().filter(|(size, _)| *size > 0).max().map(|(_, path)| path))
}

/// Changes the byte in the middle of a file, and nothing that `ls -l` shows.
pub(super) fn flip(path: &Path) -> io::Result<()> {
    let modified = path.metadata()?.modified()?;
    let mut permissions = path.metadata()?.permissions();
    let was = permissions.clone();
    // A tool may write its files for reading only.
    #[expect(clippy::permissions_set_readonly_false, reason = "the kit's own file, put back below")]
    permissions.set_readonly(false);
    fs::set_permissions(path, permissions)?;
    let mut bytes = fs::read(path)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes)?;
    File::options().write(true).open(path)?.set_modified(modified)?;
    fs::set_permissions(path, was)
}

/// A configuration with its first value replaced by one that no schema expects there.
pub(super) fn spoil(config: &Value) -> Value {
    let wrong = serde_json::json!([{"strongroom": ["wrong type"]}]);
    match config {
        Value::Object(object) if !object.is_empty() => {
            let mut object = object.clone();
            if let Some(first) = object.values_mut().next() {
                *first = wrong;
            }
            Value::Object(object)
        }
        _ => wrong,
    }
}

/// Whether a configuration has a placeholder.
pub(super) fn names(config: &Value, placeholder: &str) -> bool {
    config.to_string().contains(placeholder)
}
