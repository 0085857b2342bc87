//! The Debian package, by cargo-deb: what is in it is said in the program's Cargo.toml.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::cargo::{cargo, command, output, root, run};
use crate::tool::Tool;

pub(crate) const TOOL: Tool = Tool { name: "deb", version: "3.8.0" };

/// Which program is packed, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Packs this program, quickly and not small, instead of building one
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,
    /// Where the package is put; without it `target/debian`
    #[arg(long, value_name = "PATH")]
    output: Option<PathBuf>,
}

/// Makes the package.
pub(crate) fn make(args: &Args) -> Result<()> {
    TOOL.install_if_missing()?;
    let program = args.program.clone().map_or_else(build, Ok)?;
    stage(&program)?;
    let mut deb = cargo(&["deb", "--package", "strongroom", "--no-build", "--locked"]);
    if args.program.is_some() {
        deb.arg("--fast");
    }
    if let Some(output) = &args.output {
        deb.arg("--output").arg(output);
    }
    run(&mut deb)
}

/// The program as it is released.
fn build() -> Result<PathBuf> {
    run(&mut cargo(&["build", "--locked", "--release", "--package", "strongroom", "--features", "otlp"]))?;
    let target = cargo_metadata::MetadataCommand::new().no_deps().exec()?.target_directory;
    Ok(target.join("release/strongroom").into())
}

/// Puts what is built where the package takes it from: the program without debug symbols, and what shells read, which
/// the program itself prints.
fn stage(program: &Path) -> Result<()> {
    let folder = root().join("target/package");
    let completions = folder.join("completions");
    fs::create_dir_all(&completions).with_context(|| format!("{} cannot be made", completions.display()))?;
    output(command("strip", &["--output-file"]).arg(folder.join("strongroom")).arg(program))?;
    for (shell, name) in [("bash", "strongroom"), ("zsh", "_strongroom"), ("fish", "strongroom.fish")] {
        let text = output(command(&program.to_string_lossy(), &["completions"]).arg(shell))?;
        let path = completions.join(name);
        fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}
