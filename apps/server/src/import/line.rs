//! One line of a list, as plain values.

use csv::ByteRecord;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use strongroom_model::text::printable;
use strongroom_model::{BookingId, Digest};

use crate::bookings::MAX_FILENAME_BYTES;

/// The columns of a list, in any order; the first three are required.
pub const COLUMNS: [&str; 5] = ["id", "path", "signed_off_at", "digest", "filename"];
/// Required columns.
const NEEDED: usize = 3;

/// Each column's index.
#[derive(Debug, Clone)]
pub(crate) struct ColumnOrder {
    at: [Option<usize>; COLUMNS.len()],
    /// Columns that the first line names. Empty ones without a name may follow.
    named: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImportLine {
    pub(crate) id: BookingId,
    /// Bytes, since a file's name need not be text.
    pub(crate) path: Vec<u8>,
    pub(crate) signed_off_at: Timestamp,
    pub(crate) digest: Option<Digest>,
    pub(crate) filename: Option<String>,
}

impl ColumnOrder {
    pub(crate) fn of(header: &ByteRecord) -> Result<Self, String> {
        let mut columns = [None; COLUMNS.len()];
        let is_named = |field: &[u8]| !field.trim_ascii().is_empty();
        let named = header.iter().rposition(is_named).map_or(0, |last| last + 1);
        for (index, field) in header.iter().take(named).enumerate() {
            let name = String::from_utf8_lossy(field).trim().to_ascii_lowercase();
            let Some(known) = COLUMNS.iter().position(|column| *column == name) else {
                return Err(format!("it has the unknown column {:?}", printable(&name, 40)));
            };
            if columns[known].replace(index).is_some() {
                return Err(format!("it names the column {name} twice"));
            }
        }
        match COLUMNS.iter().zip(columns).take(NEEDED).find(|(_, index)| index.is_none()) {
            Some((missing, _)) => Err(format!("it lacks the column {missing}")),
            None => Ok(Self { at: columns, named }),
        }
    }

    pub(crate) fn line(&self, record: &ByteRecord, zone: &TimeZone) -> Result<ImportLine, String> {
        let fields = record.iter().rposition(|field| !field.trim_ascii().is_empty()).map_or(0, |last| last + 1);
        if record.len() < self.named || fields > self.named {
            return Err(format!("it has {} fields, and the first line names {}", record.len(), self.named));
        }
        let id =
            self.needed(record, 0)?.parse().map_err(|error: strongroom_model::id::ParseIdError| error.to_string())?;
        let path = self.bytes(record, 1).to_vec();
        if path.trim_ascii().is_empty() {
            return Err("its path is empty".to_owned());
        }
        let signed_off_at = time(self.needed(record, 2)?, zone)?;
        let digest = match self.text(record, 3)? {
            "" => None,
            text => Some(text.parse().map_err(|error: strongroom_model::digest::ParseDigestError| error.to_string())?),
        };
        let filename = match self.text(record, 4)? {
            "" => None,
            name if name.len() > MAX_FILENAME_BYTES => {
                return Err(format!("its filename is longer than {MAX_FILENAME_BYTES} bytes"));
            }
            name => Some(name.to_owned()),
        };
        Ok(ImportLine { id, path, signed_off_at, digest, filename })
    }

    fn bytes<'a>(&self, record: &'a ByteRecord, column: usize) -> &'a [u8] {
        self.at[column].and_then(|index| record.get(index)).unwrap_or_default()
    }

    fn text<'a>(&self, record: &'a ByteRecord, column: usize) -> Result<&'a str, String> {
        let text = std::str::from_utf8(self.bytes(record, column));
        text.map(str::trim).map_err(|_| format!("its {} is not UTF-8: save the list as UTF-8", COLUMNS[column]))
    }

    fn needed<'a>(&self, record: &'a ByteRecord, column: usize) -> Result<&'a str, String> {
        match self.text(record, column)? {
            "" => Err(format!("its {} is empty", COLUMNS[column])),
            text => Ok(text),
        }
    }
}

/// A time with its offset, or a local time or date in that zone.
fn time(text: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time));
    }
    let local = text.parse::<DateTime>().ok().and_then(|local| local.to_zoned(zone.clone()).ok());
    let local = local.map(|zoned| zoned.timestamp());
    local.ok_or_else(|| {
        let text = printable(text, 40);
        format!("{text:?} is not a time: write it as 2026-11-20T14:30:00+01:00, or a date only as 2026-11-20")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(fields: &[&str]) -> ByteRecord {
        ByteRecord::from(fields.to_vec())
    }

    fn line(fields: &[&str]) -> Result<ImportLine, String> {
        let columns = ColumnOrder::of(&record(&COLUMNS)).unwrap();
        columns.line(&record(fields), &TimeZone::get("Europe/Berlin").unwrap())
    }

    #[test]
    fn the_first_line_names_the_columns_in_any_order() {
        let columns = ColumnOrder::of(&record(&["Path", " signed_off_at", "id"])).unwrap();
        let line = columns.line(&record(&["a.pdf", "2026-11-20T00:00:00Z", "B-1"]), &TimeZone::UTC).unwrap();
        assert_eq!((line.id.as_str(), line.path.as_slice()), ("B-1", b"a.pdf".as_slice()));
        for (header, why) in [
            (&["id", "path"][..], "lacks the column signed_off_at"),
            (&["id", "path", "signed_off_at", "digests"], "unknown column \"digests\""),
            (&["id", "id", "path", "signed_off_at"], "the column id twice"),
        ] {
            assert!(ColumnOrder::of(&record(header)).unwrap_err().contains(why), "{header:?}");
        }
    }

    #[test]
    fn a_time_without_an_offset_is_the_servers() {
        for (text, utc) in [
            ("2026-11-20T14:30:00+01:00", "2026-11-20T13:30:00Z"),
            ("2026-11-20T14:30:00.1234567Z", "2026-11-20T14:30:00.123456Z"),
            ("2026-11-20T14:30:00", "2026-11-20T13:30:00Z"),
            ("2026-11-20 14:30", "2026-11-20T13:30:00Z"),
            ("2026-07-20", "2026-07-19T22:00:00Z"),
        ] {
            let line = line(&["B-1", "a", text, "", ""]).unwrap();
            assert_eq!(line.signed_off_at.to_string(), utc, "{text}");
        }
    }

    #[test]
    fn a_bad_field_is_named() {
        for (fields, why) in [
            (["", "a", "2026-11-20", "", ""], "id is empty"),
            (["../x", "a", "2026-11-20", "", ""], "is not a booking id"),
            (["B-1", "", "2026-11-20", "", ""], "path is empty"),
            (["B-1", "a", "", "", ""], "signed_off_at is empty"),
            (["B-1", "a", "20.11.2026", "", ""], "is not a time"),
            (["B-1", "a", "2026-02-30", "", ""], "is not a time"),
            (["B-1", "a", "2026-11-20", "crc32:00", ""], "unknown digest algorithm"),
            (["B-1", "a", "2026-11-20", "sha256:00", ""], "64 hexadecimal digits"),
        ] {
            let error = line(&fields).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        assert!(line(&["B-1", "a"]).unwrap_err().contains("2 fields, and the first line names 5"));
    }
}
