//! Task Scheduler's XML, versions 1.1 to 1.6 (MS-TSCH 2.5, taskschd schema), and the dumps of `schtasks /query /xml`.
//!
//! Elements are found by name, whatever their order. What is not known is kept in words and warned of; a damaged task in
//! a dump stops nothing but itself.

mod definition;
mod node;
mod scan;
mod trigger;
mod trigger_kinds;

use self::scan::{Outline, scan};
use crate::problem::{Format, Problem, Reading};
use crate::task::Origin;

/// The most elements that one file may have: the largest dump seen has 7,000.
pub const MAX_XML_NODES: u32 = 400_000;
/// How deep elements may nest: the schema's own nest six deep.
pub const MAX_XML_DEPTH: usize = 64;

const NAMESPACE: &str = "http://schemas.microsoft.com/windows/2004/02/mit/task";

/// Where a task's path comes from, if the definition is in a file of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Named<'a> {
    /// The scheduler's own word, as of a manifest or a dump's comment.
    Known(&'a str),
    /// What the file is called: the definition's own URI may tell the folder besides.
    Place(&'a str),
    /// Nothing but the definition itself.
    Itself,
}

/// Reads every task of a text that begins with `<`.
pub(crate) fn read(text: &str, origin: &Origin, named: Named<'_>) -> Reading {
    let outline = match scan(text) {
        Ok(outline) => outline,
        Err(problem) => return Reading::failed(Format::Xml, problem),
    };
    // Every declaration is removed: what it says of the encoding is wrong, and a plain dump has one before each task.
    let whole = outline.without_declarations(text);
    let wrapped = format!("<file>{whole}</file>");
    match parse(&wrapped) {
        Ok(document) => read_document(document.root_element(), origin, named),
        Err(problem) => read_each(text, &outline, problem, origin),
    }
}

fn parse(text: &str) -> Result<roxmltree::Document<'_>, String> {
    let options = roxmltree::ParsingOptions { nodes_limit: MAX_XML_NODES, ..Default::default() };
    roxmltree::Document::parse_with_options(text, options).map_err(|error| error.to_string())
}

fn read_document(file: roxmltree::Node<'_, '_>, origin: &Origin, named: Named<'_>) -> Reading {
    let roots: Vec<_> = file.children().filter(roxmltree::Node::is_element).collect();
    let Some(first) = roots.first() else { return Reading::failed(Format::Xml, Problem::Empty) };
    match first.tag_name().name() {
        "ScheduledTasks" => return Reading::failed(Format::GroupPolicy, Problem::GroupPolicy),
        "Objs" => return Reading::failed(Format::Clixml, Problem::Clixml),
        "Task" | "Tasks" => {}
        other => return Reading::failed(Format::Xml, Problem::OtherRoot(other.to_owned())),
    }
    let dump = first.tag_name().name() == "Tasks";
    let holder = if dump { *first } else { file };
    let mut reading = Reading::new(if dump || roots.len() > 1 { Format::TaskDump } else { Format::TaskXml });
    let mut comment = None;
    for child in holder.children() {
        if child.is_comment() {
            comment = child.text().map(str::trim).filter(|text| text.starts_with('\\'));
        } else if child.is_element() && child.tag_name().name() == "Task" {
            let of_dump = comment.take().map_or(Named::Itself, Named::Known);
            let named = if reading.format == Format::TaskXml { named } else { of_dump };
            reading.tasks.push(definition::task(child, origin, named));
        } else if child.is_element() {
            reading.problems.push(Problem::OtherRoot(child.tag_name().name().to_owned()));
        }
    }
    reading
}

/// Each task of a damaged dump by itself; `problem` is the whole text's. A damaged file of one task is refused by Windows,
/// too.
fn read_each(text: &str, outline: &Outline, problem: String, origin: &Origin) -> Reading {
    let several = outline.tasks.len() > 1;
    let mut reading = Reading::new(if several { Format::TaskDump } else { Format::TaskXml });
    for found in outline.tasks.iter().filter(|_| several) {
        let named = found.comment.as_deref().map_or(Named::Itself, Named::Known);
        match parse(&text[found.range.clone()]) {
            Ok(document) => reading.tasks.push(definition::task(document.root_element(), origin, named)),
            Err(problem) => {
                let line = text[..found.range.start].lines().count().max(1);
                let task = found.comment.clone().unwrap_or_else(|| format!("the task at line {line}"));
                reading.problems.push(Problem::Damaged { task, problem });
            }
        }
    }
    if reading.problems.is_empty() || outline.rest_is_damaged {
        reading.problems.push(Problem::Damaged { task: "the file".to_owned(), problem });
    }
    reading
}

#[cfg(test)]
mod tests;
