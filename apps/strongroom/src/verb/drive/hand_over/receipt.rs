//! The receipt for a drive: a page to print and sign.

use std::fmt::Write as _;

use askama::Template;
use jiff::Timestamp;
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use strongroom_model::text::{grouped, printable};
use strongroom_model::{Algorithm, ByteCount, Digest, DriveId};

use crate::cli_error::{CliError, ErrorContext as _};

const NAME_CHARS: usize = 40;
const CODE_PIXELS: u32 = 200;

/// What is handed over.
#[derive(Debug)]
pub(super) struct Receipt {
    pub(super) site: String,
    pub(super) drive: DriveId,
    pub(super) label: String,
    pub(super) to: String,
    pub(super) place: String,
    pub(super) at: Timestamp,
    pub(super) files: u64,
    pub(super) bytes: ByteCount,
    /// The oldest of the newest proofs of its copies.
    pub(super) oldest: Option<Timestamp>,
    /// The log's checkpoint then, as it is signed.
    pub(super) checkpoint: String,
}

#[derive(Template)]
#[template(path = "receipt.html")]
struct Page<'a> {
    receipt: &'a Receipt,
    statement: &'a str,
    sha256: &'a str,
    code: &'a str,
}

impl Receipt {
    /// The text that the digest is of.
    fn statement(&self) -> String {
        let mut text = String::new();
        let oldest = self.oldest.map_or_else(|| "none".to_owned(), |at| at.strftime("%Y-%m-%d").to_string());
        for (what, value) in [
            ("site", printable(&self.site, NAME_CHARS * 2)),
            ("drive", self.drive.to_string()),
            ("label", printable(&self.label, NAME_CHARS * 2)),
            ("to", self.to.clone()),
            ("place", self.place.clone()),
            ("at", self.at.strftime("%Y-%m-%d %H:%M UTC").to_string()),
            ("files", grouped(self.files)),
            ("bytes", grouped(self.bytes.0)),
            ("oldest proof", oldest),
        ] {
            let _ = writeln!(text, "{what}: {value}");
        }
        let _ = writeln!(text, "checkpoint:\n{}", self.checkpoint.trim_end());
        text
    }

    fn files_shown(&self) -> String {
        grouped(self.files)
    }

    /// SHA-256 of the statement, in hexadecimal.
    pub(super) fn sha256(&self) -> String {
        Digest::of(Algorithm::Sha256, self.statement().as_bytes()).hex()
    }

    pub(super) fn file_name(&self) -> String {
        let plain: String = self
            .label
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
            .take(NAME_CHARS)
            .collect();
        let plain = plain.trim_matches('-');
        let label = if plain.is_empty() { "drive" } else { plain };
        format!("receipt-{label}-{}.html", self.at.strftime("%Y-%m-%d"))
    }

    pub(super) fn html(&self) -> Result<String, CliError> {
        let sha256 = self.sha256();
        let code = QrCode::with_error_correction_level(format!("sha256:{sha256}"), EcLevel::M)
            .map_err(|error| CliError::new(format!("the receipt's code cannot be drawn: {error}")))?;
        let code = code
            .render::<svg::Color<'_>>()
            .min_dimensions(CODE_PIXELS, CODE_PIXELS)
            .dark_color(svg::Color("#000000"))
            .light_color(svg::Color("#ffffff"))
            .build();
        // Without its XML declaration it may stand in a page.
        let code = code.split_once("?>").map_or(code.as_str(), |(_, svg)| svg);
        let page = Page { receipt: self, statement: &self.statement(), sha256: &sha256, code };
        page.render().context("the receipt cannot be rendered")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt() -> Receipt {
        Receipt {
            site: "harbour".to_owned(),
            drive: "0197c1f0-7c1e-4d3a-9b7e-2f1f0c5d8ad1".parse().unwrap(),
            label: "Blue <1>".to_owned(),
            to: "M. Okafor & Co".to_owned(),
            place: "the client's safe".to_owned(),
            at: "2026-11-28T10:00:00Z".parse().unwrap(),
            files: 12_431,
            bytes: ByteCount(412_000_000),
            oldest: Some("2026-11-20T23:00:00Z".parse().unwrap()),
            checkpoint: "strongroom/harbour\n90\nuU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=\n".to_owned(),
        }
    }

    #[test]
    fn a_receipt_names_what_is_handed_over_and_escapes_it() {
        let receipt = receipt();
        assert_eq!(receipt.file_name(), "receipt-blue--1-2026-11-28.html");
        let html = receipt.html().unwrap();
        for text in ["12,431", "M. Okafor &#38; Co", "Blue &#60;1&#62;", "<svg", &receipt.sha256()] {
            assert!(html.contains(text), "{text} is missing in {html}");
        }
        assert!(!html.contains("<1>") && !html.contains("http://") || html.contains("www.w3.org"), "{html}");
        let changed = Receipt { files: 12_432, ..self::receipt() };
        assert_ne!(changed.sha256(), receipt.sha256());
    }
}
