//! A mail's bytes: a MIME message (RFC 5322, RFC 2046).

use std::time::SystemTime;

use data_encoding::HEXLOWER;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, MultiPartKind, SinglePart};
use lettre::{Address, Message};
use sha2::{Digest, Sha256};
use strongroom_model::text::printable;

use crate::mail::{Mail, MailError};

/// The attachment with the log's signed checkpoint.
pub const CHECKPOINT_FILE: &str = "checkpoint.txt";

/// What lists of mails show, and a little more.
const SUBJECT_CHARS: usize = 180;

/// A mail's sender and recipients.
#[derive(Debug, Clone, PartialEq)]
pub struct Addresses {
    /// The sender.
    pub from: Mailbox,
    /// The recipients; never empty.
    pub to: Vec<Mailbox>,
}

impl Addresses {
    /// The recipients' addresses, without duplicates.
    pub fn recipients(&self) -> Vec<Address> {
        let mut addresses: Vec<Address> = Vec::with_capacity(self.to.len());
        for mailbox in &self.to {
            if !addresses.contains(&mailbox.email) {
                addresses.push(mailbox.email.clone());
            }
        }
        addresses
    }
}

/// Tells programs not to answer (RFC 3834, section 5).
#[derive(Debug, Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// The message's bytes. Id, date and boundary are fixed, so that equal mails have equal bytes.
pub fn message(mail: &Mail, addresses: &Addresses) -> Result<Vec<u8>, MailError> {
    let hash = Sha256::digest(mail.message_id.as_bytes());
    let boundary = format!("strongroom-{}", HEXLOWER.encode(&hash[..12]));
    let mut parts = MultiPart::builder()
        .kind(MultiPartKind::Alternative)
        .boundary(boundary.clone())
        .singlepart(SinglePart::builder().content_type(ContentType::TEXT_PLAIN).body(mail.text.clone()))
        .singlepart(SinglePart::builder().content_type(ContentType::TEXT_HTML).body(mail.html.clone()));
    if let Some(checkpoint) = &mail.checkpoint {
        let attached = Attachment::new(CHECKPOINT_FILE.to_owned()).body(checkpoint.clone(), ContentType::TEXT_PLAIN);
        let outer = MultiPart::builder().kind(MultiPartKind::Mixed).boundary(format!("{boundary}-outer"));
        parts = outer.multipart(parts).singlepart(attached);
    }
    let mut builder = Message::builder()
        .message_id(Some(format!("<{}>", mail.message_id)))
        .date(SystemTime::from(mail.date))
        .from(addresses.from.clone())
        // One line, so that no header can be injected (R9).
        .subject(printable(&mail.subject, SUBJECT_CHARS))
        .header(AutoSubmitted);
    for to in &addresses.to {
        builder = builder.to(to.clone());
    }
    Ok(builder.multipart(parts)?.formatted())
}
