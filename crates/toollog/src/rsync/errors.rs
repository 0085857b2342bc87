//! Errors: `rsync: [sender] … "path" …: reason (errno)`.

use data_encoding::BASE64;

use crate::items::Item;

/// An error line that names a path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PathError {
    /// What failed: `change_dir`, `send_files failed to open`, `mkdir` …
    pub(crate) call: String,
    pub(crate) item: Item,
    pub(crate) is_by_sender: bool,
    /// The path was made of a temporary file's, which does not say whether the name begins with a dot.
    pub(crate) is_temporary: bool,
}

/// `rsync: [sender] send_files failed to open "/x": Permission denied (13)`, with the role since 3.2.
pub(crate) fn path_error(line: &str) -> Option<PathError> {
    let text = line.strip_prefix("rsync: ")?;
    let (role, text) = text.strip_prefix('[').and_then(|rest| rest.split_once("] ")).unwrap_or(("", text));
    let is_by_sender = role == "sender";
    let (call, rest) = text.split_once(" \"")?;
    let (path, reason) = rest.rsplit_once('"')?;
    // `rename "/x/.a.T9XKB5" -> "y/a"`: the first path is whole, the second has the name that it was to get.
    let (path, renamed) = path.split_once("\" -> \"").map_or((path, None), |(from, to)| (from, Some(to)));
    let lasting = if names_temporary(call, role) { lasting(path, renamed) } else { None };
    let is_temporary = lasting.is_some() && renamed.is_none();
    let path = lasting.as_deref().unwrap_or(path);
    // "(in module)" stands between path and reason when a daemon speaks.
    let reason = reason.split_once(": ").map_or(reason, |(_, reason)| reason);
    let (reason, code) = match reason.rsplit_once(" (") {
        Some((before, code)) => match code.trim_end_matches(')').parse() {
            Ok(code) => (before, Some(code)),
            Err(_) => (reason, None),
        },
        None => (reason, None),
    };
    Some(PathError { call: call.to_owned(), item: item(path, code, reason), is_by_sender, is_temporary })
}

/// Whether a call is one on the temporary file that the receiver writes beside each file, and renames at the end.
fn names_temporary(call: &str, role: &str) -> bool {
    matches!(call, "mkstemp" | "rename")
        || role == "receiver" && (call.starts_with("failed to set ") || matches!(call, "chown" | "chgrp" | "ftruncate"))
}

/// The path that a temporary file is to get, by what it is renamed to, or by its own name: `.a.T9XKB5` is `a`. It may be
/// `.a` too, for which rsync adds no dot. Of a name that is too long, rsync cuts the end.
fn lasting(path: &str, renamed: Option<&str>) -> Option<String> {
    let (folder, name) = path.rfind('/').map_or(("", path), |at| path.split_at(at + 1));
    if let Some(to) = renamed {
        return Some(format!("{folder}{}", to.rsplit('/').next().unwrap_or(to)));
    }
    let (stem, random) = name.strip_prefix('.')?.rsplit_once('.')?;
    let is_random = random.len() == 6 && random.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_random && !stem.is_empty()).then(|| format!("{folder}{stem}"))
}

/// The same path with a dot before its name.
pub(crate) fn hidden(path: &str) -> String {
    let at = path.rfind('/').map_or(0, |at| at + 1);
    format!("{}.{}", &path[..at], &path[at..])
}

/// `file has vanished: "path"`.
pub(crate) fn vanished(line: &str) -> Option<Item> {
    let path = line.strip_prefix("file has vanished: \"")?;
    let path = path.split_once('"').map_or(path, |(path, _)| path);
    Some(item(path, None, "it vanished while it was being read"))
}

/// An item of a path as rsync prints it: bytes that cannot be shown are `\#ooo`, in octal.
#[must_use]
pub fn item(path: &str, code: Option<i64>, reason: &str) -> Item {
    let bytes = unescape(path);
    let text = String::from_utf8_lossy(&bytes);
    let mut item = Item::new(Some(&text), code, Some(reason));
    if matches!(text, std::borrow::Cow::Owned(_)) {
        item.path_b64 = Some(BASE64.encode(&bytes));
    }
    item
}

/// The bytes of a name, of which rsync escapes some as `\#ooo`.
#[must_use]
pub fn unescape(path: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find("\\#") {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        let digits = rest.as_bytes().get(at + 2..at + 5);
        let byte = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        let taken = match byte {
            Some(byte) => {
                out.push(byte);
                5
            }
            None => {
                out.extend_from_slice(b"\\#");
                2
            }
        };
        rest = &rest[at + taken..];
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

/// `(code N) at main.c(1394) [sender=3.5.0]`: the code, and the version.
pub(crate) fn exit_line(line: &str) -> Option<(i64, Option<&str>)> {
    if !(line.starts_with("rsync error: ") || line.starts_with("rsync warning: ")) {
        return None;
    }
    let (_, rest) = line.rsplit_once("(code ")?;
    let (code, rest) = rest.split_once(')')?;
    let version = rest.rsplit_once('=').map(|(_, version)| version.trim_end().trim_end_matches(']'));
    let is_version = |version: &&str| version.starts_with(|c: char| c.is_ascii_digit()) && version.len() < 24;
    Some((code.parse().ok()?, version.filter(is_version)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_its_code_and_its_reason_are_found() {
        let error =
            path_error("rsync: [sender] send_files failed to open \"/srv/a \"b\".txt\": Permission denied (13)");
        let error = error.expect("it is one");
        assert_eq!(error.call, "send_files failed to open");
        assert_eq!(error.item, Item::new(Some("/srv/a \"b\".txt"), Some(13), Some("Permission denied")));
        assert!(error.is_by_sender);
        let old = path_error("rsync: mkdir \"/x/y\" failed: No such file or directory (2)").expect("it is one");
        assert_eq!((old.call.as_str(), old.item.code), ("mkdir", Some(2)));
    }

    #[test]
    fn a_temporary_file_is_said_by_the_name_that_it_is_to_get() {
        let path = |line: &str| path_error(line).unwrap().item.path.unwrap();
        for call in ["mkstemp", "[receiver] mkstemp", "[receiver] failed to set times on", "[receiver] chown"] {
            let found =
                path_error(&format!("rsync: {call} \"/x/.a.txt.T9XKB5\" failed: Permission denied (13)")).unwrap();
            assert_eq!((found.item.path.as_deref(), found.is_temporary), (Some("/x/a.txt"), true), "{call}");
        }
        let renamed = r#"rsync: [receiver] rename "/x/.b.dTmKe7" -> "x/.b": Operation not permitted (1)"#;
        assert_eq!(path(renamed), "/x/.b");
        // These are names of their own.
        for name in ["/x/.a.backup", "/x/.b.T9XKB5"] {
            assert_eq!(path(&format!("rsync: [sender] send_files failed to open \"{name}\": x (13)")), name);
            assert_eq!(path(&format!("rsync: [generator] failed to set times on \"{name}\": x (1)")), name);
        }
        for name in ["/x/.backup", "/x/..T9XKB5", "/x/a.T9XKB5", "/x/.a.T9XKB"] {
            assert_eq!(path(&format!("rsync: [receiver] mkstemp \"{name}\" failed: x (13)")), name);
        }
    }

    #[test]
    fn a_name_that_is_not_utf_8_is_carried_in_base64() {
        assert_eq!(unescape(r"sub/\#303\#274 \#9x\#"), "sub/ü \\#9x\\#".as_bytes());
        let item = item(r"caf\#351", None, "x");
        assert_eq!(item.path.as_deref(), Some("caf\u{fffd}"));
        assert_eq!(item.path_b64.as_deref(), Some("Y2Fm6Q=="));
        assert_eq!(unescape(r"\#ü"), r"\#ü".as_bytes());
    }

    #[test]
    fn the_last_line_has_the_code_and_the_version() {
        let line = "rsync error: some files/attrs were not transferred (see previous errors) (code 23) at main.c(1394) [sender=3.5.0]";
        assert_eq!(exit_line(line), Some((23, Some("3.5.0"))));
        assert_eq!(exit_line("rsync error: (code x)"), None);
    }
}
