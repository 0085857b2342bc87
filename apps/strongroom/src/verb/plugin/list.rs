//! `strongroom plugin list`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use serde::Serialize;
use strongroom_kinds::NAMES;
use strongroom_model::JobName;
use strongroom_model::text::printable;
use strongroom_plugin::protocol::Describe;
use strongroom_service::config::PLUGIN_KIND;

use super::describe::described;
use super::serve::words_of;
use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;
use crate::site;

#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// A built-in kind, or the plugin of configured jobs.
#[derive(Debug, Serialize)]
struct Listed {
    kind: String,
    /// The plugin's program and arguments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    program: Vec<String>,
    /// The jobs that are done by the plugin.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    jobs: Vec<JobName>,
    /// Why the plugin does not describe itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(flatten)]
    describe: Option<Describe>,
}

pub(super) async fn run(args: &ListArgs, file: Option<&Path>, out: &mut Out) -> Result<Exit, CliError> {
    let mut listed = Vec::new();
    for kind in NAMES {
        let words = words_of(kind)
            .ok_or_else(|| CliError::new("the path of this program is not known").next_step("start it by its path"))?;
        let describe = Some(described(words).await?);
        listed.push(Listed { kind: kind.to_owned(), program: Vec::new(), jobs: Vec::new(), error: None, describe });
    }
    listed.extend(configured(file).await);
    let is_well = listed.iter().all(|one| one.error.is_none());
    if args.json {
        out.json(&listed)?;
    } else {
        page(&listed, out)?;
    }
    Ok(if is_well { Exit::Well } else { Exit::Problems })
}

/// The plugins of the configuration's jobs. Where there is no configuration that can be read, there are none.
async fn configured(file: Option<&Path>) -> Vec<Listed> {
    let Ok(config) = site::config(file) else { return Vec::new() };
    let mut programs: BTreeMap<Vec<String>, Vec<JobName>> = BTreeMap::new();
    for job in config.own_jobs().filter(|job| job.kind == PLUGIN_KIND) {
        programs.entry(job.program.clone()).or_default().push(job.name.clone());
    }
    let mut listed = Vec::new();
    for (program, jobs) in programs {
        let found = described(program.iter().map(OsString::from).collect()).await;
        let (describe, error) = match found {
            Ok(describe) => (Some(describe), None),
            Err(error) => (None, Some(error.what)),
        };
        listed.push(Listed { kind: PLUGIN_KIND.to_owned(), program, jobs, error, describe });
    }
    listed
}

fn page(listed: &[Listed], out: &mut Out) -> Result<(), CliError> {
    let width = listed.iter().map(|one| one.kind.len()).max().unwrap_or_default();
    for one in listed {
        let what = match (&one.describe, &one.error) {
            (Some(describe), _) => {
                let deletes = if describe.may_delete { "; may delete, after a plan" } else { "" };
                format!("{}{deletes}", describe.operations.join(", "))
            }
            (None, error) => printable(error.as_deref().unwrap_or("it does not describe itself"), 200),
        };
        out.line(format_args!("{:width$}  {what}", one.kind))?;
        if !one.jobs.is_empty() {
            let jobs: Vec<String> = one.jobs.iter().map(ToString::to_string).collect();
            let program = printable(&one.program.join(" "), 200);
            out.line(format_args!("{:width$}  of {}: {program}", "", jobs.join(", ")))?;
        }
    }
    Ok(())
}
