//! The proof of a bag: every digest of its manifests read back, and its tables made again from its collection.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::Path;

use data_encoding::HEXLOWER;
use strongroom_files::{Backing, Stat};
use strongroom_plugin::Speaker;
use strongroom_plugin::protocol::ItemOutcome;

use super::bag::{COLLECTION, MANIFEST, TABLES, TAG_MANIFEST, read_bag, unescaped};
use super::terms::TABLES_VERSION;
use crate::proof::{Entry, Method, ReadBuffer, Walk, hash_past_cache, item};

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Proof {
    pub(super) proven: u64,
    pub(super) bytes: u64,
    pub(super) differ: u64,
    pub(super) missing: u64,
    pub(super) extra: u64,
    pub(super) method: Option<Method>,
    pub(super) is_cancelled: bool,
    /// Tables that come out otherwise than they were written.
    pub(super) tables: Vec<String>,
    pub(super) tasks: usize,
    /// The bag is of a version that made other tables: its digests alone say that they are as they were written.
    pub(super) is_of_other_version: bool,
}

impl Proof {
    pub(super) const fn bad(&self) -> u64 {
        self.differ + self.missing + self.extra + self.tables.len() as u64
    }
}

/// Reads a bag back.
///
/// # Errors
/// If its manifests or its collection cannot be read.
pub(super) fn prove(bag: &Path, speaker: &Speaker) -> io::Result<Proof> {
    let mut proof = Proof::default();
    let mut listed = digests(&bag.join(TAG_MANIFEST))?;
    listed.extend(digests(&bag.join(MANIFEST))?);
    let mut buffer = ReadBuffer::default();
    for (name, digest) in &listed {
        if speaker.cancelled().is_set() {
            proof.is_cancelled = true;
            return Ok(proof);
        }
        match read_back(&bag.join(name), &mut buffer, speaker) {
            Ok((found, size, method)) if found == *digest => {
                proof.proven += 1;
                proof.bytes += size;
                proof.method = proof.method.max(Some(method));
            }
            Ok(_) => {
                proof.differ += 1;
                speaker.item(item(Path::new(name), ItemOutcome::Differs, "has other bytes than its digest says"));
            }
            Err(_) => {
                proof.missing += 1;
                speaker.item(item(Path::new(name), ItemOutcome::Unreadable, "cannot be read back"));
            }
        }
    }
    let known: BTreeSet<_> = listed.keys().map(String::as_str).collect();
    for entry in Walk::new(bag)? {
        let (Entry::File(path) | Entry::Unreadable(path, _)) = entry;
        if path != Path::new(TAG_MANIFEST) && path.to_str().is_none_or(|path| !known.contains(path)) {
            proof.extra += 1;
            speaker.item(item(&path, ItemOutcome::Extra, "is in no manifest of the bag"));
        }
    }
    if proof.bad() == 0 {
        parse_again(bag, &mut proof)?;
    }
    Ok(proof)
}

fn parse_again(bag: &Path, proof: &mut Proof) -> io::Result<()> {
    if !bag.join(COLLECTION).is_dir() {
        return Err(io::Error::other("its collection is missing"));
    }
    let (gathered, terms) = read_bag(bag)?;
    let judged = terms.judge(&gathered);
    proof.tasks = judged.collection.entries.len();
    proof.is_of_other_version = terms.tables_version != TABLES_VERSION;
    if proof.is_of_other_version {
        return Ok(());
    }
    for (name, bytes) in judged.tables().files() {
        if fs::read(bag.join(TABLES).join(name)).ok().as_ref() != Some(&bytes) {
            proof.tables.push(name.to_owned());
        }
    }
    Ok(())
}

fn read_back(path: &Path, buffer: &mut ReadBuffer, speaker: &Speaker) -> io::Result<(String, u64, Method)> {
    let file = File::open(path)?;
    let stat = Stat::of(&file)?;
    let go_on = || !speaker.cancelled().is_set();
    let (digest, method) = hash_past_cache(&file, &stat, Backing::of(&file)?, buffer, &go_on)?;
    Ok((HEXLOWER.encode(&digest), stat.size, method))
}

/// RFC 8493, section 2.1.3. A line that is none, or a path that leaves the bag, makes the bag unreadable.
fn digests(manifest: &Path) -> io::Result<BTreeMap<String, String>> {
    let name = manifest.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let text = fs::read_to_string(manifest)?;
    let entry = |line: &str| {
        let (digest, path) = line.split_once("  ")?;
        let path = unescaped(path);
        let stays = !path.split('/').any(|part| part.is_empty() || part == "." || part == "..");
        (digest.len() == 64 && stays).then(|| (path, digest.to_ascii_lowercase()))
    };
    text.lines()
        .map(|line| {
            entry(line).ok_or_else(|| io::Error::other(format!("{name} has a line that is no digest of a file")))
        })
        .collect()
}
