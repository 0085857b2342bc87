//! Whether a tool is there, and new enough.

use strongroom_plugin::Speaker;
use strongroom_plugin::protocol::Problem;
use strongroom_toollog::Tool;

use crate::config::problem;
use crate::tool::{Call, output};

/// A release: major and minor.
pub(crate) type Version = (u32, u32);

/// Two numbers with a dot between them, at the beginning of a text: `1.60.1-DEV`.
pub(crate) fn leading(text: &str) -> Option<Version> {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// Asks a tool for its version, which must be `min` or later; `None`: it is not there.
///
/// # Errors
/// The problem with the executable.
pub(crate) fn check(
    tool: Tool,
    call: Option<Call>,
    min: Version,
    read: impl Fn(&str) -> Option<Version>,
    speaker: &Speaker,
) -> Result<Version, Problem> {
    let problem = |message: String, next_step: String| Err(problem("/executable", message, next_step));
    let Some(call) = call else {
        return problem(
            format!("{tool} is not installed"),
            format!("install Debian's package {tool}, or name the executable"),
        );
    };
    match output(&call.quietly(), speaker).ok().and_then(|(_, text)| read(&text)) {
        None => problem(format!("it does not say that it is {tool}"), format!("name {tool}'s executable")),
        Some((major, minor)) if (major, minor) < min => problem(
            format!("{tool} {major}.{minor} is too old: {}.{} or later is needed", min.0, min.1),
            "install a later release".to_owned(),
        ),
        Some(version) => Ok(version),
    }
}
