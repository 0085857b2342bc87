//! Collections on the target: a BagIt bag (RFC 8493) for each day, `HOST/2026-05-06`, `HOST/2026-05-06-2`, … Nothing
//! that was written is ever changed or deleted.
//!
//! `data/collection/` has the files as they were collected, `data/tables/` the tables made from them,
//! `data/terms.json` what they were judged by.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use jiff::civil::Date;
use sha2::{Digest as _, Sha256};
use strongroom_files::sync::{sync_file, sync_folder};

use super::gathered::Gathered;
use super::terms::{Judged, Terms};

/// The list of digests.
pub(super) const MANIFEST: &str = "manifest-sha256.txt";
/// The digests of what is not data.
pub(super) const TAG_MANIFEST: &str = "tagmanifest-sha256.txt";
/// The collected files.
pub(super) const COLLECTION: &str = "data/collection";
/// The tables.
pub(super) const TABLES: &str = "data/tables";
const TERMS: &str = "data/terms.json";
/// Bags of one host: one a day for 100 years.
const MAX_BAGS: usize = 40_000;

/// A bag on the target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bag {
    /// The day.
    pub date: Date,
    /// Which one of that day, from 1.
    pub number: u32,
    /// Where it is.
    pub path: PathBuf,
}

impl Bag {
    /// By a folder's name.
    fn of(path: PathBuf) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let (date, rest) = (name.get(..10)?.parse().ok()?, name.get(10..)?);
        let number = if rest.is_empty() { 1 } else { rest.strip_prefix('-')?.parse().ok()? };
        is_bag(&path).then_some(Self { date, number, path })
    }

    /// The bags of a host's folder, the oldest first.
    ///
    /// # Errors
    /// If the folder is there and cannot be read.
    pub fn all(host: &Path) -> io::Result<Vec<Self>> {
        let entries = match fs::read_dir(host) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut bags = Vec::new();
        for entry in entries.take(MAX_BAGS) {
            bags.extend(Self::of(entry?.path()));
        }
        bags.sort();
        Ok(bags)
    }

    /// The folder's name.
    #[must_use]
    pub fn name(&self) -> String {
        name(self.date, self.number)
    }
}

fn name(date: Date, number: u32) -> String {
    if number == 1 { date.to_string() } else { format!("{date}-{number}") }
}

/// Whether a folder is a bag of ours.
#[must_use]
pub fn is_bag(folder: &Path) -> bool {
    folder.join("bagit.txt").is_file() && folder.join(TERMS).is_file()
}

/// The folder of a host on the target; its name has nothing that another system could not have in one.
#[must_use]
pub fn host_folder(target: &Path, host: &str) -> PathBuf {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let name: String = host.chars().take(100).map(plain).collect();
    let name = name.trim_start_matches('.');
    target.join(if name.is_empty() { "unknown" } else { name })
}

/// Reads a bag's collection and what it was judged by.
///
/// # Errors
/// If it cannot be read.
pub fn read_bag(bag: &Path) -> io::Result<(Gathered, Terms)> {
    let terms = fs::read(bag.join(TERMS))?;
    let terms = serde_json::from_slice(&terms).map_err(io::Error::other)?;
    Ok((Gathered::of_folder(&bag.join(COLLECTION))?, terms))
}

/// Every file of a bag, by path. `judged` is the collection as `terms` judge it.
pub(super) fn files_of(gathered: &Gathered, terms: &Terms, judged: &Judged, date: Date) -> BTreeMap<String, Vec<u8>> {
    let mut data = BTreeMap::new();
    for (name, bytes) in &gathered.files {
        data.insert(format!("{COLLECTION}/{name}"), bytes.clone());
    }
    for (name, bytes) in judged.tables().files() {
        data.insert(format!("{TABLES}/{name}"), bytes);
    }
    let mut json = serde_json::to_vec_pretty(terms).expect("terms have string keys only");
    json.push(b'\n');
    data.insert(TERMS.to_owned(), json);
    let (bytes, count) = (data.values().map(Vec::len).sum::<usize>(), data.len());
    let version = env!("CARGO_PKG_VERSION");
    let host = strongroom_model::text::printable(judged.host(), 100);
    let info = format!(
        "Bag-Software-Agent: Strongroom {version}\nBagging-Date: {date}\nExternal-Identifier: scheduled tasks of {host}\n\
         Payload-Oxum: {bytes}.{count}\n"
    );
    let mut tags = BTreeMap::from([
        ("bagit.txt".to_owned(), b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n".to_vec()),
        ("bag-info.txt".to_owned(), info.into_bytes()),
        (MANIFEST.to_owned(), digests(&data)),
    ]);
    tags.insert(TAG_MANIFEST.to_owned(), digests(&tags));
    data.extend(tags);
    data
}

fn digests(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut text = String::new();
    for (name, bytes) in files {
        let digest = HEXLOWER.encode(&Sha256::digest(bytes));
        writeln!(text, "{digest}  {}", escaped(name)).expect("a string takes what is written");
    }
    text.into_bytes()
}

/// RFC 8493, section 2.1.3: what would end a line, and the sign of escapes.
fn escaped(name: &str) -> String {
    name.replace('%', "%25").replace('\n', "%0A").replace('\r', "%0D")
}

pub(super) fn unescaped(name: &str) -> String {
    name.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")
}

/// Writes a bag durably, as a whole or not at all.
///
/// # Errors
/// If it cannot be written; then nothing of it stands under its name.
pub(super) fn write(host: &Path, date: Date, number: u32, files: &BTreeMap<String, Vec<u8>>) -> io::Result<PathBuf> {
    let (name, target) = (name(date, number), host.parent().unwrap_or(host));
    fs::create_dir_all(host)?;
    sync_folder(File::open(target)?)?;
    let (new, done) = (host.join(format!(".new-{name}")), host.join(&name));
    // If we stop here or anywhere before the rename, a folder `.new-…` is left, which nobody takes for a bag: the next
    // run begins it anew.
    if new.exists() {
        fs::remove_dir_all(&new)?;
    }
    let mut folders = std::collections::BTreeSet::from([new.clone()]);
    for (name, bytes) in files {
        let path = new.join(name);
        let parent = path.parent().unwrap_or(&new);
        fs::create_dir_all(parent)?;
        folders.extend(parent.ancestors().take_while(|folder| folder.starts_with(&new)).map(Path::to_owned));
        let mut file = File::options().write(true).create_new(true).open(&path)?;
        file.write_all(bytes)?;
        sync_file(&file)?;
    }
    for folder in &folders {
        sync_folder(File::open(folder)?)?;
    }
    // Every byte and every name in it is durable.
    fs::rename(&new, &done)?;
    // If we stop here, the bag may be there after a crash under its name, or under the temporary one: whole either way.
    sync_folder(File::open(host)?)?;
    Ok(done)
}
