//! Checks that a document root and its records belong together.
//!
//! A new document root gets an id, in `.strongroom/root-id`, and the records keep it. So a server with another's
//! database, or with an empty folder where a disk should be mounted, refuses to start instead of counting every file
//! as lost.

use std::io::{self, Read as _, Write as _};

use strongroom_files::sync;
use strongroom_model::text::printable;
use strongroom_service::blocking;

use crate::documents::OpenError;
use crate::path::RelativePath;
use crate::root::DocumentRoot;
use crate::session::{CONTROL, Session};
use crate::store::{Database, Store};

/// The longest id that is read, in bytes: ours have 36.
const MAX_ID_BYTES: u64 = 100;

/// Compares the document root's id with the recorded one; creates it for a new root.
pub(crate) async fn check(
    store: &Store,
    database: &Database,
    root: &DocumentRoot,
    session: &Session,
) -> Result<(), OpenError> {
    let recorded = store.document_root().await?;
    let (ours, session) = (root.clone(), session.clone());
    let must_be_there = recorded.is_some();
    let found = blocking(move || match read(&ours)? {
        None if !must_be_there => make(&ours, &session).map(Some),
        found => Ok(found),
    });
    let found = found.await.map_err(|source| OpenError::Root { path: root.path().to_owned(), source })?;
    // If we stopped before this, the next start records the id that the root has by now.
    let recorded = match (recorded, &found) {
        (None, Some(found)) => store.set_document_root(found).await?,
        (recorded, _) => recorded.unwrap_or_default(),
    };
    if found.as_ref() == Some(&recorded) {
        return Ok(());
    }
    let database = database.file().map_or_else(|| "in Postgres".to_owned(), |file| format!("in {}", file.display()));
    Err(OpenError::OtherRoot { path: root.path().to_owned(), database, recorded })
}

fn place() -> RelativePath {
    RelativePath::new(format!("{CONTROL}/root-id")).expect("its parts are plain names")
}

fn read(root: &DocumentRoot) -> io::Result<Option<String>> {
    let file = match root.open_file(&place()) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut text = String::new();
    file.take(MAX_ID_BYTES).read_to_string(&mut text)?;
    // A power cut may leave the file empty or full of zero bytes: then there is no id.
    let id = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    Ok((!id.is_empty()).then(|| printable(id, 40)))
}

/// Writes a new id, whole and durable before it has its name; returns the one that is there then.
fn make(root: &DocumentRoot, session: &Session) -> io::Result<String> {
    let temporary = session.temporary();
    let mut file = root.create_file(&temporary)?;
    writeln!(file, "{}", Session::new_id())?;
    sync::sync_file(&file)?;
    if read(root)?.is_none() {
        // A file without an id belongs to nobody: the records have none either. If we stop here, the next start
        // creates one.
        let _ = root.remove_file(&place());
    }
    match root.rename(&temporary, &place()) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => drop(root.remove_file(&temporary)?),
        renamed => renamed?,
    }
    root.sync_folders(&[place().parent()].into())?;
    read(root)?.ok_or_else(|| io::Error::other("the document root's id vanished as soon as it was written"))
}
