//! Checkpoints that a person has kept: in a file, a mail, or on a drive. All of it comes from outside.

use std::io::Read as _;
use std::path::Path;

use mail_parser::{MessageParser, MimeHeaders as _};
use strongroom_audit::KnownRoot;
use strongroom_model::SiteId;
use strongroom_notify::CHECKPOINT_FILE;
use strongroom_proof::{MAX_NOTE_BYTES, PublicKey, SignedCheckpoint, WitnessKey};

use crate::checkpoint::on_drive;
use crate::cli_error::{CliError, ErrorContext as _};
use crate::known_keys::KnownKeys;

/// More than any summary's mail has.
const MAX_MAIL_BYTES: usize = 16 * 1024 * 1024;

const STEP: &str = "give a checkpoint as `strongroom log checkpoint` prints it, as a drive has it below .strongroom, or as a summary mail has it attached";

/// The keys that a checkpoint may be signed by, and the site that it must be of.
#[derive(Debug)]
pub(super) struct Trusted<'a> {
    pub(super) site: &'a SiteId,
    pub(super) keys: Keys,
    /// Each must have cosigned it.
    pub(super) witnesses: Vec<WitnessKey>,
}

/// Where the keys are from.
#[derive(Debug)]
pub(super) enum Keys {
    /// A person gave them.
    Given(Vec<PublicKey>),
    /// The log names them.
    OfLog(KnownKeys),
}

impl Trusted<'_> {
    /// The size and root that a trusted key has signed.
    fn check(&self, signed: &SignedCheckpoint, known_to: String) -> Result<KnownRoot, CliError> {
        let checkpoint = signed.checkpoint();
        if checkpoint.site != *self.site {
            return Err(CliError::new(format!(
                "{known_to} is of the site {}, and the log is of {}",
                checkpoint.site, self.site
            ))
            .next_step("give a checkpoint of this site, or the configuration of that one"));
        }
        let (is_signed, whose) = match &self.keys {
            Keys::Given(keys) => (keys.iter().any(|key| signed.verify(key).is_ok()), "a key that was given"),
            Keys::OfLog(known) => (known.vouch_for(signed), "a key that the log names for that size"),
        };
        if is_signed {
            for witness in &self.witnesses {
                witness.cosigned_at(signed.note()).context_and_step(
                    format!("{known_to} proves nothing that the witness has seen"),
                    "give a checkpoint that it cosigned, or leave out --witness",
                )?;
            }
            return Ok(KnownRoot { head: checkpoint.head, known_to });
        }
        Err(CliError::new(format!("{known_to} is not signed by {whose}: it proves nothing")).next_step(format!(
            "give the site's key with --key KEY; without a signature, what it says is compared by --against {}:{}",
            checkpoint.head.size,
            checkpoint.head.root_base64()
        )))
    }
}

pub(super) fn from_file(path: &Path, trusted: &Trusted<'_>) -> Result<KnownRoot, CliError> {
    let what = format!("the checkpoint in {}", path.display());
    let text = String::from_utf8(bytes(path, MAX_NOTE_BYTES)?).context(what.clone())?;
    let signed = text.replace("\r\n", "\n").parse().context_and_step(what.clone(), STEP)?;
    trusted.check(&signed, what)
}

pub(super) fn from_mail(path: &Path, trusted: &Trusted<'_>) -> Result<KnownRoot, CliError> {
    let what = format!("the checkpoint in the mail {}", path.display());
    let bytes = bytes(path, MAX_MAIL_BYTES)?;
    let mail = MessageParser::default().parse(&bytes[..]);
    let attached = mail.as_ref().and_then(|mail| {
        let part = mail.attachments().find(|part| part.attachment_name() == Some(CHECKPOINT_FILE))?;
        // Mail programs save lines with the ends that their system has.
        Some(String::from_utf8_lossy(part.contents()).replace("\r\n", "\n"))
    });
    let text = attached.ok_or_else(|| {
        CliError::new(format!("{} has no attachment {CHECKPOINT_FILE}", path.display()))
            .next_step("save the summary's mail as a file (.eml); its last lines have the size and root for --against")
    })?;
    let signed: SignedCheckpoint = text.parse().context_and_step(what.clone(), STEP)?;
    trusted.check(&signed, what)
}

pub(super) fn from_drive(root: &Path, trusted: &Trusted<'_>) -> Result<KnownRoot, CliError> {
    let folder = on_drive(root);
    let what = format!("the checkpoint on {folder}");
    let signed = folder.try_read(trusted.site).context_and_step(what.clone(), STEP)?;
    trusted.check(&signed, what)
}

/// A whole file, if it is no longer than that.
fn bytes(path: &Path, max_bytes: usize) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(max_bytes as u64 + 1).read_to_end(&mut bytes));
    read.context(format!("cannot read {}", path.display()))?;
    if bytes.len() > max_bytes {
        return Err(CliError::new(format!("{} has more than {max_bytes} bytes", path.display())));
    }
    Ok(bytes)
}
