//! cron, anacron and systemd: the same tasks from their files and from what `systemctl` prints.

mod anacron;
mod crontab;
mod named;
mod show;
mod timers;
mod timespan;
mod unit;

pub use self::anacron::{read_anacrontab, read_stamp as read_anacron_stamp};
pub use self::crontab::{CrontabForm, read_crontab};
pub use self::named::{NamedFile, Role, named_files};
pub use self::show::{Shown, read_show};
pub use self::timers::{ListedTimer, read_list_timers};
pub use self::unit::{UnitFile, read_units};

#[cfg(test)]
mod tests;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use crate::problem::Problem;
use crate::task::Origin;
use crate::text::decode;

/// The text of a file and where it comes from. Files of Linux are UTF-8.
fn text_of(file: &str, bytes: &[u8]) -> Result<(String, Origin), Problem> {
    let decoded = decode(bytes, None)?;
    let origin = Origin {
        file: file.to_owned(),
        sha256: HEXLOWER.encode(&Sha256::digest(bytes)),
        encoding: decoded.encoding.to_string(),
    };
    Ok((decoded.text, origin))
}

/// `name = value`, as load_env of cronie reads it: blanks around the sign are optional, quotes around either are dropped.
fn environment(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let unquoted = |text: &'_ str| {
        let quoted = |quote: char| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote)).map(str::len);
        if quoted('"').or(quoted('\'')).is_some() { 1 } else { 0 }
    };
    let (name, value) = (name.trim(), value.trim());
    let (cut_name, cut_value) = (unquoted(name), unquoted(value));
    let name = &name[cut_name..name.len() - cut_name];
    let mut characters = name.chars();
    let first = characters.next()?;
    let is_name =
        (first.is_ascii_alphabetic() || first == '_') && characters.all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then(|| (name, &value[cut_value..value.len() - cut_value]))
}
