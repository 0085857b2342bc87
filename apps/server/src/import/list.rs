//! Reading a list of bookings, line by line.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use csv::{ByteRecord, ReaderBuilder};
use strongroom_model::{BookingId, Digest};

use super::ImportError;
use super::found::Found;
use super::line::{Columns, Line};
use super::report::Remark;
use super::walk::copies_of;
use crate::documents::Documents;
use crate::path::{RelativePath, readable};
use crate::root::{DocumentRoot, EntryKind};

/// The most lines that are taken at once: each one's id is kept, to find those that come twice.
const MAX_LINES: u64 = 1_000_000;
/// The largest list, in bytes: room for so many lines of 500 bytes. A field without an end
/// would otherwise be read into memory whole.
const MAX_LIST_BYTES: u64 = MAX_LINES * 500;
/// How much is looked at to tell commas from semicolons, in bytes.
const PEEK_BYTES: u64 = 4096;

/// A list that is being read.
pub(crate) struct List {
    documents: Documents,
    path: PathBuf,
    /// The list's own folder, and where copies of what lies there go.
    folder: DocumentRoot,
    copies: RelativePath,
    columns: Columns,
    reader: csv::Reader<io::Take<BufReader<File>>>,
    /// On which line an id came first.
    seen: HashMap<BookingId, u64>,
}

/// What was read of a list.
#[derive(Default)]
pub(crate) struct Lines {
    pub(crate) found: Vec<Found>,
    /// The lines whose file is not there: their bookings may be known.
    pub(crate) lost: Vec<Lost>,
    pub(crate) remarks: Vec<Remark>,
}

/// A line whose file is not there.
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
    /// Opens a list and reads its first line.
    pub(crate) fn open(documents: &Documents, path: &Path) -> Result<Self, ImportError> {
        let unreadable = |source| ImportError::Read { path: path.to_owned(), source };
        let too_long = || ImportError::TooLong { path: path.to_owned(), most: MAX_LINES };
        let absolute = path.canonicalize().map_err(unreadable)?;
        let mut file = File::open(&absolute).map_err(unreadable)?;
        if file.metadata().map_err(unreadable)?.len() > MAX_LIST_BYTES {
            return Err(too_long());
        }
        let delimiter = delimiter(&mut file).map_err(unreadable)?;
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .from_reader(BufReader::new(file).take(MAX_LIST_BYTES));
        let mut header = ByteRecord::new();
        let read = reader.read_byte_record(&mut header).map_err(|error| unreadable(io::Error::other(error)))?;
        let bad = |why: String| ImportError::Header { path: path.to_owned(), why };
        if !read {
            return Err(bad("the list is empty".to_owned()));
        }
        let columns = Columns::of(&header).map_err(bad)?;
        let folder = absolute.parent().unwrap_or(Path::new("/"));
        let folder = DocumentRoot::open(folder).map_err(unreadable)?;
        let copies = copies_of(absolute.file_stem().unwrap_or(OsStr::new("list"))).map_err(unreadable)?;
        let (documents, path) = (documents.clone(), path.to_owned());
        Ok(Self { documents, path, folder, copies, columns, reader, seen: HashMap::new() })
    }

    /// The next lines, `most` at most; all is empty at the end.
    pub(crate) fn next(&mut self, most: usize) -> Result<Lines, ImportError> {
        let mut lines = Lines::default();
        let mut record = ByteRecord::new();
        while lines.len() < most {
            let read = self.reader.read_byte_record(&mut record);
            match read
                .map_err(|error| ImportError::Read { path: self.path.clone(), source: io::Error::other(error) })?
            {
                false => break,
                true => self.read(&record, &mut lines),
            }
            if self.seen.len() as u64 > MAX_LINES {
                return Err(ImportError::TooLong { path: self.path.clone(), most: MAX_LINES });
            }
        }
        Ok(lines)
    }

    fn read(&mut self, record: &ByteRecord, lines: &mut Lines) {
        let number = record.position().map_or(0, csv::Position::line);
        let line = match self.columns.line(record, &self.documents.settings().zone) {
            Ok(line) => line,
            Err(why) => return lines.remarks.push(Remark::new(&format!("line {number}"), why)),
        };
        let shown = format!("line {number} ({})", line.id);
        if let Some(first) = self.seen.get(&line.id) {
            let why = format!("its id came on line {first} already: each booking has one line");
            return lines.remarks.push(Remark::new(&shown, why));
        }
        self.seen.insert(line.id.clone(), number);
        match self.find(&line) {
            Ok((root, path, wished, adopt)) => lines.found.push(Found {
                id: Some(line.id),
                filename: line.filename,
                digest: line.digest,
                signed_off_at: Some(line.signed_off_at),
                ..Found::file(shown, root, path, wished, adopt)
            }),
            Err(why) => lines.lost.push(Lost { shown, id: line.id, digest: line.digest, why }),
        }
    }

    /// The file that a line means, and where it is to lie below the document root.
    fn find(&self, line: &Line) -> Result<(DocumentRoot, RelativePath, RelativePath, bool), String> {
        let root = self.documents.root();
        let named = Path::new(OsStr::from_bytes(&line.path));
        let shown = readable(named.as_os_str());
        let places: Vec<PathBuf> = if named.is_absolute() {
            vec![named.to_owned()]
        } else {
            vec![root.path().join(named), self.folder.path().join(named)]
        };
        let mut files = Vec::new();
        for place in places {
            // Both are compared as they are written, so a `..` would lead anywhere.
            let (base, path, adopt) = if let Ok(below) = place.strip_prefix(root.path()) {
                (root, RelativePath::below(below).map_err(|error| format!("{shown}: {error}"))?, true)
            } else if let Ok(below) = place.strip_prefix(self.folder.path()) {
                (&self.folder, RelativePath::below(below).map_err(|error| format!("{shown}: {error}"))?, false)
            } else {
                return Err(format!("{shown} lies neither below the document root nor below the list's folder"));
            };
            if adopt && self.documents.is_ours(&path) {
                return Err(format!("{shown} is the document server's own"));
            }
            let entry = base.entry(&path).map_err(|error| format!("{shown}: {error}"))?;
            files.extend(entry.map(|entry| (entry, base, path, adopt)));
        }
        files.dedup_by_key(|(entry, ..)| entry.file_id);
        match files.as_slice() {
            [] => Err(format!("there is no file {shown}, below the document root or below the list's folder")),
            [(entry, ..)] if entry.kind != EntryKind::File => {
                Err(format!("{shown} is no regular file: folders and symbolic links are not taken"))
            }
            [(_, base, path, true)] => Ok(((*base).clone(), path.clone(), path.clone(), true)),
            [(_, base, path, false)] => {
                let wished = self.copies.join(path).map_err(|error| format!("{shown}: {error}"))?;
                Ok(((*base).clone(), path.clone(), wished, false))
            }
            _ => Err(format!(
                "there is a file {shown} below the document root and another below the list's folder: \
                 write the whole path of the one that is meant"
            )),
        }
    }
}

/// The delimiter of the first line: spreadsheets in many countries write semicolons.
fn delimiter(file: &mut File) -> io::Result<u8> {
    let mut head = Vec::new();
    file.take(PEEK_BYTES).read_to_end(&mut head)?;
    file.rewind()?;
    let first = head.split(|&b| b == b'\n').next().unwrap_or_default();
    Ok(if first.contains(&b';') && !first.contains(&b',') { b';' } else { b',' })
}
