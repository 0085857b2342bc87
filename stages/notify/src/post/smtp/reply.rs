//! Replies (RFC 5321, section 4.2). Only the code decides; the text is shown.

use std::io;

use strongroom_model::text::printable;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

use crate::post::RECEIPT_CHARS;

/// RFC 5321, section 4.5.3.1.5 allows 512 bytes; servers write more.
const MAX_LINE_BYTES: usize = 2048;
/// A larger reply is not from a mail server.
const MAX_REPLY_BYTES: usize = 1 << 20;
/// An EHLO reply has some twenty lines.
const MAX_LINES: usize = 128;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    pub(super) lines: Vec<String>,
}

impl Reply {
    /// 2yz.
    pub(super) const fn is_done(&self) -> bool {
        self.code / 100 == 2
    }

    /// 3yz.
    pub(super) const fn is_intermediate(&self) -> bool {
        self.code / 100 == 3
    }

    /// 5yz.
    pub(super) const fn is_permanent(&self) -> bool {
        self.code / 100 == 5
    }

    /// `250 2.0.0 Ok: queued as 4F1`.
    pub(super) fn text(&self) -> String {
        printable(format!("{} {}", self.code, self.lines.join(" ")).trim_end(), RECEIPT_CHARS)
    }

    /// Accepts deviations where the code is clear: bare line feeds, codes without text, any encoding, lines without a
    /// code within a multi-line reply.
    pub(super) async fn read(reader: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Self> {
        let mut lines = Vec::new();
        let mut left_bytes = MAX_REPLY_BYTES;
        loop {
            let line = read_line(reader, &mut left_bytes).await?;
            let Some((code, is_last, text)) = parse(&line) else {
                if lines.is_empty() {
                    return Err(no_reply(&line));
                }
                continue;
            };
            if lines.len() < MAX_LINES {
                lines.push(text);
            }
            if is_last {
                return Ok(Self { code, lines });
            }
        }
    }
}

/// Code, whether it is the last line, and text.
fn parse(line: &[u8]) -> Option<(u16, bool, String)> {
    let (code, rest) = line.split_at_checked(3)?;
    let code: u16 = std::str::from_utf8(code).ok()?.parse().ok().filter(|code| (200..600).contains(code))?;
    let is_last = match rest.first() {
        Some(b'-') => false,
        None | Some(b' ' | b'\t') => true,
        Some(_) => return None,
    };
    let text = rest.get(1..).unwrap_or_default();
    Some((code, is_last, String::from_utf8_lossy(text).trim_end().to_owned()))
}

/// A line without its end, cut at [`MAX_LINE_BYTES`]; `left_bytes` bounds the reply.
async fn read_line(reader: &mut (impl AsyncBufRead + Unpin), left_bytes: &mut usize) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    loop {
        let chunk = reader.fill_buf().await?;
        if chunk.is_empty() {
            // A last line without an end still has its code.
            return if line.len() > 3 { Ok(line) } else { Err(closed()) };
        }
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(chunk.len(), |end| end + 1);
        let room = MAX_LINE_BYTES.saturating_sub(line.len());
        line.extend_from_slice(&chunk[..end.unwrap_or(taken).min(room)]);
        reader.consume(taken);
        *left_bytes = left_bytes.checked_sub(taken).ok_or_else(too_long)?;
        if end.is_some() {
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            return Ok(line);
        }
    }
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection before it answered")
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the server's answer is longer than {MAX_REPLY_BYTES} bytes"))
}

fn no_reply(line: &[u8]) -> io::Error {
    let shown = printable(&String::from_utf8_lossy(line), 60);
    io::Error::new(io::ErrorKind::InvalidData, format!("{shown:?} is not an SMTP reply; check host and port"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    async fn read(bytes: &[u8]) -> io::Result<Reply> {
        Reply::read(&mut tokio::io::BufReader::new(bytes)).await
    }

    #[tokio::test]
    async fn the_code_decides_whatever_the_words_are() {
        for (bytes, text) in [
            (&b"250 2.0.0 Ok: queued\r\n"[..], "250 2.0.0 Ok: queued"),
            (b"250 2.0.0 Nachricht \xfcbernommen\r\n", "250 2.0.0 Nachricht \u{fffd}bernommen"),
            (b"250 2.0.0 \xe6\x8e\xa5\xe5\x8f\x97\r\n", "250 2.0.0 接受"),
            (b"250\r\n", "250"),
            (b"250 ok\n", "250 ok"),
            (b"250-first\r\n250 second\r\n", "250 first second"),
            (b"250-first\r\nno code\r\n\r\n250 second\r\n", "250 first second"),
            (b"250-a\r\n251 b\r\n", "251 a b"),
            (b"250 cut off", "250 cut off"),
            (b"250 a\x00b\r\n", r"250 a\u{0}b"),
        ] {
            assert_eq!(read(bytes).await.unwrap().text(), text);
        }
    }

    #[tokio::test]
    async fn a_long_line_is_cut_and_its_code_counts() {
        let line = [b"250 ", &vec![b'x'; 70_000][..], b"\r\n"].concat();
        let reply = read(&line).await.unwrap();
        assert!(reply.is_done() && reply.text().chars().count() <= RECEIPT_CHARS + 1);
    }

    #[tokio::test]
    async fn what_is_not_a_reply_is_named_and_an_endless_one_is_not_read_for_ever() {
        let error = read(b"HTTP/1.1 400 Bad Request\r\n").await.unwrap_err().to_string();
        assert!(error.contains("HTTP/1.1") && error.contains("check host and port"), "{error}");
        assert_eq!(read(b"25").await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(read(b"").await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        let endless = b"250-x\r\n".repeat(MAX_REPLY_BYTES / 7 + 1);
        assert!(read(&endless).await.unwrap_err().to_string().contains("longer than"));
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            if let Ok(reply) = runtime.block_on(read(&bytes)) {
                prop_assert!((200..600).contains(&reply.code));
                prop_assert!(!reply.text().contains('\n'));
            }
        }
    }
}
