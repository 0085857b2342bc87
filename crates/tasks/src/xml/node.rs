//! Reading of elements: by local name, text without blanks around it.

use roxmltree::Node;

/// The longest text of an element that is quoted in a warning, in characters.
const MAX_QUOTED_CHARS: usize = 80;

/// The children that are elements.
pub(super) fn elements<'a, 'i>(node: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(Node::is_element)
}

/// The first child of that name.
pub(super) fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    elements(node).find(|child| child.tag_name().name() == name)
}

/// All text below it, trimmed. A comment within splits text: the parts are put together.
pub(super) fn text(node: Node<'_, '_>) -> String {
    let parts: String = node.descendants().filter(Node::is_text).filter_map(|text| text.text()).collect();
    parts.trim().to_owned()
}

/// The text of the first child of that name; `None` where there is none or it is empty.
pub(super) fn child_text(node: Node<'_, '_>, name: &str) -> Option<String> {
    child(node, name).map(text).filter(|text| !text.is_empty())
}

/// `true`, `false`, `1` or `0`.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// A value of an element, for a warning: on one line and short.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", strongroom_model::text::printable(text, MAX_QUOTED_CHARS))
}

/// What a reader of a child finds, and what it warns of.
pub(super) struct Reader<'w> {
    pub(super) warnings: &'w mut Vec<String>,
}

impl Reader<'_> {
    pub(super) fn warn(&mut self, text: impl Into<String>) {
        self.warnings.push(text.into());
    }

    /// A child that cannot be read counts as missing, and is warned of.
    pub(super) fn value<T>(&mut self, node: Node<'_, '_>, name: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = child_text(node, name)?;
        let value = read(&text);
        if value.is_none() {
            self.warn(format!("{name} {} cannot be read", quoted(&text)));
        }
        value
    }

    /// Warns of children that are not among the known.
    pub(super) fn unknown(&mut self, node: Node<'_, '_>, known: &[&str]) {
        for child in elements(node) {
            let name = child.tag_name().name();
            if !known.contains(&name) {
                let parent = node.tag_name().name();
                self.warn(format!("unknown element {name} in {parent}, {} kept as text", quoted(&text(child))));
            }
        }
    }
}
