//! The image's recipe. No container engine is asked for: it is read, not built.

use std::path::Path;

use crate::tree;

/// What Dockerfiles may say.
const INSTRUCTIONS: [&str; 11] =
    ["FROM", "WORKDIR", "COPY", "RUN", "USER", "ENV", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD", "EXPOSE"];

/// Each instruction with what it is given, lines put together.
fn instructions() -> Vec<(String, String)> {
    let text = tree::read("docker/Dockerfile");
    let text: String = text.lines().filter(|line| !line.starts_with('#')).flat_map(|line| [line, "\n"]).collect();
    let joined = text.replace("\\\n", " ");
    let lines = joined.lines().filter(|line| !line.trim().is_empty());
    let split =
        lines.map(|line| line.split_once(' ').unwrap_or_else(|| panic!("{line}: an instruction is given something")));
    split.map(|(word, rest)| (word.to_owned(), rest.trim().to_owned())).collect()
}

fn of<'a>(instructions: &'a [(String, String)], word: &str) -> Vec<&'a str> {
    instructions.iter().filter(|(found, _)| found == word).map(|(_, rest)| rest.as_str()).collect()
}

#[test]
fn the_recipe_says_only_what_is_known_and_takes_only_what_is_there() {
    let all = instructions();
    assert_eq!(all[0].0, "FROM");
    for (word, rest) in &all {
        assert!(INSTRUCTIONS.contains(&word.as_str()), "{word} {rest}");
    }
    let stages: Vec<_> =
        of(&all, "FROM").iter().filter_map(|from| Some(from.split_once(" AS ")?.1.to_owned())).collect();
    for copy in of(&all, "COPY") {
        let (flags, paths): (Vec<_>, Vec<_>) = copy.split(' ').partition(|word| word.starts_with("--"));
        match flags.iter().find_map(|flag| flag.strip_prefix("--from=")) {
            Some(stage) => assert!(stages.iter().any(|known| known == stage), "COPY {copy}"),
            None => assert!(tree::root().join(paths[0]).exists(), "COPY {copy}"),
        }
    }
    for word in ["CMD", "ENTRYPOINT"] {
        for args in of(&all, word) {
            serde_json::from_str::<Vec<String>>(args).unwrap_or_else(|error| panic!("{word} {args}: {error}"));
        }
    }
    let (_, check) = of(&all, "HEALTHCHECK")[0].split_once(" CMD ").unwrap();
    assert_eq!(serde_json::from_str::<Vec<String>>(check).unwrap(), ["healthy", "9400"]);
    assert_eq!(of(&all, "ENV"), ["STRONGROOM_HEALTH_LISTEN=0.0.0.0:9400"], "where the check asks");
}

#[test]
fn the_image_is_built_as_the_workspace_says_and_runs_unprivileged() {
    let all = instructions();
    let workspace = std::fs::read_to_string(tree::root().join("Cargo.toml")).unwrap();
    let rust = workspace.lines().find_map(|line| line.strip_prefix("rust-version = \"")?.strip_suffix('"')).unwrap();
    assert!(of(&all, "FROM")[0].contains(&format!("/rust:{rust}-")), "built by Rust {rust}");
    assert!(of(&all, "RUN")[0].contains("cargo build --release --locked "), "with the versions of Cargo.lock");
    assert_eq!(of(&all, "USER"), ["10001:10001"]);
    assert_eq!(of(&all, "STOPSIGNAL"), ["SIGTERM"]);
    assert!(of(&all, "RUN").last().unwrap().contains("--uid 10001 "));
}

/// What the build needs is sent, what is secret or large is not.
#[test]
fn what_is_left_out_of_the_build_is_not_needed_by_it() {
    let ignored = std::fs::read_to_string(tree::root().join(".dockerignore")).unwrap();
    let ignored: Vec<_> = ignored.lines().filter(|line| !line.starts_with('#')).collect();
    for name in ["/target", "/.git", "/deploy/compose/secrets", "/deploy/compose/.env"] {
        assert!(ignored.contains(&name), "{name}");
    }
    let needed = ["Cargo.toml", "Cargo.lock", "apps", "crates", "stages", "schemas", "tests", "xtask", "deploy/docker"];
    for name in needed {
        assert!(tree::root().join(name).exists(), "{name}");
        let within = |left_out: &str| Path::new(name).starts_with(left_out.trim_start_matches('/'));
        assert!(!ignored.iter().any(|left_out| within(left_out)), "{name}");
    }
}
