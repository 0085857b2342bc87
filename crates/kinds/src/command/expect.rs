//! What a command wrote, compared with what is expected of it.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use data_encoding::HEXLOWER_PERMISSIVE;
use strongroom_files::{Backing, Stat};
use strongroom_model::text::printable;
use strongroom_plugin::Speaker;

use super::settings::Expect;
use crate::progress::Progress;
use crate::proof::{Method, ReadBuffer, hash_past_cache};
use crate::state::{State, median};

/// The end of a file in which its end mark stands.
const END_BYTES: u64 = 4 * 1024;
/// The longest beginning of a format.
const MAX_MAGIC_BYTES: usize = 64;
/// A line of `sha256sum`, with any path.
const MAX_DIGEST_FILE_BYTES: u64 = 8 * 1024;
/// File systems keep times as coarse as two seconds (FAT).
const TIME_TOLERANCE_S: i64 = 2;
/// A name is said in a sentence.
const MAX_NAME_CHARS: usize = 100;

/// The output that was found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) name: String,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) method: Option<Method>,
    pub(crate) has_digest: bool,
    /// What was checked, in words.
    pub(crate) checks: Vec<String>,
}

/// What is not as expected.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) cause: &'static str,
    pub(crate) words: String,
}

fn fault<T>(cause: &'static str, words: impl Into<String>) -> Result<T, Fault> {
    Err(Fault { cause, words: words.into() })
}

/// Looks at the newest file that matches, and reads it to its end.
pub(crate) fn judge(
    expect: &Expect,
    state: &State,
    began_at_s: Option<i64>,
    speaker: &Speaker,
) -> Result<Found, Fault> {
    let Some((path, modified_s)) = newest(&expect.files) else {
        return fault("output-missing", format!("no file matches {}", printable(&expect.files, MAX_NAME_CHARS)));
    };
    let name = printable(&path.file_name().unwrap_or_default().to_string_lossy(), MAX_NAME_CHARS);
    if began_at_s.is_some_and(|began| modified_s < began - TIME_TOLERANCE_S) {
        return fault("output-old", format!("the newest file, {name}, is older than the run"));
    }
    let cannot =
        |error: io::Error| Fault { cause: "output-unreadable", words: format!("{name} cannot be read: {error}") };
    let mut file = File::open(&path).map_err(cannot)?;
    let stat = Stat::of(&file).map_err(cannot)?;
    let mut checks = vec!["newer than the run's start".to_owned()];
    size(expect, state, &name, stat.size, &mut checks)?;
    begins(expect, &mut file, &name, &mut checks).map_err(cannot)??;
    ends(expect, &mut file, &name, stat.size, &mut checks).map_err(cannot)??;
    let progress = Progress::new(speaker, "reading back");
    let go_on = || {
        progress.alive();
        !speaker.cancelled().is_set()
    };
    // Else its pages are dirty, and cannot be read past.
    file.sync_all().map_err(cannot)?;
    let backing = Backing::of(&file).map_err(cannot)?;
    let (digest, method) =
        hash_past_cache(&file, &stat, backing, &mut ReadBuffer::default(), &go_on).map_err(cannot)?;
    if expect.sha256_beside {
        let beside = digest_beside(&path);
        match beside {
            Some(expected) if expected == digest => checks.push("its SHA-256 is the one beside it".to_owned()),
            Some(_) => {
                return fault("digest-differs", format!("{name} does not have the SHA-256 that stands beside it"));
            }
            None => return fault("digest-missing", format!("no SHA-256 stands beside {name}")),
        }
    }
    checks.push("read to its end".to_owned());
    Ok(Found { name, files: 1, bytes: stat.size, method: Some(method), has_digest: expect.sha256_beside, checks })
}

fn size(expect: &Expect, state: &State, name: &str, size: u64, checks: &mut Vec<String>) -> Result<(), Fault> {
    if size == 0 {
        return fault("output-empty", format!("{name} is empty"));
    }
    checks.push("not empty".to_owned());
    let Some(usual) = median(&state.sizes) else { return Ok(()) };
    let percent = u128::from(size) * 100 / u128::from(usual.max(1));
    if percent < u128::from(expect.min_percent) || percent > u128::from(expect.max_percent) {
        return fault(
            "output-size",
            format!("{name} has {percent} % of its usual size ({size} bytes; {usual} are usual)"),
        );
    }
    checks.push(format!("{percent} % of its usual size"));
    Ok(())
}

/// Beginnings of formats: their specifications, and file(1).
pub(crate) fn magic(mark: &str) -> Option<Vec<u8>> {
    Some(match mark {
        "gzip" => vec![0x1f, 0x8b],
        "zip" => b"PK".to_vec(),
        "pdf" => b"%PDF-".to_vec(),
        "zstd" => vec![0x28, 0xb5, 0x2f, 0xfd],
        "xz" => vec![0xfd, b'7', b'z', b'X', b'Z', 0],
        "sqlite" => b"SQLite format 3\0".to_vec(),
        "7z" => vec![b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c],
        "bzip2" => b"BZh".to_vec(),
        "pgdump" => b"PGDMP".to_vec(),
        hex => {
            let bytes = HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).ok()?;
            return (!bytes.is_empty() && bytes.len() <= MAX_MAGIC_BYTES).then_some(bytes);
        }
    })
}

fn begins(expect: &Expect, file: &mut File, name: &str, checks: &mut Vec<String>) -> io::Result<Result<(), Fault>> {
    if expect.begins_with.is_empty() {
        return Ok(Ok(()));
    }
    let mut beginning = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(MAX_MAGIC_BYTES as u64).read_to_end(&mut beginning)?;
    let begins = |mark: &&String| magic(mark).is_some_and(|bytes| beginning.starts_with(&bytes));
    Ok(match expect.begins_with.iter().find(begins) {
        Some(mark) => {
            checks.push(format!("begins as {mark}"));
            Ok(())
        }
        None => fault("output-format", format!("{name} does not begin as {}", expect.begins_with.join(" or "))),
    })
}

fn ends(
    expect: &Expect,
    file: &mut File,
    name: &str,
    size: u64,
    checks: &mut Vec<String>,
) -> io::Result<Result<(), Fault>> {
    let Some(mark) = &expect.ends_with else { return Ok(Ok(())) };
    let mut end = Vec::new();
    file.seek(SeekFrom::Start(size.saturating_sub(END_BYTES)))?;
    file.take(END_BYTES).read_to_end(&mut end)?;
    let has = end.windows(mark.len().max(1)).any(|window| window == mark.as_bytes());
    if !has {
        return Ok(fault("output-incomplete", format!("{name} does not end with {}", printable(mark, 60))));
    }
    checks.push("has its end mark".to_owned());
    Ok(Ok(()))
}

/// `name.sha256`, as `sha256sum` writes it, or the digest alone.
fn digest_beside(path: &Path) -> Option<[u8; 32]> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".sha256");
    let mut text = String::new();
    File::open(beside).ok()?.take(MAX_DIGEST_FILE_BYTES).read_to_string(&mut text).ok()?;
    let hex = text.split_whitespace().next()?.trim_start_matches('\\');
    HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).ok()?.try_into().ok()
}

/// The newest plain file that matches, and when it was written in seconds since 1970.
fn newest(pattern: &str) -> Option<(PathBuf, i64)> {
    let (folder, name) = pattern.rsplit_once('/')?;
    let folder = if folder.is_empty() { "/" } else { folder };
    let files = std::fs::read_dir(folder).ok()?.flatten().filter(|entry| {
        let file_name = entry.file_name();
        !file_name.as_encoded_bytes().ends_with(b".sha256") && matches(name.as_bytes(), file_name.as_encoded_bytes())
    });
    let dated = files.filter_map(|entry| {
        let found = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
        let modified = found.modified().ok()?;
        Some((entry.path(), modified))
    });
    let (path, modified) = dated.max_by_key(|(_, modified)| *modified)?;
    let seconds =
        modified.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX));
    Some((path, seconds))
}

/// `*` is any bytes, `?` is one. In time that grows with the product of both lengths at most.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&byte) if byte == b'?' || byte == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((at, from)) = star else { return false };
                star = Some((at, from + 1));
                p = at + 1;
                n = from + 1;
            }
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_has_stars_and_question_marks() {
        for (pattern, name, fits) in [
            ("*.gz", "a.gz", true),
            ("*.gz", "a.gz.part", false),
            ("d?mp-*-*.sql", "dump-2026-11.sql", true),
            ("*", "", true),
            ("?", "", false),
            ("a*a*a", "aaa", true),
            ("[a]", "a", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), fits, "{pattern} {name}");
        }
        assert!(!matches(&b"a*".repeat(1_000), &[b'a'; 900]));
    }

    #[test]
    fn formats_are_named_or_written_in_hexadecimal() {
        assert_eq!(magic("504B"), Some(b"PK".to_vec()));
        assert_eq!(magic("PK"), None);
        assert_eq!(magic(""), None);
    }
}
