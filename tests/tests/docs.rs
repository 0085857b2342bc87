//! What the pages say is true of the code.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use strongroom_tests::audit::files_below;
use strongroom_tests::schemas::workspace_root;

/// Every Markdown page of the project's own.
fn pages() -> Vec<PathBuf> {
    let root = workspace_root();
    let folders = ["docs", "stages", "crates", "apps", "deploy"].map(|folder| root.join(folder));
    let mut pages: Vec<_> = folders.iter().flat_map(|folder| files_below(folder)).collect();
    pages.push(root.join("README.md"));
    pages.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages
}

#[test]
fn every_decision_is_in_the_list_of_them() {
    let folder = workspace_root().join("docs/decisions");
    let listed: BTreeSet<_> = links(&folder.join("README.md")).into_iter().collect();
    let pages = files_below(&folder).into_iter().map(|page| page.file_name().unwrap().to_string_lossy().into_owned());
    assert_eq!(pages.filter(|name| name != "README.md").collect::<BTreeSet<_>>(), listed);
}

/// Links to files of the project's own, in `[text](path)`.
fn links(page: &Path) -> Vec<String> {
    let text = fs::read_to_string(page).unwrap();
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://") && !target.starts_with('#')).map(str::to_owned).collect()
}

#[test]
fn every_link_leads_somewhere() {
    for page in pages() {
        for link in links(&page) {
            let (path, heading) = link.split_once('#').unwrap_or((&link, ""));
            let target = page.parent().unwrap().join(path);
            assert!(target.exists(), "{}: {link}", page.display());
            let anchors = || fs::read_to_string(&target).unwrap().lines().filter_map(anchor).collect::<Vec<_>>();
            assert!(heading.is_empty() || anchors().contains(&heading.to_owned()), "{}: {link}", page.display());
        }
    }
}

#[test]
fn every_contents_line_leads_to_a_heading_of_its_page() {
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        let anchors: Vec<_> = text.lines().filter_map(anchor).collect();
        for target in text.split("](#").skip(1).filter_map(|rest| rest.split(')').next()) {
            assert!(anchors.iter().any(|anchor| anchor == target), "{}: #{target}", page.display());
        }
    }
}

/// A heading's name in links, as Git forges make it.
fn anchor(line: &str) -> Option<String> {
    let heading = line.starts_with('#').then(|| line.trim_start_matches('#').trim())?;
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    Some(kept.collect::<String>().to_lowercase().replace(' ', "-"))
}

#[test]
fn every_kept_path_that_a_page_names_is_there() {
    let mut missing = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for code in text.split('`').skip(1).step_by(2) {
            let ours = ["crates/", "stages/", "apps/", "xtask/", "deploy/", "schemas/", "tests/", "docs/"];
            let plain = code.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
            if plain && ours.iter().any(|folder| code.starts_with(folder)) && !workspace_root().join(code).exists() {
                missing.push(format!("{}: {code}", page.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_test_that_the_audit_page_names_exists() {
    let root = workspace_root();
    let folders = ["crates", "stages", "apps", "tests"].map(|folder| root.join(folder));
    let mut sources: Vec<_> = folders.iter().flat_map(|folder| files_below(folder)).collect();
    sources.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let sources: String = sources.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let page = fs::read_to_string(root.join("docs/audit.md")).unwrap();
    let is_test = |name: &&str| name.starts_with("r5_") || name.starts_with("repro_");
    let named: BTreeSet<_> = page.split('`').skip(1).step_by(2).filter(is_test).collect();
    assert!(named.len() > 20, "{named:?}");
    let missing: Vec<_> = named.iter().filter(|name| !sources.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}
