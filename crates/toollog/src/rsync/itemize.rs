//! Itemized changes: `>f.st...... path`; rsync(1), `--itemize-changes`.

/// What an itemized line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Itemized<'a> {
    /// What was done.
    pub change: Change,
    /// The path as printed, with `-> target` for links.
    pub path: &'a str,
}

/// What was done to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A file's content was sent or received.
    Transfer,
    /// A folder, a link or a special file was created or changed.
    Create,
    /// Attributes alone.
    Attributes,
    /// Nothing: it is listed since `-ii` or `-vv` was given.
    None,
    /// Deleted from the target.
    Delete,
}

/// Flags after the two letters: 7 in rsync 2.6.9, 9 in 3.x.
const WIDTHS: [usize; 3] = [9, 10, 11];

/// Reads a line of `-i` or `--out-format=%i %n%L`.
#[must_use]
pub fn itemized(line: &str) -> Option<Itemized<'_>> {
    if let Some(path) = line.strip_prefix("*deleting ") {
        return Some(Itemized { change: Change::Delete, path: path.trim_start() });
    }
    let bytes = line.as_bytes();
    let (&done, &kind) = (bytes.first()?, bytes.get(1)?);
    if !matches!(done, b'<' | b'>' | b'c' | b'h' | b'.') || !matches!(kind, b'f' | b'd' | b'L' | b'D' | b'S') {
        return None;
    }
    let width = WIDTHS.into_iter().find(|&width| bytes.get(width) == Some(&b' ') && is_flags(&bytes[2..width]))?;
    let path = line.get(width + 1..).filter(|path| !path.is_empty())?;
    let is_unchanged = bytes[2..width].iter().all(|&flag| matches!(flag, b'.' | b' '));
    let change = match done {
        b'<' | b'>' => Change::Transfer,
        b'c' | b'h' => Change::Create,
        _ if is_unchanged => Change::None,
        _ => Change::Attributes,
    };
    Some(Itemized { change, path })
}

/// `cstpoguax` in their places, each a letter, `.`, `+`, `?` or a blank; openrsync leaves blanks at the end.
fn is_flags(flags: &[u8]) -> bool {
    let places: [&[u8]; 9] = [b"c", b"s", b"tT", b"p", b"o", b"g", b"unbz", b"a", b"x"];
    let fits = |(flag, place): (&u8, &&[u8])| matches!(flag, b'.' | b'+' | b'?' | b' ') || place.contains(flag);
    // A name such as `.dockerignore` has a letter out of place; a name of dots alone is not worth a rule.
    flags.len() <= places.len() && flags.iter().zip(&places).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<(Change, &str)> {
        itemized(line).map(|item| (item.change, item.path))
    }

    #[test]
    fn three_widths_of_flags_are_read() {
        assert_eq!(read(">f+++++++++ a b.txt"), Some((Change::Transfer, "a b.txt")));
        assert_eq!(read(">f.st...... a.txt"), Some((Change::Transfer, "a.txt")));
        assert_eq!(read(">f+++++++ a.txt"), Some((Change::Transfer, "a.txt")));
        assert_eq!(read(".d..t.... ./"), Some((Change::Attributes, "./")));
        assert_eq!(read(".f        folder/a.txt"), Some((Change::None, "folder/a.txt")));
        assert_eq!(read("cL+++++++++ dangling -> nowhere"), Some((Change::Create, "dangling -> nowhere")));
        assert_eq!(read(".f....og..x some/file"), Some((Change::Attributes, "some/file")));
        assert_eq!(read("*deleting   extra.txt"), Some((Change::Delete, "extra.txt")));
    }

    #[test]
    fn names_are_not_taken_for_flags() {
        for name in [
            "cd-collection list.txt",
            ".dockerignore",
            ".f",
            "hfile of names",
            "",
            ">f+++++++++",
            "sub/x",
            "cdrom backup a",
        ] {
            assert_eq!(read(name), None, "{name}");
        }
    }
}
