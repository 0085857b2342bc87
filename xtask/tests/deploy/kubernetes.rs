//! The manifests. No cluster is asked for: kubectl puts them together, and each is read as the API's own types.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use strongroom_service::Config;

use crate::tree;

fn manifests() -> Vec<(String, Value)> {
    let files =
        tree::files_like("kubernetes/", ".yaml").into_iter().filter(|file| !file.ends_with("kustomization.yaml"));
    files.flat_map(|file| tree::yaml(&file).into_iter().map(move |manifest| (file.clone(), manifest))).collect()
}

/// The pods that a manifest describes, however deep they lie.
pub(crate) fn pods(manifest: &Value) -> Vec<&Value> {
    let Some(fields) = manifest.as_object() else { return Vec::new() };
    let own = fields.contains_key("containers").then_some(manifest);
    own.into_iter().chain(fields.values().flat_map(pods)).collect()
}

/// The manifest as the type sees it. What comes back must be what went in: a field that the type does
/// not know is lost on the way, and one that it needs is added.
fn read_as<T: DeserializeOwned + Serialize>(manifest: &Value) -> Result<(), String> {
    let typed: T = serde_json::from_value(manifest.clone()).map_err(|error| error.to_string())?;
    let back = serde_json::to_value(typed).map_err(|error| error.to_string())?;
    if back == *manifest { Ok(()) } else { Err(format!("it is read as\n{back:#}\nand was\n{manifest:#}")) }
}

/// KEDA's types, as far as they are used (<https://keda.sh/docs/2.17/reference/scaledobject-spec/>).
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Scaled {
    api_version: String,
    kind: String,
    metadata: BTreeMap<String, String>,
    spec: ScaledSpec,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ScaledSpec {
    scale_target_ref: BTreeMap<String, String>,
    polling_interval: u32,
    cooldown_period: u32,
    min_replica_count: u32,
    max_replica_count: u32,
    triggers: Vec<Trigger>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Trigger {
    #[serde(rename = "type")]
    kind: String,
    /// Every value is a text, numbers as well.
    metadata: BTreeMap<String, String>,
    authentication_ref: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Authentication {
    api_version: String,
    kind: String,
    metadata: BTreeMap<String, String>,
    spec: AuthenticationSpec,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AuthenticationSpec {
    secret_target_ref: Vec<BTreeMap<String, String>>,
}

#[test]
fn every_manifest_is_what_it_says_it_is() {
    for (file, manifest) in manifests() {
        let (version, kind) = (manifest["apiVersion"].as_str().unwrap(), manifest["kind"].as_str().unwrap());
        let read = match (version, kind) {
            ("v1", "Namespace") => read_as::<Namespace>(&manifest),
            ("v1", "ConfigMap") => read_as::<ConfigMap>(&manifest),
            ("v1", "Secret") => read_as::<Secret>(&manifest),
            ("apps/v1", "Deployment") => read_as::<Deployment>(&manifest),
            ("batch/v1", "Job") => read_as::<Job>(&manifest),
            ("batch/v1", "CronJob") => read_as::<CronJob>(&manifest),
            ("networking.k8s.io/v1", "NetworkPolicy") => read_as::<NetworkPolicy>(&manifest),
            ("policy/v1", "PodDisruptionBudget") => read_as::<PodDisruptionBudget>(&manifest),
            ("keda.sh/v1alpha1", "ScaledObject") => read_as::<Scaled>(&manifest),
            ("keda.sh/v1alpha1", "TriggerAuthentication") => read_as::<Authentication>(&manifest),
            _ => Err(format!("{version} {kind} is known to no test")),
        };
        read.unwrap_or_else(|error| panic!("deploy/{file}: {error}"));
    }
}

/// The policy holds every pod of ours, and no port but the one for health is open.
#[test]
fn the_network_policy_is_about_every_pod() {
    let policy = tree::yaml("kubernetes/network.yaml").remove(0);
    let wanted = policy["spec"]["podSelector"]["matchLabels"].as_object().unwrap();
    for (file, manifest) in manifests() {
        let labels = manifest.pointer("/spec/template/metadata/labels");
        let labels = labels.or_else(|| manifest.pointer("/spec/jobTemplate/spec/template/metadata/labels"));
        for (label, value) in wanted.iter().filter(|_| !pods(&manifest).is_empty()) {
            assert_eq!(labels.and_then(|labels| labels.get(label)), Some(value), "{file}");
        }
    }
    assert_eq!(policy["spec"]["ingress"][0]["ports"], serde_json::json!([{ "port": 9400, "protocol": "TCP" }]));
}

#[test]
fn a_manifest_with_a_slip_in_it_is_seen() {
    let deployment = tree::yaml("kubernetes/fetch.yaml").remove(0);
    assert_eq!(read_as::<Deployment>(&deployment), Ok(()));
    let mut unknown = deployment.clone();
    unknown["spec"]["template"]["spec"]["node_selector"] = "blue".into();
    let mut missing = deployment.clone();
    missing["spec"].as_object_mut().unwrap().remove("selector");
    let mut wrong = deployment;
    wrong["spec"]["replicas"] = "two".into();
    for slip in [unknown, missing, wrong] {
        assert!(read_as::<Deployment>(&slip).is_err(), "{slip:#}");
    }
}

#[test]
fn kubectl_puts_them_together() {
    let mut kustomize = tree::tool("kubectl", "kubernetes-client");
    let text = tree::succeeds(kustomize.args(["kustomize", "kubernetes"]));
    let all = tree::documents(&text).unwrap();
    let names: BTreeSet<_> = all
        .iter()
        .map(|manifest| (manifest["kind"].as_str().unwrap(), manifest["metadata"]["name"].as_str().unwrap()))
        .collect();
    for stage in ["relay", "enumerate", "fetch", "verify", "archive", "notify"] {
        assert!(names.contains(&("Deployment", stage)), "{stage}");
    }
    assert!(!names.iter().any(|(kind, _)| *kind == "Secret"), "a sample's passwords must not be deployed");
    for manifest in all.iter().filter(|manifest| manifest["kind"] != "Namespace") {
        assert_eq!(manifest["metadata"]["namespace"], "strongroom", "{manifest:#}");
    }
    assert!(text.contains("image: registry.example.com/strongroom:"), "{text}");
}

#[test]
fn every_container_is_held_in_and_every_worker_is_probed() {
    for (file, manifest) in manifests() {
        for pod in pods(&manifest) {
            let safe = &pod["securityContext"];
            assert_eq!((&safe["runAsNonRoot"], &safe["runAsUser"]), (&true.into(), &10001.into()), "{file}");
            assert_eq!(pod["automountServiceAccountToken"], false, "{file}");
            // Else the cluster names its services like our variables.
            assert_eq!(pod["enableServiceLinks"], false, "{file}");
            let container = &pod["containers"][0];
            let safe = &container["securityContext"];
            assert_eq!(
                (&safe["readOnlyRootFilesystem"], &safe["allowPrivilegeEscalation"]),
                (&true.into(), &false.into()),
                "{file}"
            );
            assert!(
                container["resources"]["requests"]["memory"].is_string()
                    && container["resources"]["limits"]["memory"].is_string(),
                "{file}"
            );
            if manifest["kind"] == "Deployment" {
                assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/healthz", "{file}");
                assert_eq!(container["readinessProbe"]["httpGet"]["path"], "/readyz", "{file}");
                assert_eq!(container["ports"][0]["containerPort"], 9400, "{file}: where the image listens");
                assert_eq!(container["args"][0], manifest["metadata"]["name"], "{file}");
            }
            // Only where the drive is can it be written to and read back.
            let mounts = container["volumeMounts"].as_array().unwrap();
            let drive = mounts.iter().find(|mount| mount["name"] == "drives");
            assert_eq!(
                drive.is_some(),
                ["fetch", "verify"].iter().any(|stage| container["args"][0] == *stage),
                "{file}"
            );
            assert_eq!(drive.is_some(), pod["nodeSelector"].is_object(), "{file}");
            assert!(
                drive.is_none_or(|mount| mount["mountPropagation"] == "HostToContainer"),
                "{file}: a drive that is swapped is seen"
            );
        }
    }
}

/// The keys of a secret that several kinds of processes share, as each of them sees it.
#[test]
fn a_process_sees_its_own_secrets_and_no_others() {
    for (file, manifest) in manifests() {
        for pod in pods(&manifest) {
            let volumes = pod["volumes"].as_array().unwrap();
            let shared = volumes.iter().find(|volume| volume["secret"]["secretName"] == "strongroom-worker");
            let Some(shared) = shared else { continue };
            let items = shared["secret"]["items"].as_array().unwrap_or_else(|| panic!("{file}: it sees every key"));
            let keys: BTreeSet<&str> = items.iter().map(|item| item["key"].as_str().unwrap()).collect();
            let own: &[&str] = match pod["containers"][0]["args"][0].as_str().unwrap() {
                "enumerate" | "fetch" | "archive" => &["source_token"],
                "notify" => &["smtp_password"],
                "verify" => &[],
                other => panic!("{file}: {other}"),
            };
            assert_eq!(keys, ["log_url", "broker_url"].iter().chain(own).copied().collect(), "{file}");
        }
    }
}

#[test]
fn what_a_manifest_names_is_there() {
    let all = manifests();
    let named = |kind: &str| -> BTreeSet<String> {
        let of_kind = all.iter().filter(|(_, manifest)| manifest["kind"] == kind);
        of_kind.map(|(_, manifest)| manifest["metadata"]["name"].as_str().unwrap().to_owned()).collect()
    };
    let (secrets, maps) = (named("Secret"), named("ConfigMap"));
    for (file, manifest) in &all {
        for volume in pods(manifest).iter().flat_map(|pod| pod["volumes"].as_array().unwrap()) {
            let there = |names: &BTreeSet<String>, name: &Value| name.as_str().is_none_or(|name| names.contains(name));
            assert!(there(&secrets, &volume["secret"]["secretName"]), "{file}: {volume}");
            assert!(there(&maps, &volume["configMap"]["name"]), "{file}: {volume}");
        }
        if manifest["kind"] == "PodDisruptionBudget" {
            let selects = &manifest["spec"]["selector"];
            let whom =
                all.iter().find(|(_, other)| other["kind"] == "Deployment" && other["spec"]["selector"] == *selects);
            let (_, whom) = whom.unwrap_or_else(|| panic!("{file}: {selects} is nobody"));
            assert!(
                whom["spec"]["replicas"].as_u64() > manifest["spec"]["minAvailable"].as_u64(),
                "{file}: nobody could leave"
            );
        }
    }
}

#[test]
fn the_configuration_is_one_and_its_secrets_are_in_the_sample() {
    let map = &tree::yaml("kubernetes/config.yaml")[0];
    let config =
        Config::from_text(map["data"]["strongroom.toml"].as_str().unwrap(), Path::new("/etc/strongroom")).unwrap();
    let files = [config.log.url_file, config.broker.url_file, config.source.token_file, config.mail.smtp.password_file];
    let secrets = tree::yaml("kubernetes/secrets.sample.yaml");
    let keys = |name: &str| -> BTreeSet<String> {
        let secret = secrets.iter().find(|secret| secret["metadata"]["name"] == name).unwrap();
        secret["stringData"].as_object().unwrap().keys().cloned().collect()
    };
    let worker = keys("strongroom-worker");
    for file in files.into_iter().flatten() {
        assert_eq!(file.parent().unwrap(), Path::new("/run/secrets/strongroom"), "where secrets are mounted");
        assert!(worker.contains(file.file_name().unwrap().to_str().unwrap()), "{}", file.display());
    }
    assert_eq!(keys("strongroom-relay"), BTreeSet::from(["broker_url".to_owned(), "log_url".to_owned()]));
    assert_eq!(keys("strongroom-owner"), BTreeSet::from(["log_url".to_owned()]));
    for secret in &secrets {
        for (key, section) in [("log_url", "log"), ("broker_url", "broker")] {
            if let Some(url) = secret["stringData"][key].as_str() {
                Config::from_text(&format!("[{section}]\nurl = \"{url}\""), Path::new("/")).unwrap();
            }
        }
    }
}

/// Scaling asks for the queue that the topology has, of the site that is configured.
#[test]
fn keda_looks_at_fetchs_queue() {
    let scaled = &tree::yaml("kubernetes/keda/fetch.yaml")[1];
    let queue = scaled["spec"]["triggers"][0]["metadata"]["queueName"].as_str().unwrap();
    let definitions: Value = serde_json::from_str(&tree::read("rabbitmq/definitions.json")).unwrap();
    assert!(definitions["queues"].as_array().unwrap().iter().any(|known| known["name"] == queue), "{queue}");
    let map = &tree::yaml("kubernetes/config.yaml")[0];
    let config = Config::from_text(map["data"]["strongroom.toml"].as_str().unwrap(), Path::new("/")).unwrap();
    assert_eq!(queue, format!("strongroom.{}.fetch.v1", config.site));
    let wanted: u64 = scaled["spec"]["triggers"][0]["metadata"]["value"].as_str().unwrap().parse().unwrap();
    let most = scaled["spec"]["maxReplicaCount"].as_u64().unwrap();
    assert!(wanted * most <= u64::from(config.broker.ready_most), "the queue never holds enough for {most} workers");
}
