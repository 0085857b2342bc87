//! A bag's manifest (RFC 8493, section 2.1.3), which is also what `sha256sum -c` reads: a
//! line for each proven file, `<sha256 in hexadecimal>  data/<booking>/<filename>`, and one for the text
//! beside the bookings' folders.

use std::collections::BTreeMap;

use strongroom_model::{Algorithm, Digest};

/// The manifest's name in its bag.
pub(crate) const FILE: &str = "manifest-sha256.txt";
/// How large a manifest can be, in bytes: over a million files in one month.
pub(crate) const MAX_BYTES: u64 = 256 << 20;
/// About how long a line is, in bytes.
const LINE_BYTES: usize = 120;

/// The proven files of a bag, and its text, by their path in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    entries: BTreeMap<String, Digest>,
}

impl Manifest {
    /// Reads a manifest. The error says which line is wrong, and how.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is no UTF-8 text".to_owned())?;
        if !text.is_empty() && !text.ends_with('\n') {
            return Err("its last line has no end".to_owned());
        }
        let mut manifest = Self::default();
        for (index, line) in text.lines().enumerate() {
            let (path, sha256) = parse_line(line).ok_or_else(|| format!("line {} is no digest and path", index + 1))?;
            if manifest.entries.insert(path, sha256).is_some() {
                return Err(format!("line {} names a path for the second time", index + 1));
            }
        }
        Ok(manifest)
    }

    /// The lines that can be read of a manifest that is damaged: paths of copies, and their digests. An editor's line
    /// ends and its mark at the beginning are no damage here.
    pub(crate) fn readable_lines(bytes: &[u8]) -> impl Iterator<Item = (String, Digest)> {
        let lines = bytes.split(|&byte| byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
        let plain = |line: &'_ str| parse_line(line.trim_start_matches('\u{feff}').trim_end_matches('\r'));
        lines.filter_map(plain).filter(|(path, _)| !is_text(path))
    }

    /// The manifest as it stands in its file.
    pub(crate) fn render(&self) -> String {
        let mut text = String::with_capacity(self.entries.len() * LINE_BYTES);
        for (path, sha256) in &self.entries {
            text.push_str(&sha256.hex());
            text.push_str("  ");
            text.push_str(path);
            text.push('\n');
        }
        text
    }

    /// Lists a file. `false`: it is listed already, with that digest. The error is the digest that
    /// it is listed with where that is another.
    pub(crate) fn insert(&mut self, path: &str, sha256: &Digest) -> Result<bool, Digest> {
        match self.entries.get(path) {
            Some(listed) if listed == sha256 => Ok(false),
            Some(listed) => Err(listed.clone()),
            None => {
                self.entries.insert(path.to_owned(), sha256.clone());
                Ok(true)
            }
        }
    }

    pub(crate) fn get(&self, path: &str) -> Option<&Digest> {
        self.entries.get(path)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Lists the text that lies beside the bookings' folders under that name, and no other.
    pub(crate) fn set_text(&mut self, name: &str, sha256: &Digest) {
        self.entries.retain(|path, _| !is_text(path));
        self.entries.insert(format!("{}/{name}", crate::place::DATA), sha256.clone());
    }

    /// The text that lies beside the bookings' folders: its path, and its digest.
    pub(crate) fn text(&self) -> Option<(&str, &Digest)> {
        let mut entries = self.entries.iter().map(|(path, sha256)| (path.as_str(), sha256));
        entries.find(|(path, _)| is_text(path))
    }

    /// Whether it lists any booking's file.
    pub(crate) fn lists_copies(&self) -> bool {
        self.entries.keys().any(|path| !is_text(path))
    }

    /// The files listed in a booking's folder: their names there, and their digests.
    pub(crate) fn in_folder(&self, folder: &str) -> impl Iterator<Item = (&str, &Digest)> {
        let prefix = format!("{}/{folder}/", crate::place::DATA);
        self.entries
            .range(prefix.clone()..)
            .map_while(move |(path, sha256)| Some((path.strip_prefix(&prefix)?, sha256)))
    }
}

/// Whether a path is that of a file beside the bookings' folders.
fn is_text(path: &str) -> bool {
    path.split('/').count() == 2
}

fn parse_line(line: &str) -> Option<(String, Digest)> {
    let (hex, path) = line.split_once([' ', '\t'])?;
    let path = path.trim_start_matches([' ', '\t']);
    // sha256sum marks a file read in binary with an asterisk.
    let path = path.strip_prefix('*').unwrap_or(path);
    let sha256: Digest = format!("{}:{hex}", Algorithm::Sha256.name()).parse().ok()?;
    let ours = path.starts_with("data/") && crate::relative::Relative::parse(path).is_some();
    ours.then(|| (path.to_owned(), sha256))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sha256(text: &str) -> Digest {
        Digest::of(Algorithm::Sha256, text.as_bytes())
    }

    #[test]
    fn a_manifest_is_read_as_it_was_written() {
        let mut manifest = Manifest::default();
        for path in ["data/b/x y.pdf", "data/a/1", "data/a=2E/1", "data/a/2"] {
            assert_eq!(manifest.insert(path, &sha256(path)), Ok(true));
        }
        assert_eq!(Manifest::parse(manifest.render().as_bytes()), Ok(manifest.clone()));
        assert_eq!(manifest.render().lines().count(), 4);
        assert_eq!(manifest.in_folder("a").map(|(name, _)| name).collect::<Vec<_>>(), ["1", "2"]);
    }

    #[test]
    fn a_text_beside_the_bookings_folders_is_no_copy() {
        let mut manifest = Manifest::default();
        manifest.set_text("notes.txt", &sha256("older text"));
        manifest.set_text("README.txt", &sha256("text"));
        assert_eq!(manifest.text(), Some(("data/README.txt", &sha256("text"))));
        assert!(!manifest.lists_copies() && !manifest.is_empty());
        assert_eq!(manifest.in_folder("README.txt").count(), 0);
        assert_eq!(Manifest::parse(manifest.render().as_bytes()), Ok(manifest.clone()));
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
        assert_eq!(manifest.render().lines().count(), 1);
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
        assert!(Manifest::parse(b"").unwrap().is_empty());
        for (bytes, part) in [
            (good.as_bytes()[..good.len() - 1].to_vec(), "has no end"),
            (good.as_bytes()[1..].to_vec(), "line 1"),
            (format!("{good}{good}").into_bytes(), "line 2 names a path for the second time"),
            (good.replace("data/a/1", "data/../1").into_bytes(), "line 1"),
            (good.replace("data/a/1", "bagit.txt").into_bytes(), "line 1"),
            (vec![0; 100], "has no end"),
            (vec![0xff], "UTF-8"),
        ] {
            let reason = Manifest::parse(&bytes).unwrap_err();
            assert!(reason.contains(part), "{reason}");
        }
    }
}
