//! Dependencies that no source file mentions.
//!
//! A crate keeps one that is needed all the same, for its features say, by
//! `[package.metadata.unused] keep = ["name"]`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand, Package};

use crate::cargo::root;

/// Fails and names every declared dependency whose crate name no source file mentions: the
/// library's own files for a normal one, the tests' and benchmarks' as well for one of theirs.
pub(crate) fn check() -> Result<()> {
    let metadata = MetadataCommand::new()
        .current_dir(root())
        .features(CargoOpt::AllFeatures)
        .exec()
        .context("cargo metadata cannot be read")?;
    let mut unused = String::new();
    for package in metadata.workspace_packages() {
        let names = unused_of(package, &metadata)?;
        if !names.is_empty() {
            unused.push_str(&format!("\n  {}: {}", package.name, names.join(", ")));
        }
    }
    if !unused.is_empty() {
        bail!("no source file mentions these:{unused}");
    }
    Ok(())
}

fn unused_of(package: &Package, metadata: &Metadata) -> Result<Vec<String>> {
    let crate_names = crate_names(package, metadata);
    let folder = package.manifest_path.parent().expect("a manifest lies in a folder").as_std_path();
    let (own, tests) = (sources(folder, &["src", "build.rs"])?, sources(folder, &["tests", "benches", "examples"])?);
    let keep = kept(package);
    let mut unused = Vec::new();
    for dependency in &package.dependencies {
        let crate_name = crate_names.get(&dependency.name).map_or(dependency.name.as_str(), String::as_str);
        let in_tests = dependency.kind == DependencyKind::Development && mentions(&tests, crate_name);
        if !in_tests && !mentions(&own, crate_name) && !keep.contains(&dependency.name) {
            unused.push(dependency.name.clone());
        }
    }
    Ok(unused)
}

/// What each dependency is called in the sources: `md-5` is the crate `md5`.
fn crate_names(package: &Package, metadata: &Metadata) -> BTreeMap<String, String> {
    let resolve = metadata.resolve.as_ref().expect("the metadata was asked for with dependencies");
    let node = resolve.nodes.iter().find(|node| node.id == package.id).expect("a member is resolved");
    node.deps.iter().map(|dep| (metadata[&dep.pkg].name.to_string(), dep.name.clone())).collect()
}

fn kept(package: &Package) -> Vec<String> {
    let keep = package.metadata.get("unused").and_then(|unused| unused.get("keep")).and_then(|keep| keep.as_array());
    keep.into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

/// The text of every Rust file below the named folders, without comments.
fn sources(folder: &Path, names: &[&str]) -> Result<String> {
    let mut text = String::new();
    let mut waiting: Vec<_> = names.iter().map(|name| folder.join(name)).filter(|path| path.exists()).collect();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            for entry in fs::read_dir(&path).with_context(|| format!("{} cannot be read", path.display()))? {
                waiting.push(entry?.path());
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
            text.extend(
                source.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|line| [line, "\n"]),
            );
        }
    }
    Ok(text)
}

/// Whether the name stands in the text as a word of its own.
fn mentions(text: &str, name: &str) -> bool {
    let name = name.replace('-', "_");
    let of_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(&name)
        .any(|(at, found)| !text[..at].ends_with(of_word) && !text[at + found.len()..].starts_with(of_word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mention_is_a_whole_word() {
        assert!(mentions("use md5::Md5;", "md5"));
        assert!(mentions("tokio_util::io", "tokio-util"));
        assert!(!mentions("tokio_util::io", "tokio"));
        assert!(!mentions("my_http::get", "http"));
    }

    #[test]
    fn a_comment_mentions_nothing() {
        let folder = std::env::temp_dir().join(format!("unused-{}", std::process::id()));
        fs::create_dir_all(folder.join("src/deep")).unwrap();
        fs::write(folder.join("src/deep/a.rs"), "/// See `serde`.\nuse anyhow::Result;\n").unwrap();
        let text = sources(&folder, &["src", "tests"]).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert!(mentions(&text, "anyhow"));
        assert!(!mentions(&text, "serde"));
    }
}
