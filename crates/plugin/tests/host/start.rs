//! What does not start.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use strongroom_plugin::host::{Obstacle, digest_of};
use strongroom_plugin::protocol::{Outcome, Secret};

use crate::rig::{DONE, HELLO, Rig, verdict};

async fn obstacle(mut rig: Rig) -> (&'static str, String) {
    let obstacle = rig.try_run().await.unwrap_err();
    assert!(!obstacle.next_step().is_empty());
    (obstacle.code(), obstacle.to_string())
}

#[tokio::test]
async fn a_plugin_that_is_not_there_is_named() {
    for word in ["/no/such/plugin", "no-such-plugin"] {
        let (code, text) = obstacle(Rig::new("").with(|rig| rig.launch.argv = vec![OsString::from(word)])).await;
        assert_eq!((code, text), ("plugin-missing", format!("the plugin's program {word} is not there")));
    }
    let (code, _) = obstacle(Rig::new("").with(|rig| rig.launch.argv.clear())).await;
    assert_eq!(code, "plugin-missing");
}

#[tokio::test]
async fn a_plugin_that_is_not_executable_is_named() {
    let rig = Rig::new("");
    let file = rig.launch.argv[1].clone();
    let (code, text) = obstacle(rig.with(|rig| rig.launch.argv = vec![file])).await;
    assert!(code == "plugin-not-executable" && text.contains("plugin.sh"), "{text}");
    let (code, _) = obstacle(Rig::new("").with(|rig| rig.launch.argv = vec![OsString::from("/etc")])).await;
    assert_eq!(code, "plugin-not-executable");
}

#[tokio::test]
async fn a_plugin_that_changed_since_it_was_accepted_is_not_started() {
    let mut rig = Rig::new(&format!("{HELLO}; {DONE}"));
    let digest = digest_of(&rig.launch.argv, &rig.launch.environment).unwrap();
    rig.launch.accepted = Some(digest.clone());
    assert_eq!(verdict(&rig.run().await), (Outcome::Done, ""));
    fs::write(&rig.launch.argv[1], "touch /tmp/started").unwrap();
    let Obstacle::Changed { accepted, found, .. } = rig.try_run().await.unwrap_err() else { panic!() };
    assert!(accepted == digest && found != digest);
}

#[test]
fn the_digest_of_one_file_is_that_of_its_bytes() {
    let rig = Rig::new("exit 0");
    let file = rig.launch.argv[1].clone();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o700)).unwrap();
    let digest = digest_of(&[file], &rig.launch.environment).unwrap();
    // sha256sum of `exit 0`, without a line feed.
    assert_eq!(
        digest.hex(),
        strongroom_model::Digest::of(strongroom_model::digest::Algorithm::Sha256, b"exit 0").hex()
    );
    assert_ne!(digest_of(&rig.launch.argv, &rig.launch.environment).unwrap(), digest);
}

#[tokio::test]
async fn what_could_not_be_kept_secret_or_read_is_not_sent() {
    let short = Rig::new("").with(|rig| drop(rig.request.secrets.insert("pin".to_owned(), Secret::new("123"))));
    let (code, text) = obstacle(short).await;
    assert!(code == "secret-too-short" && text.contains("pin") && !text.contains("123"));
    let long = Rig::new("").with(|rig| rig.request.config = "x".repeat(2 << 20).into());
    assert_eq!(obstacle(long).await.0, "request-too-long");
    let unmakable = Rig::new("").with(|rig| rig.launch.workdirs = "/proc/none".into());
    assert_eq!(obstacle(unmakable).await.0, "plugin-workdir");
}
