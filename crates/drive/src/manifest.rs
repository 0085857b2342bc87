//! A bag's manifest (RFC 8493, section 2.1.3), in the form that `sha256sum -c` reads: a digest and
//! `data/<booking>/<filename>` for each proven file, and a line for the bag's text.

mod copies;

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read as _, Write};

use strongroom_model::{Algorithm, Digest};

use self::copies::Copies;
use crate::place::DATA;

pub(crate) const FILE: &str = "manifest-sha256.txt";
/// Over a million files in one month.
pub(crate) const MAX_BYTES: u64 = 256 << 20;
/// A digest and Linux's longest path.
pub(crate) const MAX_LINE_BYTES: u64 = 4096 + 128;

/// Digests by path in the bag.
#[derive(Debug, Default)]
pub(crate) struct Manifest {
    /// Files beside the bookings' folders.
    texts: BTreeMap<String, Digest>,
    copies: Copies,
}

impl Manifest {
    /// The error names the line.
    pub(crate) fn read(mut from: impl BufRead) -> Result<Self, String> {
        let mut manifest = Self::default();
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let read = from.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line);
            if read.map_err(|error| error.to_string())? == 0 {
                break;
            }
            let text = std::str::from_utf8(&line).map_err(|_| "it is not UTF-8 text".to_owned())?;
            let bad = || format!("line {number} is not a digest and path");
            let Some(text) = text.strip_suffix('\n') else {
                let is_last = from.fill_buf().is_ok_and(<[u8]>::is_empty);
                return Err(if is_last { "its last line has no end".to_owned() } else { bad() });
            };
            let (path, sha256) = parse_line(text.strip_suffix('\r').unwrap_or(text)).ok_or_else(bad)?;
            if manifest.get(path).is_some() {
                return Err(format!("line {number} names a path for the second time"));
            }
            manifest.add(path, &sha256);
        }
        Ok(manifest)
    }

    /// The copies' lines of a damaged manifest. An editor's line ends and byte order mark are accepted.
    pub(crate) fn readable_lines(bytes: &[u8]) -> impl Iterator<Item = (String, Digest)> {
        let lines = bytes.split(|&byte| byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
        let plain = |line: &'_ str| {
            let (path, sha256) = parse_line(line.trim_start_matches('\u{feff}').trim_end_matches('\r'))?;
            Some((path.to_owned(), sha256))
        };
        lines.filter_map(plain).filter(|(path, _)| !is_text(path))
    }

    /// Writes it sorted by path.
    pub(crate) fn write_to(&self, mut out: impl Write) -> io::Result<()> {
        let (mut line, mut texts) = (Vec::new(), self.texts.iter().peekable());
        let mut write = |path: &str, sha256: &Digest| {
            line.clear();
            push_line(&mut line, path, sha256);
            out.write_all(&line)
        };
        for (path, sha256) in self.copies.in_order() {
            while let Some((text, sha256)) = texts.next_if(|(text, _)| text.as_str() < path) {
                write(text, sha256)?;
            }
            write(path, &sha256)?;
        }
        texts.try_for_each(|(text, sha256)| write(text, sha256))
    }

    /// `false` if it is listed already; the error is another listed digest.
    pub(crate) fn insert(&mut self, path: &str, sha256: &Digest) -> Result<bool, Digest> {
        match self.get(path) {
            Some(listed) if listed == *sha256 => Ok(false),
            Some(listed) => Err(listed),
            None => {
                self.add(path, sha256);
                Ok(true)
            }
        }
    }

    /// The error is a path with another digest here.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), String> {
        let texts = other.texts.iter().map(|(path, sha256)| (path.as_str(), sha256.clone()));
        for (path, sha256) in texts.chain(other.copies.iter()) {
            self.insert(path, &sha256).map_err(|_| path.to_owned())?;
        }
        Ok(())
    }

    pub(crate) fn get(&self, path: &str) -> Option<Digest> {
        if is_text(path) { self.texts.get(path).cloned() } else { self.copies.get(path) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.copies.is_empty()
    }

    /// Replaces the text's line.
    pub(crate) fn set_text(&mut self, name: &str, sha256: &Digest) {
        self.texts = BTreeMap::from([(format!("{DATA}/{name}"), sha256.clone())]);
    }

    /// The text's path and digest.
    pub(crate) fn text(&self) -> Option<(&str, &Digest)> {
        self.texts().next()
    }

    /// All lines beside the copies'.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &Digest)> {
        self.texts.iter().map(|(path, sha256)| (path.as_str(), sha256))
    }

    /// The copies, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Digest)> {
        self.copies.iter()
    }

    /// The copies, sorted by path.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = (&str, Digest)> {
        self.copies.in_order()
    }

    pub(crate) fn lists_copies(&self) -> bool {
        !self.copies.is_empty()
    }

    pub(crate) fn in_folder<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a str, Digest)> {
        self.copies.in_folder(folder)
    }

    fn add(&mut self, path: &str, sha256: &Digest) {
        if is_text(path) {
            self.texts.insert(path.to_owned(), sha256.clone());
        } else {
            self.copies.add(path, sha256);
        }
    }
}

fn is_text(path: &str) -> bool {
    path.split('/').count() == 2
}

pub(crate) fn push_line(out: &mut Vec<u8>, path: &str, sha256: &Digest) {
    out.extend_from_slice(sha256.hex().as_bytes());
    out.extend_from_slice(b"  ");
    out.extend_from_slice(path.as_bytes());
    out.push(b'\n');
}

/// Path and digest.
pub(crate) fn parse_line(line: &str) -> Option<(&str, Digest)> {
    let (hex, path) = line.split_once([' ', '\t'])?;
    let path = path.trim_start_matches([' ', '\t']);
    // `sha256sum` marks files read in binary mode.
    let path = path.strip_prefix('*').unwrap_or(path);
    let sha256: Digest = format!("{}:{hex}", Algorithm::Sha256.name()).parse().ok()?;
    let ours = path.starts_with("data/") && crate::relative::Relative::parse(path).is_some();
    ours.then_some((path, sha256))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sha256(text: &str) -> Digest {
        Digest::of(Algorithm::Sha256, text.as_bytes())
    }

    fn rendered(manifest: &Manifest) -> String {
        let mut text = Vec::new();
        manifest.write_to(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn a_manifest_is_read_as_it_was_written() {
        let mut manifest = Manifest::default();
        for path in ["data/b/x y.pdf", "data/a/1", "data/a=2E/1", "data/a/2"] {
            assert_eq!(manifest.insert(path, &sha256(path)), Ok(true));
        }
        let text = rendered(&manifest);
        assert_eq!(rendered(&Manifest::read(text.as_bytes()).unwrap()), text);
        assert_eq!(rendered(&manifest).lines().count(), 4);
        let mut names: Vec<_> = manifest.in_folder("a").map(|(name, _)| name).collect();
        names.sort_unstable();
        assert_eq!(names, ["1", "2"]);
    }

    #[test]
    fn a_text_beside_the_bookings_folders_is_no_copy() {
        let mut manifest = Manifest::default();
        manifest.set_text("notes.txt", &sha256("older text"));
        manifest.set_text("README.txt", &sha256("text"));
        assert_eq!(manifest.text(), Some(("data/README.txt", &sha256("text"))));
        assert!(!manifest.lists_copies() && !manifest.is_empty());
        assert_eq!(manifest.in_folder("README.txt").count(), 0);
        let text = rendered(&manifest);
        assert_eq!(rendered(&Manifest::read(text.as_bytes()).unwrap()), text);
        assert_eq!(manifest.insert("data/a/1", &sha256("1")), Ok(true));
        assert!(manifest.lists_copies());
        assert_eq!(Manifest::default().text(), None);
    }

    #[test]
    fn a_file_is_listed_once() {
        let mut manifest = Manifest::default();
        assert_eq!(manifest.insert("data/a/1", &sha256("1")), Ok(true));
        assert_eq!(manifest.insert("data/a/1", &sha256("1")), Ok(false));
        assert_eq!(manifest.insert("data/a/1", &sha256("2")), Err(sha256("1")));
        assert_eq!(rendered(&manifest).lines().count(), 1);
    }

    #[test]
    fn of_a_damaged_manifest_every_whole_line_can_still_be_read() {
        let line = |n: u8| format!("{}  data/B-{n}/x\n", sha256(&n.to_string()).hex());
        let good = format!("{}{}{}", line(1), line(2), line(3));
        let second = line(1).len();
        let read = |bytes: &[u8]| {
            let lines = Manifest::readable_lines(bytes);
            lines.map(|(path, digest)| (path[7..8].to_owned(), digest)).collect::<Vec<_>>()
        };
        let listed = |numbers: &[u8]| {
            let listed = numbers.iter().map(|n| (n.to_string(), sha256(&n.to_string())));
            listed.collect::<Vec<_>>()
        };
        let changed =
            |at: usize, bytes: &[u8]| [&good.as_bytes()[..at], bytes, &good.as_bytes()[at + bytes.len()..]].concat();
        assert_eq!(read(good.as_bytes()), listed(&[1, 2, 3]));
        assert_eq!(read(&good.as_bytes()[..good.len() - 1]), listed(&[1, 2, 3]), "the end of the last line is missing");
        assert_eq!(read(&good.as_bytes()[second..good.len() - 4]).first(), listed(&[2]).first());
        assert_eq!(read(&changed(second + 3, b"?")), listed(&[1, 3]), "no digest any more");
        assert_eq!(read(&changed(second + 70, &[0xff])), listed(&[1, 3]), "no text");
        assert_eq!(read(&changed(second + 60, &[0; 10])), listed(&[1, 3]), "a hole");
        assert_eq!(read(format!("{good}{}", line(2)).as_bytes()), listed(&[1, 2, 3, 2]), "a path stands there twice");
        assert_eq!(read(format!("\u{feff}{}", good.replace('\n', "\r\n")).as_bytes()), listed(&[1, 2, 3]));
        let outside = good.replace("data/B-2/x", "data/../etc").replace("data/B-3/x", "data/README.txt");
        assert_eq!(read(outside.as_bytes()), listed(&[1]), "no path of a copy");
    }

    #[test]
    fn a_damaged_manifest_is_told_from_a_whole_one() {
        let good = format!("{}  data/a/1\n", sha256("1").hex());
        assert!(Manifest::read(&b""[..]).unwrap().is_empty());
        for (bytes, part) in [
            (good.as_bytes()[..good.len() - 1].to_vec(), "has no end"),
            (good.as_bytes()[1..].to_vec(), "line 1"),
            (format!("{good}{good}").into_bytes(), "line 2 names a path for the second time"),
            (good.replace("data/a/1", "data/../1").into_bytes(), "line 1"),
            (good.replace("data/a/1", "bagit.txt").into_bytes(), "line 1"),
            (vec![0; 100], "has no end"),
            (vec![b'a'; 10_000], "line 1"),
            (vec![0xff], "UTF-8"),
        ] {
            let reason = Manifest::read(&bytes[..]).unwrap_err();
            assert!(reason.contains(part), "{reason}");
        }
    }
}
