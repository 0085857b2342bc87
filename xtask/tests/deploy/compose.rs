//! The whole system in containers.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value};
use strongroom_service::Config;

use crate::tree;

/// A copy of `deploy/` in which the passwords were made.
pub(crate) fn set_up() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for file in tree::files() {
        let to = folder.path().join("deploy").join(&file);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(tree::path(&file), to).unwrap();
    }
    let compose = folder.path().join("deploy/compose");
    tree::tool("openssl", "openssl");
    tree::succeeds(Command::new("./setup.sh").current_dir(&compose));
    (folder, compose)
}

/// The file as the tool understands it: anchors and variables filled in, profiles and all.
pub(crate) fn resolved(folder: &Path) -> Value {
    let mut config = tree::tool("docker-compose", "docker-compose");
    config.args(["--profile", "tool", "--profile", "metrics", "config"]).current_dir(folder);
    // Nothing of the caller's may fill the variables in.
    config.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    let output = config.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    tree::documents(&String::from_utf8_lossy(&output.stdout)).unwrap().remove(0)
}

fn services(compose: &Value) -> &Map<String, Value> {
    compose["services"].as_object().unwrap()
}

pub(crate) fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Which secrets a service sees, by the file in the container and the secret's own name.
pub(crate) fn secrets(service: &Value) -> BTreeSet<(&str, &str)> {
    let secrets = service["secrets"].as_array().into_iter().flatten();
    let names = secrets.map(|secret| match secret {
        Value::String(name) => (name.as_str(), name.as_str()),
        long => {
            let source = long["source"].as_str().unwrap();
            (long["target"].as_str().unwrap_or(source), source)
        }
    });
    names.collect()
}

#[test]
fn compose_takes_the_file_and_every_service_is_kept_running_and_watched() {
    let (_folder, compose) = set_up();
    let file = resolved(&compose);
    let once = ["migrate", "topology", "token", "tool"];
    for (name, service) in services(&file) {
        let ours = service["image"] == "strongroom:local";
        assert!(once.contains(&name.as_str()) == (service["restart"] == "no"), "{name}: restart");
        assert!(once.contains(&name.as_str()) || service["restart"] == "unless-stopped", "{name}: restart");
        // The image of ours has a check for workers, of which these are none.
        let check = texts(&service["healthcheck"]["test"]);
        let watched = check.first().is_some_and(|how| *how != "NONE");
        assert_eq!(watched, !ours || name == "server", "{name}: health check");
        assert!(ours || name == "rabbitmq" || service["read_only"] == true, "{name}: its files can be changed");
        assert!(!ours || service["read_only"] == true && texts(&service["cap_drop"]) == ["ALL"], "{name}");
        for port in service["ports"].as_array().into_iter().flatten() {
            let local = port.as_str().map_or(port["host_ip"] == "127.0.0.1", |port| port.starts_with("127.0.0.1:"));
            assert!(local, "{name}: {port} is published to everybody");
        }
        assert!(
            ["server", "mail", "prometheus"].contains(&name.as_str()) || service["ports"].is_null(),
            "{name}: publishes a port"
        );
        let image = service["image"].as_str().unwrap();
        assert!(
            image.rsplit('/').next().unwrap().contains(':') && !image.ends_with(":latest"),
            "{name}: which {image}?"
        );
    }
    for stage in
        ["enumerate", "fetch", "verify", "archive", "notify", "relay", "server", "postgres", "rabbitmq", "mail"]
    {
        assert!(services(&file).contains_key(stage), "{stage}");
    }
}

#[test]
fn a_process_sees_its_own_secrets_and_no_others() {
    let (_folder, compose) = set_up();
    let file = resolved(&compose);
    let worker = BTreeSet::from([("broker_url", "broker-worker-url"), ("log_url", "log-writer-url")]);
    let relay = BTreeSet::from([("broker_url", "broker-relay-url"), ("log_url", "log-writer-url")]);
    let server = BTreeSet::from([("server_database_url", "server-database-url")]);
    for (name, service) in services(&file).iter().filter(|(_, service)| service["image"] == "strongroom:local") {
        let expected = match name.as_str() {
            "relay" | "topology" => relay.clone(),
            "server" | "token" => server.clone(),
            "migrate" => BTreeSet::from([("log_url", "log-owner-url")]),
            _ => worker.clone(),
        };
        assert_eq!(secrets(service), expected, "{name}");
        let has_token = texts(&service["volumes"]).iter().any(|volume| volume.contains(":/srv/tokens"));
        let asks = ["token", "enumerate", "fetch", "archive", "tool"].contains(&name.as_str());
        assert_eq!(has_token, asks, "{name}: the token for the document server");
        assert!(service["environment"].is_null(), "{name}: nothing secret, nor anything else, by the environment");
        let drive = texts(&service["volumes"]).iter().any(|volume| volume.contains("/drives:/srv/drives:rslave"));
        assert_eq!(drive, ["fetch", "verify", "tool"].contains(&name.as_str()), "{name}: the folder of the drives");
        // A mount of the drive itself stays in the container when the host unmounts it.
        assert!(!texts(&service["volumes"]).iter().any(|volume| volume.contains(":/srv/drives/")), "{name}");
    }
    assert!(compose.join("drives/backup").is_dir());
}

#[test]
fn the_configuration_in_the_containers_is_one() {
    let config = Config::from_text(&tree::read("compose/strongroom.toml"), Path::new("/etc/strongroom")).unwrap();
    assert_eq!(config.log.url_file.unwrap(), Path::new("/run/secrets/log_url"));
    assert_eq!(config.broker.url_file.unwrap(), Path::new("/run/secrets/broker_url"));
    assert_eq!(config.server.database_url_file.unwrap(), Path::new("/run/secrets/server_database_url"));
    assert_eq!(config.source.token_file.unwrap(), Path::new("/srv/tokens/source"));
    assert_eq!(config.drive.root.unwrap(), Path::new("/srv/drives/backup"));
    assert_eq!(config.server.listen.port(), 8400);
    assert_eq!((config.mail.smtp.host.as_deref(), config.mail.smtp.port), (Some("mail"), Some(1025)));
}

#[test]
fn passwords_are_made_once_and_for_the_eyes_of_their_containers() {
    let (_folder, compose) = set_up();
    let secrets = compose.join("secrets");
    let all = || -> Vec<_> {
        let mut names: Vec<_> = fs::read_dir(&secrets).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        names.into_iter().map(|path| (fs::read_to_string(&path).unwrap(), path)).collect()
    };
    let first = all();
    tree::succeeds(Command::new("./setup.sh").current_dir(&compose));
    assert_eq!(first, all(), "what is there is kept");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&secrets), 0o700, "nobody else on the host");
    for (text, path) in &first {
        assert_eq!(mode(path), 0o644, "{}", path.display());
        assert!(!text.contains("PASSWORD"), "{}", path.display());
    }
    let file = resolved(&compose);
    for (name, secret) in file["secrets"].as_object().unwrap() {
        assert!(Path::new(secret["file"].as_str().unwrap()).is_file(), "{name} is not made by setup.sh");
    }
    // What is an address must be one that the program takes.
    for name in ["log-owner-url", "log-writer-url", "server-database-url", "broker-relay-url", "broker-worker-url"] {
        let url = fs::read_to_string(secrets.join(name)).unwrap();
        let section = if name.starts_with("broker") { "broker" } else { "log" };
        Config::from_text(&format!("[{section}]\nurl = \"{}\"", url.trim()), Path::new("/")).unwrap();
    }
}

/// The sample says what holds without it.
#[test]
fn the_samples_values_are_the_defaults() {
    let compose = tree::read("compose/compose.yaml");
    let mut names = BTreeSet::new();
    for line in tree::read("compose/.env.sample").lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (name, value) = line.split_once('=').unwrap();
        assert!(compose.contains(&format!("${{{name}:-{value}}}")), "{line}");
        names.insert(name.to_owned());
    }
    let used: BTreeSet<_> =
        compose.split("${").skip(1).map(|rest| rest.split(":-").next().unwrap().to_owned()).collect();
    assert_eq!(used, names);
}
