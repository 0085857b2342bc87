//! `strongroom plugin list`.

use serde::Serialize;
use strongroom_kinds::NAMES;
use strongroom_plugin::protocol::Describe;

use super::describe::described;
use super::serve::words_of;
use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;

#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// One built-in kind.
#[derive(Debug, Serialize)]
struct Listed {
    kind: &'static str,
    #[serde(flatten)]
    describe: Describe,
}

pub(super) async fn run(args: &ListArgs, out: &mut Out) -> Result<Exit, CliError> {
    let mut listed = Vec::new();
    for kind in NAMES {
        let words = words_of(kind)
            .ok_or_else(|| CliError::new("the path of this program is not known").next_step("start it by its path"))?;
        listed.push(Listed { kind, describe: described(words).await? });
    }
    if args.json {
        out.json(&listed)?;
        return Ok(Exit::Well);
    }
    let width = NAMES.iter().map(|name| name.len()).max().unwrap_or_default();
    for Listed { kind, describe } in &listed {
        let deletes = if describe.may_delete { "; may delete, after a plan" } else { "" };
        out.line(format_args!("{kind:width$}  {}{deletes}", describe.operations.join(", ")))?;
    }
    Ok(Exit::Well)
}
