//! Tokens.

use reqwest::{Method, StatusCode};
use strongroom_server::token::{self, Scope};

use super::rig::{Rig, problem};

#[tokio::test]
async fn without_a_token_the_answer_says_what_to_send() {
    let rig = Rig::start().await;
    let url = format!("{}/v1/bookings/waiting", rig.server.url());
    let response = rig.client.get(&url).send().await.unwrap();
    assert_eq!(response.headers()["www-authenticate"], "Bearer realm=\"strongroom\"");
    let detail = problem(response, StatusCode::UNAUTHORIZED, "no-token").await;
    assert!(detail.contains("Authorization: Bearer"), "{detail}");
    for value in ["Basic YTpi", "Bearer", "Bearer ", "bearer", &format!("Bearer {}", "x".repeat(1000))] {
        let response = rig.client.get(&url).header("authorization", value).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{value}");
    }
}

#[tokio::test]
async fn an_unknown_or_revoked_token_is_an_invalid_one() {
    let rig = Rig::start().await;
    let url = format!("{}/v1/bookings/waiting", rig.server.url());
    let (token, secret) =
        token::create(rig.documents().store(), "pipeline", &[Scope::Backup], &rig.clock).await.unwrap();
    let ask = |token: &str| rig.client.get(&url).header("Authorization", format!("bearer {token}")).send();
    assert_eq!(ask(secret.expose()).await.unwrap().status(), StatusCode::OK);
    token::revoke(rig.documents().store(), &token.id, &rig.clock).await.unwrap();
    for shown in [secret.expose(), "strongroom_nonsense"] {
        let response = ask(shown).await.unwrap();
        let challenge = response.headers()["www-authenticate"].to_str().unwrap().to_owned();
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
        let detail = problem(response, StatusCode::UNAUTHORIZED, "no-token").await;
        assert!(!detail.contains(shown), "{detail}");
    }
}

#[tokio::test]
async fn a_token_without_the_scope_is_told_which_is_needed() {
    let rig = Rig::start().await;
    let token = rig.token(&[Scope::Read]).await;
    let url = format!("{}/v1/marks", rig.server.url());
    let response = rig.client.post(url).bearer_auth(token).body("no JSON at all").send().await.unwrap();
    let challenge = response.headers()["www-authenticate"].to_str().unwrap().to_owned();
    assert!(challenge.contains("error=\"insufficient_scope\", scope=\"backup\""), "{challenge}");
    let detail = problem(response, StatusCode::FORBIDDEN, "not-allowed").await;
    assert!(detail.contains("\"read\"") && detail.contains("\"backup\""), "{detail}");
}

#[tokio::test]
async fn health_needs_no_token_and_tells_when_the_root_is_gone() {
    let rig = Rig::start().await;
    let url = format!("{}/healthz", rig.server.url());
    assert_eq!(rig.client.get(&url).send().await.unwrap().status(), StatusCode::OK);
    rig.documents().store().close().await;
    // What was found a moment ago counts for a second.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let response = rig.client.get(&url).send().await.unwrap();
    problem(response, StatusCode::SERVICE_UNAVAILABLE, "unhealthy").await;
    // A request fails then, but tells nobody more than that.
    let response = rig.request(Method::GET, "/v1/bookings/waiting").send().await.unwrap();
    let detail = problem(response, StatusCode::INTERNAL_SERVER_ERROR, "internal").await;
    assert!(!detail.contains("pool"), "{detail}");
}
