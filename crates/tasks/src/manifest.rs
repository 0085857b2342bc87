//! `manifest.json`, which the collector writes beside the definitions: what the definitions themselves do not contain.
//!
//! Instants are RFC 3339 in UTC, so that neither the host's language nor its zone matters. What the collector could not
//! find out is null; what it could not read is among the errors. Fields that are not known here are left alone.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use serde::{Deserialize, Serialize};

use crate::problem::Problem;
use crate::restore::LinuxRestore;
use crate::text::{CodePage, decode_up_to};

/// The manifest's name in the collection's folder.
pub const MANIFEST_NAME: &str = "manifest.json";
/// What its `format` says.
pub const MANIFEST_FORMAT: &str = "strongroom-tasks/1";
/// The largest manifest that is read, in bytes: some 1,000 bytes for each task, and a machine has a few hundred.
pub const MAX_MANIFEST_BYTES: usize = 32 * 1024 * 1024;

/// What a collector found out about a host and its tasks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Manifest {
    /// [`MANIFEST_FORMAT`].
    pub format: String,
    /// The host's name.
    pub host: Option<String>,
    /// When the collection was made, by the host's clock.
    pub collected_at: Option<Timestamp>,
    /// Who collected, and how.
    pub collector: Collector,
    /// The host's zone.
    pub zone: Zone,
    /// The host's language, `de-DE`.
    pub culture: Option<String>,
    /// Its short date pattern, `dd.MM.yyyy`: for listings that were collected besides.
    pub date_format: Option<String>,
    /// Its OEM code page.
    pub oem_page: Option<u16>,
    /// When it started.
    pub boot_time: Option<Timestamp>,
    /// The version of Windows, `10.0.20348`.
    pub windows: Option<String>,
    /// Who was logged on; null where that was not found out.
    pub logged_on: Option<Vec<String>>,
    /// Folders of tasks, empty ones too, with their security.
    pub folders: Vec<Folder>,
    /// Accounts by their security identifier.
    pub accounts: Vec<Account>,
    /// The tasks.
    pub tasks: Vec<Listed>,
    /// What could not be read.
    pub errors: Vec<CollectError>,
    /// On Linux: owners and permissions of the files, and which timers are switched on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linux: Option<LinuxRestore>,
}

/// Who collected, and how.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Collector {
    /// The script's version.
    pub version: Option<String>,
    /// PowerShell's version.
    pub powershell: Option<String>,
    /// The account.
    pub account: Option<String>,
    /// Whether it had an administrator's rights. Others see only tasks that they may read, without a word.
    pub elevated: Option<bool>,
}

/// A zone in each of the ways that a host can tell it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Zone {
    /// `Europe/Berlin`, where the runtime knows it.
    pub iana: Option<String>,
    /// The rule of this year as POSIX writes it: `STD-1DST,M3.5.0/2,M10.5.0/3`.
    pub posix: Option<String>,
    /// `W. Europe Standard Time`.
    pub windows: Option<String>,
    /// The offset at the moment of the collection.
    pub utc_offset_minutes: Option<i32>,
}

/// A folder of tasks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Folder {
    /// `\OpenData`.
    pub path: String,
    /// Its security descriptor.
    pub sddl: Option<String>,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Account {
    /// `S-1-5-21-…`.
    pub sid: String,
    /// `CORP\jo`.
    pub name: String,
}

/// A task as the scheduler lists it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Listed {
    /// `\OpenData\Nightly`.
    pub path: String,
    /// The file of its definition beneath the collection's folder.
    pub file: Option<String>,
    /// SHA-256 of that file.
    pub sha256: Option<String>,
    /// `ready`, `running`, `queued`, `disabled` or `unknown`.
    pub state: Option<String>,
    /// When it last started; `never`; or null.
    pub last_run: Option<String>,
    /// The last result, signed or unsigned.
    pub last_result: Option<i64>,
    /// When it starts next.
    pub next_run: Option<String>,
    /// How many starts were missed.
    pub missed_runs: Option<u32>,
    /// Its security descriptor.
    pub sddl: Option<String>,
    /// Files that its actions name.
    pub files: Vec<ReferencedFile>,
}

/// A file that an action names.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ReferencedFile {
    /// Its path on the host.
    pub path: String,
    /// Whether it is there; null where that could not be determined.
    pub exists: Option<bool>,
    /// Its size.
    pub size_bytes: Option<u64>,
    /// When it was changed.
    pub modified: Option<Timestamp>,
    /// Its digest.
    pub sha256: Option<String>,
    /// Its copy in the collection.
    pub copy: Option<String>,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CollectError {
    /// The task or folder.
    pub path: String,
    /// The code.
    pub hresult: Option<i64>,
    /// What the host says, in its language.
    pub message: String,
}

/// A code that was written signed or unsigned.
pub(crate) fn code_of(number: i64) -> Option<u32> {
    u32::try_from(number).ok().or_else(|| i32::try_from(number).ok().map(i32::cast_unsigned))
}

impl Manifest {
    /// Reads a manifest, in any encoding that PowerShell writes.
    ///
    /// # Errors
    ///
    /// Not text, not JSON, or of another format.
    pub fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let text = decode_up_to(bytes, None, MAX_MANIFEST_BYTES)?.text;
        let manifest: Self = serde_json::from_str(&text).map_err(|error| Problem::Manifest(error.to_string()))?;
        if manifest.format != MANIFEST_FORMAT {
            let format = strongroom_model::text::printable(&manifest.format, 60);
            return Err(Problem::Manifest(format!("its format is {format:?}, expected {MANIFEST_FORMAT:?}")));
        }
        Ok(manifest)
    }

    /// The host's code page for consoles.
    #[must_use]
    pub fn page(&self) -> Option<CodePage> {
        self.oem_page.and_then(CodePage::new)
    }
}

impl Zone {
    /// The zone, and how it is known. `None`: the manifest names none.
    #[must_use]
    pub fn resolve(&self) -> Option<(TimeZone, String)> {
        let named = self.iana.as_deref().and_then(|name| Some((TimeZone::get(name).ok()?, name.to_owned())));
        let windows = || self.windows.as_deref().unwrap_or("the host's zone").to_owned();
        let ruled = || self.posix.as_deref().and_then(|rule| Some((TimeZone::posix(rule).ok()?, windows())));
        let fixed = || {
            let seconds = self.utc_offset_minutes?.checked_mul(60)?;
            let offset = Offset::from_seconds(seconds).ok()?;
            Some((TimeZone::fixed(offset), format!("{} (fixed offset)", crate::moment::fixed_zone(offset))))
        };
        named.or_else(ruled).or_else(fixed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_read_in_any_encoding_and_what_is_missing_is_unknown() {
        let text = r#"{"format":"strongroom-tasks/1","host":"SRV","later":1,"collector":{"elevated":true}}"#;
        let marked = ["\u{feff}", text].concat();
        let wide: Vec<_> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [text.as_bytes(), marked.as_bytes(), &wide] {
            let found = Manifest::read(bytes).unwrap();
            assert_eq!(
                (found.host.as_deref(), found.collector.elevated, found.boot_time),
                (Some("SRV"), Some(true), None)
            );
        }
        assert!(Manifest::read(b"{\"format\":\"other\"}").unwrap_err().to_string().contains("its format is \"other\""));
        assert!(Manifest::read(b"[").is_err());
    }

    #[test]
    fn a_zone_is_resolved_by_its_best_description() {
        let rule = || Some("STD-1DST,M3.5.0/2,M10.5.0/3".to_owned());
        let named = Zone { iana: Some("Europe/Berlin".to_owned()), posix: rule(), ..Zone::default() };
        assert_eq!(named.resolve().unwrap().1, "Europe/Berlin");
        let windows = Some("W. Europe Standard Time".to_owned());
        let ruled = Zone { iana: Some("Nowhere/X".to_owned()), posix: rule(), windows, utc_offset_minutes: Some(60) };
        let (zone, name) = ruled.resolve().unwrap();
        assert_eq!(name, "W. Europe Standard Time");
        let summer: Timestamp = "2026-07-01T00:00:00Z".parse().unwrap();
        assert_eq!(zone.to_offset(summer).seconds(), 7_200);
        let fixed = Zone { utc_offset_minutes: Some(-210), ..Zone::default() };
        assert_eq!(fixed.resolve().unwrap().1, "UTC-03:30 (fixed offset)");
        assert!(Zone::default().resolve().is_none());
    }
}
