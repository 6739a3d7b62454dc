use hmac::{Hmac, KeyInit, Mac};
use modelarts_emulator::{Emulator, Fixtures};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::client::{Client, Response, notebook};

fn password(client: &Client, scope: Value) -> Value {
    json!({"auth": {
        "identity": {"methods": ["password"], "password": {"user": {
            "name": client.emulator.user_name(),
            "password": client.emulator.password().expose(),
            "domain": {"name": client.emulator.domain_name()},
        }}},
        "scope": scope,
    }})
}

async fn sign_in(client: &Client, body: &Value) -> Response {
    let request = client.request(Method::POST, "/v3/auth/tokens").json(body);
    client.finish(request).await
}

async fn list(client: &Client, project: &str, token: &str) -> Response {
    let path = format!("/v1/{project}/notebooks");
    let request = client
        .request(Method::GET, &path)
        .header("X-Auth-Token", token);
    client.finish(request).await
}

#[tokio::test]
async fn a_password_gives_a_token_with_a_catalogue() {
    let client = Client::start().await;
    let scope = json!({"project": {
        "name": client.emulator.project_name(), "domain": {"name": client.emulator.domain_name()},
    }});
    let response = sign_in(&client, &password(&client, scope)).await;
    assert_eq!(response.status, 201);
    let token = response.headers["x-subject-token"]
        .to_str()
        .unwrap()
        .to_owned();
    let body = response.ok();
    let project = client.emulator.project_id();
    let entry = body["token"]["catalog"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["type"] == "modelartsv1")
        .unwrap();
    let url = format!("{}/v1/{project}", client.emulator.base_url());
    assert_eq!(entry["endpoints"][0]["url"], url);
    assert_eq!(list(&client, project, &token).await.status, 200);

    client.pass(24 * 3600 - 1);
    assert_eq!(list(&client, project, &token).await.status, 200);
    client.pass(1);
    let expired = list(&client, project, &token).await;
    assert_eq!((expired.status, expired.code()), (401, "ModelArts.0202"));
}

#[tokio::test]
async fn a_token_gives_another_one_of_another_scope() {
    let client = Client::start().await;
    let token = client.emulator.token().expose().to_owned();
    let scope = json!({"domain": {"name": client.emulator.domain_name()}});
    let body = json!({"auth": {"identity": {"methods": ["token"], "token": {"id": token}}, "scope": scope}});
    let response = sign_in(&client, &body).await;
    let other = response.headers["x-subject-token"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(response.ok()["token"]["domain"]["name"], "emulator");
    let refused = list(&client, client.emulator.project_id(), &other).await;
    assert_eq!((refused.status, refused.code()), (401, "ModelArts.0212"));
}

#[tokio::test]
async fn wrong_credentials_are_refused_in_the_words_of_keystone() {
    let client = Client::start().await;
    let mut body = password(&client, json!({"project": {"name": "nowhere"}}));
    let refused = sign_in(&client, &body).await;
    assert_eq!(
        (refused.status, &refused.body["error"]["code"]),
        (401, &json!(401))
    );
    body["auth"]["identity"]["password"]["user"]["password"] = json!("wrong");
    assert_eq!(sign_in(&client, &body).await.status, 401);
    assert_eq!(sign_in(&client, &json!({"auth": {}})).await.status, 400);
    let project = client.emulator.project_id();
    for (token, code) in [("", "ModelArts.0201"), ("nonsense", "ModelArts.0203")] {
        let refused = list(&client, project, token).await;
        assert_eq!((refused.status, refused.code()), (401, code));
    }
    let bare = client.request(Method::GET, &format!("/v1/{project}/notebooks"));
    assert_eq!(client.finish(bare).await.code(), "ModelArts.0201");
}

#[tokio::test]
async fn projects_and_domains_are_listed_for_sdks() {
    let client = Client::start().await;
    let token = client.emulator.token().expose().to_owned();
    let get = async |path: &str| {
        let request = client
            .request(Method::GET, path)
            .header("X-Auth-Token", &token);
        client.finish(request).await
    };
    let projects = get("/v3/projects?name=eu-de").await.ok();
    assert_eq!(projects["projects"].as_array().unwrap().len(), 1);
    assert_eq!(projects["projects"][0]["id"], client.emulator.project_id());
    assert_eq!(
        get("/v3/projects?name=other").await.ok()["projects"],
        json!([])
    );
    assert_eq!(
        get("/v3/auth/domains").await.ok()["domains"][0]["name"],
        "emulator"
    );
    assert_eq!(get("/v3").await.ok()["version"]["id"], "v3.14");
    let versions = get("/").await;
    assert_eq!(versions.status, 300);
    assert!(versions.body["versions"]["values"][0]["links"][0]["href"].is_string());
}

#[tokio::test]
async fn a_project_never_sees_anothers_data() {
    let fixtures: Fixtures = serde_json::from_value(json!({
        "projects": [{"id": "a".repeat(32), "name": "a"}, {"id": "b".repeat(32), "name": "b"}],
        "users": [{"name": "ada", "projects": ["a"]}, {"name": "bob", "projects": ["b"], "password": "pw"}],
    }))
    .unwrap();
    let client = Client::with(Emulator::builder().manual().fixtures(fixtures)).await;
    let id = client.create(json!({})).await;
    let image = json!({"swr_path": "swr.example.com/team/own:1"});
    let image = client.post("/images", image).await.ok()["id"]
        .as_str()
        .unwrap()
        .to_owned();

    let other = "b".repeat(32);
    let body = json!({"auth": {
        "identity": {"methods": ["password"], "password": {"user": {
            "name": "bob", "password": "pw", "domain": {"name": "emulator"},
        }}},
        "scope": {"project": {"id": other}},
    }});
    let response = sign_in(&client, &body).await;
    let token = response.headers["x-subject-token"]
        .to_str()
        .unwrap()
        .to_owned();
    let get = async |project: &str, path: &str| {
        let path = format!("/v1/{project}{path}");
        let request = client
            .request(Method::GET, &path)
            .header("X-Auth-Token", &token);
        client.finish(request).await
    };
    assert_eq!(get(&other, "/notebooks/all").await.ok()["total"], 0);
    assert_eq!(
        get(&other, &format!("/notebooks/{id}")).await.code(),
        "ModelArts.6309"
    );
    assert_eq!(
        get(&other, &format!("/images/{image}")).await.code(),
        "ModelArts.6404"
    );
    assert_eq!(
        get(client.emulator.project_id(), "/notebooks").await.status,
        403
    );
}

/// Signs like a client that signs host, content type and date.
fn signed(
    client: &Client,
    method: &str,
    path: &str,
    query: &str,
    body: &str,
    date: &str,
    secret: &str,
) -> reqwest::RequestBuilder {
    let host = client.emulator.address().to_string();
    let hash = hex(&Sha256::digest(body));
    let canonical = format!(
        "{method}\n{path}/\n{query}\ncontent-type:application/json\nhost:{host}\nx-sdk-date:{date}\n\ncontent-type;host;x-sdk-date\n{hash}"
    );
    let text = format!(
        "SDK-HMAC-SHA256\n{date}\n{}",
        hex(&Sha256::digest(canonical))
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    let signature = hex(&mac.finalize().into_bytes());
    let target = if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    };
    client
        .request(method.parse().unwrap(), &target)
        .header("Content-Type", "application/json")
        .header("X-Sdk-Date", date)
        .header(
            "Authorization",
            format!(
                "SDK-HMAC-SHA256 Access={}, SignedHeaders=content-type;host;x-sdk-date, Signature={signature}",
                client.emulator.access_key()
            ),
        )
        .body(body.to_owned())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn signed_requests_are_verified() {
    let client = Client::with(Emulator::builder().manual().rng_seed(1)).await;
    let path = format!("/v1/{}/notebooks", client.emulator.project_id());
    let secret = client.emulator.secret_key().expose().to_owned();
    let date = "20260101T000500Z";
    let body = notebook(json!({})).to_string();
    let create = signed(&client, "POST", &path, "", &body, date, &secret);
    assert_eq!(client.finish(create).await.status, 200);
    let get = signed(
        &client,
        "GET",
        &path,
        "limit=10&name=train",
        "",
        date,
        &secret,
    );
    assert_eq!(client.finish(get).await.ok()["total"], 1);

    let refused = [
        signed(&client, "GET", &path, "", "", date, "wrong"),
        signed(&client, "GET", &path, "", "", "20260101T001501Z", &secret),
        signed(&client, "POST", &path, "", &body, date, &secret).body("{}"),
    ];
    for request in refused {
        let response = client.finish(request).await;
        assert_eq!((response.status, response.code()), (401, "APIG.0301"));
        assert!(response.body["request_id"].is_string(), "{response:?}");
    }
    let foreign = signed(&client, "GET", "/v1/other/notebooks", "", "", date, &secret);
    assert_eq!(client.finish(foreign).await.status, 403);
    let projects = signed(
        &client,
        "GET",
        "/v3/projects",
        "name=eu-de",
        "",
        date,
        &secret,
    );
    assert_eq!(client.finish(projects).await.status, 200);
}
