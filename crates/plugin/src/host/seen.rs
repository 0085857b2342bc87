//! What a plugin has said so far.

use serde_json::Value;

use super::clean;
use super::reading::Reading;
use crate::protocol::{Hello, Item, MAX_ITEMS, MAX_STATE_BYTES, PluginMessage, Progress, Report, Unsupported};

/// What the kept items may take of an event, which holds 32 KiB.
const MAX_ITEMS_BYTES: usize = 16 * 1024;

/// What a plugin has said so far; of each kind only what the verdict needs.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) hello: Option<Hello>,
    /// The first message was another one.
    pub(super) is_hello_late: bool,
    pub(super) unsupported: Option<Unsupported>,
    pub(super) result: Option<Report>,
    pub(super) results: u64,
    /// Why a result could not be read.
    pub(super) bad_result: Option<String>,
    pub(super) messages_after_result: u64,
    /// The first ones.
    pub(super) items: Vec<Item>,
    items_bytes: usize,
    pub(super) items_total: u64,
    /// Items for which the copy lacks something.
    pub(super) bad_items: u64,
    pub(super) state: Option<Value>,
    pub(super) is_state_too_large: bool,
    /// Lines that were no message.
    pub(super) stray_lines: u64,
    /// Lines that were cut.
    pub(super) cut_lines: u64,
    /// Messages of a known type that could not be read.
    pub(super) malformed: u64,
    pub(super) unknown_types: u64,
}

impl Seen {
    /// Takes the next line; its progress, if it is that.
    pub(super) fn take(&mut self, reading: Reading) -> Option<Progress> {
        let message = match reading {
            Reading::Empty => return None,
            Reading::Stray => {
                self.stray_lines += 1;
                return None;
            }
            Reading::UnknownType => {
                self.unknown_types += 1;
                self.note_order();
                return None;
            }
            Reading::Malformed { kind, why } => {
                self.malformed += 1;
                self.note_order();
                if kind == "result" {
                    self.results += 1;
                    self.bad_result.get_or_insert(why);
                }
                return None;
            }
            Reading::Message(message) => message,
        };
        if let (PluginMessage::Hello(hello), None, false) = (&message, &self.hello, self.is_hello_late) {
            self.hello = Some(clean::hello(hello.clone()));
            return None;
        }
        // `unsupported` needs no greeting: the version is not agreed on.
        if !matches!(message, PluginMessage::Unsupported(_)) || self.results > 0 {
            self.note_order();
        }
        self.message(message)
    }

    /// Whether anything but a greeting came first, or anything after the result.
    fn note_order(&mut self) {
        self.is_hello_late |= self.hello.is_none();
        self.messages_after_result += u64::from(self.results > 0);
    }

    fn message(&mut self, message: PluginMessage) -> Option<Progress> {
        match message {
            // A second greeting says nothing new.
            PluginMessage::Hello(_) | PluginMessage::Log(_) => None,
            PluginMessage::Unsupported(unsupported) => {
                self.unsupported = Some(unsupported);
                None
            }
            PluginMessage::Progress(progress) => Some(clean::progress(progress)),
            PluginMessage::Item(item) => {
                self.item(item);
                None
            }
            PluginMessage::State(state) => {
                self.is_state_too_large = state.state.to_string().len() > MAX_STATE_BYTES;
                self.state = (!self.is_state_too_large).then_some(state.state);
                None
            }
            PluginMessage::Result(report) => {
                self.results += 1;
                self.result.get_or_insert_with(|| clean::report(*report));
                None
            }
        }
    }

    fn item(&mut self, item: Item) {
        self.items_total += 1;
        self.bad_items += u64::from(item.outcome.is_bad());
        if self.items.len() >= MAX_ITEMS || self.items_bytes >= MAX_ITEMS_BYTES {
            return;
        }
        let item = clean::item(item);
        let size = serde_json::to_string(&item).map_or(usize::MAX, |text| text.len());
        // From here on none is kept, so that those that are kept are the first.
        self.items_bytes = self.items_bytes.saturating_add(size);
        if self.items_bytes <= MAX_ITEMS_BYTES {
            self.items.push(item);
        }
    }
}
