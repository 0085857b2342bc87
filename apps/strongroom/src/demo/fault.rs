//! The demo's faults: four bookings with which something is really wrong.

use jiff::Timestamp;
use strongroom_model::{Algorithm, Digest};
use strongroom_server::import::ImportReport;
use strongroom_server::{Documents, TransferCut};

use super::bookings::{DemoBooking, age, import_lines, inbox, write};
use super::folder::Folder;
use super::timesheet::{Timesheet, timesheet_of};
use crate::cli_error::{CliError, ErrorContext as _};

const CUT_FILE_BYTES: usize = 1024 * 1024;
const CUT_AFTER_BYTES: usize = 300 * 1024;
const FILE_BYTES: usize = 24 * 1024;
const FIRST_NUMBER: u32 = 200_001;

/// It looks like a path, reads as another name, and holds markup.
const HOSTILE_NAME: &str =
    "../../etc/cron.d/\u{202e}fdp.<script>alert(1)</script>\u{1b}[2J%0d%0aBcc: everyone@example.com";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DemoFault {
    WrongChecksum,
    MissingFile,
    CutTransfer,
    HostileName,
}

impl DemoFault {
    pub(crate) const ALL: [Self; 4] = [Self::WrongChecksum, Self::MissingFile, Self::CutTransfer, Self::HostileName];

    pub(crate) const fn booking(self) -> &'static str {
        match self {
            Self::WrongChecksum => "F-wrong-checksum",
            Self::MissingFile => "F-missing-file",
            Self::CutTransfer => "F-cut-transfer",
            Self::HostileName => "F-hostile-name",
        }
    }

    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::WrongChecksum => "its record holds a digest that its file does not have",
            Self::MissingFile => "its file was deleted on the server",
            Self::CutTransfer => "the connection was cut in the middle of its transfer",
            Self::HostileName => "its name tries to be a path, a script and a mail header",
        }
    }

    pub(crate) fn cut() -> TransferCut {
        TransferCut::of(&Self::CutTransfer.booking().parse().expect("the demo's own ids are ids"), CUT_AFTER_BYTES)
    }

    fn line(self, inbox: &std::path::Path, now: Timestamp) -> Result<DemoBooking, CliError> {
        let number = FIRST_NUMBER + self as u32;
        let bytes = if self == Self::CutTransfer { CUT_FILE_BYTES } else { FILE_BYTES };
        let sheet = Timesheet { filename: format!("{}.pdf", self.booking()), ..timesheet_of(number, bytes) };
        let mut line = write(inbox, self.booking(), sheet, age(now, number))?;
        match self {
            Self::WrongChecksum => line.digest = Some(Digest::of(Algorithm::Sha256, b"another file")),
            Self::HostileName => HOSTILE_NAME.clone_into(&mut line.filename),
            Self::MissingFile | Self::CutTransfer => {}
        }
        Ok(line)
    }
}

/// Puts the four bookings in. Doing it twice changes nothing.
pub(crate) async fn put_in(folder: &Folder, documents: &Documents, now: Timestamp) -> Result<ImportReport, CliError> {
    let inbox = inbox(documents)?;
    let lines: Vec<_> = DemoFault::ALL.into_iter().map(|fault| fault.line(&inbox, now)).collect::<Result<_, _>>()?;
    let report = import_lines(folder, documents, "faults.csv", &lines).await?;
    let missing = inbox.join(format!("{}.pdf", DemoFault::MissingFile.booking()));
    std::fs::remove_file(&missing).context(format!("cannot delete {}", missing.display()))?;
    Ok(report)
}
