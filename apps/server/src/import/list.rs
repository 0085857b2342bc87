//! Reading a list of bookings, line by line.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use strongroom_files::{Call, FileKind, name_of};
use strongroom_model::{BookingId, Digest};
use unicode_normalization::UnicodeNormalization as _;

use super::ImportError;
use super::found::ScannedFile;
use super::line::{ColumnOrder, ImportLine};
use super::physical;
use super::report::Remark;
use super::walk::copies_of;
use crate::disk_error::{self, DiskError};
use crate::documents::Documents;
use crate::path::{RelativePath, readable};
use crate::root::DocumentRoot;

/// Lines of one import: each id is kept, to find duplicates.
const MAX_LINES: u64 = 1_000_000;
/// In bytes: room for so many lines of 500. An endless field would otherwise be read into memory.
const MAX_LIST_BYTES: u64 = MAX_LINES * 500;
/// Spreadsheets in many countries write semicolons.
const DELIMITERS: [u8; 3] = *b",;\t";
/// Bytes that are read to detect the encoding.
const PEEK_BYTES: u64 = 4096;

pub(crate) struct List {
    documents: Documents,
    path: PathBuf,
    /// The list's own folder, and where copies of its files go.
    folder: DocumentRoot,
    copies: RelativePath,
    columns: ColumnOrder,
    delimiter: u8,
    reader: physical::Lines<io::Take<BufReader<File>>>,
    /// The first line of each id.
    seen: HashMap<BookingId, u64>,
}

#[derive(Default)]
pub(crate) struct Lines {
    pub(crate) found: Vec<ScannedFile>,
    /// The lines whose file is missing: their bookings may be known.
    pub(crate) lost: Vec<Lost>,
    pub(crate) remarks: Vec<Remark>,
}

pub(crate) struct Lost {
    pub(crate) shown: String,
    pub(crate) id: BookingId,
    pub(crate) digest: Option<Digest>,
    pub(crate) why: String,
}

impl Lines {
    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty() && self.lost.is_empty() && self.remarks.is_empty()
    }

    fn len(&self) -> usize {
        self.found.len() + self.lost.len() + self.remarks.len()
    }
}

impl List {
    pub(crate) fn open(documents: &Documents, path: &Path) -> Result<Self, ImportError> {
        let unreadable = |source| ImportError::Read { path: path.to_owned(), source };
        let too_long = || ImportError::TooLong { path: path.to_owned(), most: MAX_LINES };
        let absolute = path.canonicalize().map_err(unreadable)?;
        let mut file = File::open(&absolute).map_err(unreadable)?;
        if file.metadata().map_err(unreadable)?.len() > MAX_LIST_BYTES {
            return Err(too_long());
        }
        let bad = |why: String| ImportError::Header { path: path.to_owned(), why };
        skip_byte_order_mark(&mut file).map_err(unreadable)?.map_err(bad)?;
        let mut reader = physical::Lines::new(BufReader::new(file).take(MAX_LIST_BYTES));
        let (columns, delimiter) = header(&mut reader).map_err(unreadable)?.map_err(bad)?;
        let folder = absolute.parent().unwrap_or(Path::new("/"));
        let folder = DocumentRoot::open(folder).map_err(unreadable)?;
        let copies = copies_of(absolute.file_stem().unwrap_or(OsStr::new("list"))).map_err(unreadable)?;
        let (documents, path) = (documents.clone(), path.to_owned());
        Ok(Self { documents, path, folder, copies, columns, delimiter, reader, seen: HashMap::new() })
    }

    /// The next lines, at most `most`; all is empty at the end.
    pub(crate) fn next(&mut self, most: usize) -> Result<Lines, ImportError> {
        let mut lines = Lines::default();
        while lines.len() < most {
            let read = self.reader.next();
            let read = read.map_err(|source| ImportError::Read { path: self.path.clone(), source })?;
            let Some(line) = read else { break };
            if line.number > MAX_LINES {
                return Err(ImportError::TooLong { path: self.path.clone(), most: MAX_LINES });
            }
            if !line.is_blank(self.delimiter) {
                self.read(&line, &mut lines);
            }
        }
        Ok(lines)
    }

    fn read(&mut self, line: &physical::PhysicalLine, lines: &mut Lines) {
        let number = line.number;
        let fields = line.fields(self.delimiter);
        let line = match fields.and_then(|record| self.columns.line(&record, &self.documents.settings().zone)) {
            Ok(line) => line,
            Err(why) => return lines.remarks.push(Remark::new(&format!("line {number}"), why)),
        };
        let shown = format!("line {number} ({})", line.id);
        if let Some(first) = self.seen.get(&line.id) {
            let why = format!("its id is on line {first} already: each booking has one line");
            return lines.remarks.push(Remark::new(&shown, why));
        }
        self.seen.insert(line.id.clone(), number);
        match self.find(&line) {
            Ok((root, path, preferred, adopt)) => lines.found.push(ScannedFile {
                id: Some(line.id),
                filename: line.filename,
                digest: line.digest,
                signed_off_at: Some(line.signed_off_at),
                ..ScannedFile::file(shown, root, path, preferred, adopt)
            }),
            Err(why) => lines.lost.push(Lost { shown, id: line.id, digest: line.digest, why }),
        }
    }

    /// A line's file, and its preferred path below the document root. Blanks around the path are dropped only where
    /// no file has them in its name.
    fn find(&self, line: &ImportLine) -> Result<(DocumentRoot, RelativePath, RelativePath, bool), String> {
        let found = self.find_path(&line.path);
        match line.path.trim_ascii() {
            trimmed if found.is_err() && trimmed.len() < line.path.len() => self.find_path(trimmed).or(found),
            _ => found,
        }
    }

    fn find_path(&self, path: &[u8]) -> Result<(DocumentRoot, RelativePath, RelativePath, bool), String> {
        let root = self.documents.root();
        let named = Path::new(name_of(path));
        let shown = readable(named.as_os_str());
        let places: Vec<PathBuf> = if named.is_absolute() {
            vec![named.to_owned()]
        } else {
            vec![root.path().join(named), self.folder.path().join(named)]
        };
        let mut files = Vec::new();
        for place in places {
            // Both are compared as text, so a `..` would lead anywhere.
            let (base, path, adopt) = if let Ok(below) = place.strip_prefix(root.path()) {
                (root, RelativePath::below(below).map_err(|error| format!("{shown}: {error}"))?, true)
            } else if let Ok(below) = place.strip_prefix(self.folder.path()) {
                (&self.folder, RelativePath::below(below).map_err(|error| format!("{shown}: {error}"))?, false)
            } else {
                return Err(format!("{shown} is neither below the document root nor below the list's folder"));
            };
            if adopt && self.documents.is_ours(&path) {
                return Err(format!("{shown} is the document server's own"));
            }
            let read = |error: DiskError| format!("{shown}: {error}");
            match base.entry(&path).map_err(read)? {
                Some(entry) => files.push((entry, base, path, adopt)),
                None => {
                    // In another normal form: a Mac writes decomposed characters, a list composed ones.
                    let same = written_otherwise(base, &path).map_err(read)?;
                    let entry = same.as_ref().map(|same| base.entry(same)).transpose().map_err(read)?.flatten();
                    files.extend(entry.zip(same).map(|(entry, same)| (entry, base, same, adopt)));
                }
            }
        }
        files.dedup_by_key(|(entry, ..)| entry.id);
        match files.as_slice() {
            [] => Err(format!("there is no file {shown}, below the document root or below the list's folder")),
            [(entry, ..)] if entry.kind != FileKind::File => {
                Err(format!("{shown} is not a regular file: folders and symbolic links are not taken"))
            }
            [(_, base, path, true)] => Ok(((*base).clone(), path.clone(), path.clone(), true)),
            [(_, base, path, false)] => {
                let preferred = self.copies.join(path).map_err(|error| format!("{shown}: {error}"))?;
                Ok(((*base).clone(), path.clone(), preferred, false))
            }
            _ => Err(format!(
                "there is a file {shown} below the document root and another below the list's folder: \
                 write the whole path of the one that is meant"
            )),
        }
    }
}

/// Skips UTF-8's byte order mark; the inner error says why the list is not text.
fn skip_byte_order_mark(file: &mut File) -> io::Result<Result<(), String>> {
    let mut head = Vec::new();
    file.take(PEEK_BYTES).read_to_end(&mut head)?;
    let is_utf8_mark = head.starts_with(b"\xef\xbb\xbf");
    file.seek(io::SeekFrom::Start(if is_utf8_mark { 3 } else { 0 }))?;
    let is_utf16 = head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") || head.contains(&0);
    Ok(if is_utf16 {
        Err("it is not saved as UTF-8 but as UTF-16 or something else with zero bytes: save it as \"CSV UTF-8\""
            .to_owned())
    } else {
        Ok(())
    })
}

/// The columns of the first line and the delimiter: the first of comma, semicolon and tab with which all are known.
/// The inner error says what is wrong. A spreadsheet's line `sep=;` before it is skipped.
fn header(reader: &mut physical::Lines<impl BufRead>) -> io::Result<Result<(ColumnOrder, u8), String>> {
    let Some(mut first) = reader.next()? else { return Ok(Err("the list is empty".to_owned())) };
    if first.bytes.to_ascii_lowercase().starts_with(b"sep=") {
        match reader.next()? {
            Some(second) => first = second,
            None => return Ok(Err("the list is empty after its first line".to_owned())),
        }
    }
    let read = |delimiter| first.fields(delimiter).and_then(|record| ColumnOrder::of(&record));
    let known = DELIMITERS.into_iter().find_map(|delimiter| Some((read(delimiter).ok()?, delimiter)));
    Ok(known.ok_or_else(|| {
        let has = |byte| first.bytes.contains(&byte);
        let likely = DELIMITERS.into_iter().find(|delimiter| has(*delimiter)).unwrap_or(b',');
        read(likely).err().unwrap_or_default()
    }))
}

/// The only file whose path is the same text in another Unicode normal form (UAX #15), part by part.
fn written_otherwise(base: &DocumentRoot, path: &RelativePath) -> disk_error::Result<Option<RelativePath>> {
    let mut found: Option<RelativePath> = None;
    for part in path.parts() {
        let Some(wanted) = part.to_str().map(|part| part.nfc().collect::<String>()) else { return Ok(None) };
        let names = match base.names(found.as_ref()) {
            Ok(names) => names,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let is_same = |name: &&OsString| name.to_str().is_some_and(|name| name.nfc().eq(wanted.chars()));
        let mut same = names.iter().filter(is_same);
        let (Some(name), None) = (same.next(), same.next()) else { return Ok(None) };
        let next = match &found {
            None => RelativePath::new(name.as_encoded_bytes()),
            Some(folder) => folder.child(name),
        };
        found = Some(next.map_err(|error| DiskError::other(Call::List, error.to_string()))?);
    }
    Ok(found)
}
