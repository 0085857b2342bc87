//! A quick look at markup before it is parsed: bounds, document types, declarations, and where tasks begin and end.

use std::ops::Range;

use super::{MAX_XML_DEPTH, MAX_XML_NODES};
use crate::problem::Problem;

/// What a text holds, by its tags alone.
#[derive(Debug, Default)]
pub(super) struct Outline {
    declarations: Vec<Range<usize>>,
    pub(super) tasks: Vec<FoundTask>,
    /// A task has no end, or there are tags besides those of tasks and of a dump.
    pub(super) rest_is_damaged: bool,
}

/// From `<Task` to `</Task>`.
#[derive(Debug)]
pub(super) struct FoundTask {
    pub(super) range: Range<usize>,
    /// The path in the comment before it.
    pub(super) comment: Option<String>,
}

impl Outline {
    /// With blanks in place of declarations; line breaks stay, so that positions in errors are right.
    pub(super) fn without_declarations(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        for declaration in &self.declarations {
            out.push_str(&text[from..declaration.start]);
            out.extend(text[declaration.clone()].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            from = declaration.end;
        }
        out.push_str(&text[from..]);
        out
    }
}

enum Tag<'a> {
    Open(&'a str),
    Closed(&'a str),
    Empty,
    Comment(&'a str),
    Declaration,
    Other,
}

/// # Errors
///
/// A document type, or a bound that is exceeded.
pub(super) fn scan(text: &str) -> Result<Outline, Problem> {
    let mut outline = Outline::default();
    let (mut depth, mut nodes, mut at) = (0_usize, 0_u32, 0);
    let (mut open, mut comment) = (None::<(usize, usize)>, None);
    while let Some(start) = text[at..].find('<').map(|found| at + found) {
        let (tag, end) = tag_at(text, start)?;
        at = end;
        match tag {
            Tag::Open(name) => {
                depth += 1;
                nodes += 1;
                // A task within a task: the first was never closed.
                if name == "Task" {
                    outline.rest_is_damaged |= open.is_some();
                    open = Some((start, depth));
                }
            }
            Tag::Closed(name) => {
                depth = depth.saturating_sub(1);
                if name == "Task"
                    && let Some((start, _)) = open.take()
                {
                    outline.tasks.push(FoundTask { range: start..end, comment: comment.take() });
                }
            }
            Tag::Empty => nodes += 1,
            Tag::Comment(text) if open.is_none() && text.trim().starts_with('\\') => {
                comment = Some(text.trim().to_owned());
            }
            Tag::Comment(_) | Tag::Other => {}
            Tag::Declaration => outline.declarations.push(start..end),
        }
        if depth > MAX_XML_DEPTH {
            return Err(Problem::TooDeep);
        }
        if nodes > MAX_XML_NODES {
            return Err(Problem::TooManyElements);
        }
    }
    outline.rest_is_damaged |= open.is_some();
    Ok(outline)
}

/// The tag that begins at `start`, and where it ends.
fn tag_at(text: &str, start: usize) -> Result<(Tag<'_>, usize), Problem> {
    let rest = &text[start..];
    let until = |end: &str| rest.find(end).map_or(text.len(), |found| start + found + end.len());
    if rest.starts_with("<!--") {
        let end = until("-->");
        let inner = text[start + 4..end].strip_suffix("-->").unwrap_or(&text[(start + 4).min(end)..end]);
        return Ok((Tag::Comment(inner), end));
    }
    if rest.starts_with("<![CDATA[") {
        return Ok((Tag::Other, until("]]>")));
    }
    if rest.starts_with("<?") {
        let declaration = rest.starts_with("<?xml") && rest[5..].starts_with([' ', '\t', '\r', '\n', '?']);
        return Ok((if declaration { Tag::Declaration } else { Tag::Other }, until("?>")));
    }
    if rest.get(..9).is_some_and(|found| found.eq_ignore_ascii_case("<!doctype")) || rest.starts_with("<!ENTITY") {
        return Err(Problem::DocumentType);
    }
    let end = start + end_of_tag(rest);
    let inner = text[start + 1..end].trim_end_matches('>');
    let local = |name: &'_ str| name.len() - name.rsplit(':').next().map_or(0, str::len);
    let name_of = |from: &'static str| inner.strip_prefix(from).unwrap_or(inner);
    let name = name_of("/").split([' ', '\t', '\r', '\n', '/']).next().unwrap_or_default();
    let name = &name[local(name)..];
    let tag = match inner {
        _ if inner.starts_with('/') => Tag::Closed(name),
        _ if inner.ends_with('/') => Tag::Empty,
        _ => Tag::Open(name),
    };
    Ok((tag, end))
}

/// Past the `>` that ends a tag; one between quotes does not.
fn end_of_tag(tag: &str) -> usize {
    let mut quote = None;
    for (at, byte) in tag.bytes().enumerate().skip(1) {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            (None, b'>') => return at + 1,
            _ => {}
        }
    }
    tag.len()
}
