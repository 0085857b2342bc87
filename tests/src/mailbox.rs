//! The mails in a folder.

use std::fs;
use std::path::{Path, PathBuf};

/// A folder of `.eml` files.
#[derive(Debug, Clone)]
pub struct Mailbox {
    folder: PathBuf,
}

#[derive(Debug, Clone)]
pub struct Mail {
    pub file: String,
    pub text: String,
}

impl Mailbox {
    /// The mails in that folder; none where it does not exist.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    pub fn alarms(&self) -> Vec<Mail> {
        self.mails().into_iter().filter(|mail| mail.file.starts_with("alarm.")).collect()
    }

    /// Those about alarms whose subject has that in it.
    pub fn alarms_about(&self, subject: &str) -> Vec<Mail> {
        let is_about = |mail: &Mail| mail.header("Subject").is_some_and(|text| text.contains(subject));
        self.alarms().into_iter().filter(is_about).collect()
    }

    pub fn summaries(&self) -> Vec<Mail> {
        self.mails().into_iter().filter(|mail| mail.file.starts_with("summary-")).collect()
    }

    /// All of them, by their files' names.
    pub fn mails(&self) -> Vec<Mail> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
        let paths = entries.map(|entry| entry.unwrap().path());
        let mut mails: Vec<_> = paths
            .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
            .map(|path| Mail {
                file: path.file_name().unwrap().to_string_lossy().into_owned(),
                text: String::from_utf8_lossy(&fs::read(&path).unwrap()).replace("\r\n", "\n"),
            })
            .collect();
        mails.sort_by(|a, b| a.file.cmp(&b.file));
        mails
    }
}

impl Mail {
    /// The part of that type, out of its quoted-printable form (RFC 2045, section 6.7).
    pub fn part(&self, content_type: &str) -> String {
        let start = format!("\nContent-Type: {content_type}");
        let part = self.text.split(&start).nth(1).unwrap_or_default().split("\n--strongroom").next().unwrap();
        let body = part.split_once("\n\n").map_or("", |(_, body)| body).replace("=\n", "");
        let mut pieces = body.split('=');
        let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
        for piece in pieces {
            let (hex, rest) = piece.split_at(2);
            bytes.push(u8::from_str_radix(hex, 16).unwrap());
            bytes.extend_from_slice(rest.as_bytes());
        }
        String::from_utf8(bytes).unwrap()
    }

    /// A header's value, unfolded; as it stands there, without decoding.
    pub fn header(&self, name: &str) -> Option<String> {
        let head = self.text.split("\n\n").next()?;
        let unfolded = head.replace("\n ", " ").replace("\n\t", " ");
        let prefix = format!("{}:", name.to_ascii_lowercase());
        let line = unfolded.lines().find(|line| line.to_ascii_lowercase().starts_with(&prefix))?;
        Some(line[prefix.len()..].trim().to_owned())
    }
}
