//! The syntax of every PowerShell script that we ship. PowerShell itself is not to be had where this is tested.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::process::Command;

use strongroom_tests::schemas::workspace_root;
use tree_sitter::{Node, Parser};

/// The first place that the grammar does not understand.
fn fault(script: &str) -> Option<String> {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_powershell::LANGUAGE.into()).unwrap();
    let tree = parser.parse(script, None).unwrap();
    let mut nodes = vec![tree.root_node()];
    let mut faults = Vec::new();
    while let Some(node) = nodes.pop() {
        let mut cursor = node.walk();
        nodes.extend(node.children(&mut cursor));
        faults.extend((node.is_error() || node.is_missing()).then(|| shown(node, script)));
    }
    faults.into_iter().min().map(|(line, text)| format!("line {line}: {text}"))
}

fn shown(node: Node<'_>, script: &str) -> (usize, String) {
    let text = script[node.byte_range()].lines().next().unwrap_or_default();
    (
        node.start_position().row + 1,
        if node.is_missing() { format!("{} is missing", node.kind()) } else { text.to_owned() },
    )
}

/// As version control lists them: what a build leaves is not ours.
fn scripts() -> Vec<String> {
    let listed = Command::new("git").args(["ls-files", "*.ps1"]).current_dir(workspace_root()).output().unwrap();
    String::from_utf8(listed.stdout).unwrap().lines().map(ToOwned::to_owned).collect()
}

#[test]
fn every_script_is_sound() {
    let scripts = scripts();
    assert!(scripts.contains(&"docs/plugins/mirror.ps1".to_owned()), "{scripts:?}");
    for file in scripts {
        let text = std::fs::read_to_string(workspace_root().join(Path::new(&file))).unwrap();
        assert_eq!(fault(text.trim_start_matches('\u{feff}')), None, "{file}");
    }
}

#[test]
fn a_script_that_is_broken_anywhere_is_found() {
    let text = std::fs::read_to_string(workspace_root().join("docs/plugins/mirror.ps1")).unwrap();
    let breaks = [
        ("function Say([hashtable] $message) {", "function Say([hashtable] $message {"),
        ("foreach ($key in 'source', 'target') {", "foreach ($key 'source', 'target') {"),
        ("if ($code -band 12) {", "if ($code -band) {"),
        ("} catch {", "} catch"),
        ("retry = 'later'; tool = $tool", "retry = 'later; tool = $tool"),
        ("exit 0\n}", "exit 0\n"),
    ];
    for (from, to) in breaks {
        assert!(text.contains(from), "{from}");
        assert!(fault(&text.replacen(from, to, 1)).is_some(), "{to}");
    }
}
