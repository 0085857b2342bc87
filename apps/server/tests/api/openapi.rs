//! The API's description.

use std::path::Path;

use reqwest::{Method, StatusCode};
use serde_json::Value;
use strongroom_server::openapi_json;
use strongroom_server::token::Scope;

use super::rig::{Rig, problem};

#[test]
fn the_schema_in_the_repository_is_the_apis() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/openapi.json");
    let current = openapi_json();
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, &current).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == current, "schemas/openapi.json has drifted: run this test with UPDATE_SCHEMAS=1");
}

#[tokio::test]
async fn it_is_served_to_whoever_asks() {
    let rig = Rig::start().await;
    let response = rig.client.get(format!("{}/openapi.json", rig.server.url())).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.text().await.unwrap(), openapi_json());
}

/// What a route asks for is what its description says: else a client would be sent away, or
/// let in, by surprise.
#[tokio::test]
async fn each_route_asks_for_the_scopes_that_are_described() {
    let rig = Rig::start().await;
    let described: Value = serde_json::from_str(&openapi_json()).unwrap();
    let mut checked = 0;
    for (path, methods) in described["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let url = format!("{}{}", rig.server.url(), path.replace("{id}", "B-1"));
            let Some(security) = operation["security"].as_array() else {
                assert!(rig.client.request(method, url).send().await.unwrap().status().is_success());
                continue;
            };
            let wanted: Vec<&str> = security.iter().filter_map(|scheme| scheme["bearer"][0].as_str()).collect();
            for scope in Scope::ALL {
                let token = rig.token(&[scope]).await;
                let status = rig.client.request(method.clone(), &url).bearer_auth(token).send().await.unwrap().status();
                let allowed = scope == Scope::Admin || wanted.contains(&scope.name());
                assert_eq!(status != StatusCode::FORBIDDEN, allowed, "{method} {path} with {}: {status}", scope.name());
                checked += 1;
            }
            let response = rig.client.request(method.clone(), &url).send().await.unwrap();
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{method} {path}");
            if method != Method::HEAD {
                problem(response, StatusCode::UNAUTHORIZED, "no-token").await;
            }
        }
    }
    assert_eq!(checked, 17 * 6);
}
