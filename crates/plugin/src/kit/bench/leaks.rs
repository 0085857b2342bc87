//! Where a secret was seen that should be nowhere.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::host::Redactor;

/// Between two looks at the command lines of all processes.
const LOOK: Duration = Duration::from_millis(5);
/// Of one file in the working directory.
const MAX_FILE_BYTES: u64 = 16 << 20;

fn has(redactor: &Redactor, bytes: &[u8]) -> bool {
    matches!(redactor.bytes(bytes), Cow::Owned(_))
}

pub(super) fn in_bytes(redactor: &Redactor, place: &str, bytes: &[u8]) -> Option<String> {
    has(redactor, bytes).then(|| format!("a secret is in {place}"))
}

pub(super) fn in_folder(redactor: &Redactor, folder: &Path) -> Vec<String> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file()
                && entry.metadata().is_ok_and(|file| file.len() <= MAX_FILE_BYTES)
                && fs::read(&path).is_ok_and(|bytes| has(redactor, &bytes))
            {
                let name = entry.file_name();
                found.push(format!("a secret is in the working directory, in the file {}", name.to_string_lossy()));
            }
        }
    }
    found
}

/// Looks at the command lines of all processes until it is ended. Where there is no `/proc`, it sees none.
pub(super) struct Watch {
    is_over: Arc<AtomicBool>,
    looking: JoinHandle<BTreeSet<String>>,
}

impl Watch {
    pub(super) fn start(redactor: Redactor) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let looking = std::thread::spawn(move || {
            let mut found = BTreeSet::new();
            while !over.load(Ordering::Relaxed) {
                for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
                    let Ok(line) = fs::read(process.path().join("cmdline")) else { continue };
                    if has(&redactor, &line) {
                        let program = line.split(|byte| *byte == 0).next().unwrap_or_default();
                        let program = String::from_utf8_lossy(program).into_owned();
                        found.insert(format!("a secret is on the command line of {program}"));
                    }
                }
                std::thread::sleep(LOOK);
            }
            found
        });
        Self { is_over, looking }
    }

    pub(super) fn end(self) -> Vec<String> {
        self.is_over.store(true, Ordering::Relaxed);
        self.looking.join().map(|found| found.into_iter().collect()).unwrap_or_default()
    }
}
