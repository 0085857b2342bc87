//! A log's size and root.

use std::str::FromStr;

use data_encoding::BASE64;
use strongroom_model::text::printable;

use crate::merkle::Hash;

/// A log's size and root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The number of events: the next position.
    pub size: u64,
    /// RFC 6962's root over them.
    pub root: Hash,
}

impl Head {
    /// The root in base64 (RFC 4648, section 4), as in a checkpoint.
    #[must_use]
    pub fn root_base64(&self) -> String {
        BASE64.encode(&self.root)
    }
}

/// A text that is not a size and root.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a size and root of a log: write SIZE:ROOT, the root in base64 as a summary mail or `strongroom status` shows it"
)]
pub struct ParseHeadError(String);

/// From `SIZE:ROOT`, as a person types it from a mail.
impl FromStr for Head {
    type Err = ParseHeadError;

    fn from_str(text: &str) -> Result<Self, ParseHeadError> {
        let parsed = text.split_once(':').and_then(|(size, root)| {
            let root = BASE64.decode(root.as_bytes()).ok()?;
            Some(Self { size: decimal(size)?, root: root.try_into().ok()? })
        });
        parsed.ok_or_else(|| ParseHeadError(printable(text, 80)))
    }
}

/// A number without sign and leading zeros, as C2SP's formats have it.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let plain = text == "0" || text.bytes().next().is_some_and(|first| matches!(first, b'1'..=b'9'));
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_is_written_down() {
        let head = Head { size: 181, root: [7; 32] };
        assert_eq!(format!("181:{}", head.root_base64()).parse(), Ok(head));
        let root = head.root_base64();
        for bad in ["", "181", "181:", "x:BwcHBw==", "181:BwcHBw==", &format!("-1:{root}"), &format!("0181:{root}")] {
            let error = bad.parse::<Head>().unwrap_err().to_string();
            assert!(error.contains("SIZE:ROOT"), "{error}");
        }
    }
}
