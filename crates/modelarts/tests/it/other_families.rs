//! Operations of families that have no document, by method and path: training jobs stand for all of them.

use modelarts::{ManualClock, Method, ModelArts};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::{Clients, Recorded, Reply, Server, code, json as respond, with};

const JOBS: &str = "/v2/{project_id}/training-jobs";

#[derive(Debug, Deserialize)]
struct Job {
    metadata: Metadata,
    status: Status,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    id: String,
    name: String,
}

#[derive(Debug, Deserialize)]
struct Status {
    phase: String,
}

/// A job as the stub shows it, under the name that it was created with.
fn job(name: &str) -> Value {
    json!({
        "kind": "job",
        "metadata": {"id": "j1", "name": name, "create_time": 1_636_447_346_315_i64},
        "status": {"phase": "Pending", "secondary_phase": "Queuing"},
    })
}

/// What the training service does, as far as these tests go.
fn training(sent: &Recorded) -> Reply {
    match (sent.method.as_str(), sent.path()) {
        ("POST", "/v2/p1/training-jobs") => {
            let name = sent.json()["metadata"]["name"].clone();
            respond(201, &job(name.as_str().unwrap_or_default()).to_string())
        }
        ("GET", "/v2/p1/training-jobs/j1") => respond(200, &job("bert").to_string()),
        ("GET", "/v2/p1/training-jobs") => respond(
            200,
            &json!({"total": 1, "count": 1, "limit": 50, "offset": 0, "items": [job("bert")]})
                .to_string(),
        ),
        ("DELETE", "/v2/p1/training-jobs/j1") => respond(202, ""),
        _ => with(code(404, "ModelArts.2704"), "x-request-id", "r-9"),
    }
}

async fn connect(server: &Server) -> ModelArts {
    server.client(&ManualClock::default()).await
}

#[tokio::test]
async fn a_job_is_created_typed_and_listed_raw() {
    let server = Server::start(|sent, _| training(sent));
    let client = connect(&server).await;
    let body = json!({
        "kind": "job",
        "metadata": {"name": "bert"},
        "spec": {"resource": {"flavor_id": "modelarts.p3.large.public", "node_count": 1}},
    });
    let created: Job = client
        .request(Method::POST, JOBS)
        .header("X-Trace-Id", "t-7")
        .json(&body)
        .send_as()
        .await
        .unwrap();
    assert_eq!(
        (
            created.metadata.name.as_str(),
            created.status.phase.as_str()
        ),
        ("bert", "Pending")
    );
    let listed = client
        .request(Method::GET, JOBS)
        .query("limit", 50)
        .query("filters", "name like a&b c/ä")
        .send()
        .await
        .unwrap();
    assert_eq!(listed.status, 200);
    let list: Value = serde_json::from_slice(&listed.body).unwrap();
    assert_eq!(list["items"][0]["metadata"]["id"], created.metadata.id);
    let path = format!("{JOBS}/{}", created.metadata.id);
    let shown: Job = client.request(Method::GET, &path).send_as().await.unwrap();
    assert_eq!(shown.metadata.id, "j1");
    let deleted = client.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!((deleted.status.as_u16(), deleted.body.len()), (202, 0));

    let recorded = server.requests();
    let first = &recorded[0];
    assert_eq!(
        (first.method.as_str(), first.target.as_str(), first.json()),
        ("POST", "/v2/p1/training-jobs", body)
    );
    for (name, value) in [
        ("x-auth-token", "t0p-s3cret"),
        ("content-type", "application/json"),
        ("x-trace-id", "t-7"),
    ] {
        assert_eq!(first.header(name), Some(value), "{name}");
    }
    assert_eq!(
        recorded[1].target,
        "/v2/p1/training-jobs?limit=50&filters=name%20like%20a%26b%20c%2F%C3%A4"
    );
    assert!(
        recorded
            .iter()
            .all(|sent| sent.header("x-auth-token").is_some())
    );
}

#[tokio::test]
async fn a_request_is_sent_again_as_its_method_allows() {
    for (method, marked, sent) in [
        (Method::GET, None, 3),
        (Method::PUT, None, 3),
        (Method::DELETE, None, 3),
        (Method::POST, None, 1),
        (Method::PATCH, None, 1),
        (Method::POST, Some(true), 3),
        (Method::GET, Some(false), 1),
    ] {
        // Whether the first two were carried out, nobody knows.
        let server = Server::start(|_, before| match before {
            0 | 1 => respond(504, ""),
            _ => respond(200, "{}"),
        });
        let client = connect(&server).await;
        let mut request = client.request(method.clone(), JOBS);
        if let Some(marked) = marked {
            request = request.idempotent(marked);
        }
        let outcome = request.send().await;
        assert_eq!(server.count(), sent, "{method} {marked:?}");
        match sent {
            1 => {
                let error = outcome.unwrap_err();
                assert!(error.is_outcome_unknown(), "{method}: {error}");
            }
            _ => assert_eq!(outcome.unwrap().status, 200, "{method}"),
        }
    }
    // What was refused for its rate was certainly not carried out.
    let server = Server::start(|_, before| match before {
        0 => with(respond(429, ""), "retry-after", "1"),
        _ => respond(201, "{}"),
    });
    let client = connect(&server).await;
    client.request(Method::POST, JOBS).send().await.unwrap();
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn an_error_has_the_message_of_the_service_and_no_secret() {
    let server = Server::start(|sent, _| training(sent));
    let client = connect(&server).await;
    let path = format!("{JOBS}/gone");
    let error = client.request(Method::GET, &path).send().await.unwrap_err();
    assert_eq!(
        error.code().map(|code| code.as_str()),
        Some("ModelArts.2704")
    );
    assert_eq!(error.request_id(), Some("r-9"));
    assert_eq!(error.status().map(|status| status.as_u16()), Some(404));

    let leak = r#"{"error_msg": "no", "password": "hunter2", "x-auth-token": "t0p-s3cret"}"#;
    let server = Server::start(|_, _| respond(400, leak));
    let client = connect(&server).await;
    let request = client
        .request(Method::POST, JOBS)
        .header("X-Secret-Token", "hunter3")
        .json(&json!({"spec": {"password": "hunter4"}}));
    let shown = format!("{request:?}");
    let error = request.send().await.unwrap_err();
    let shown = format!("{shown} {error} {error:#} {error:?}");
    for secret in ["hunter2", "hunter3", "hunter4", "t0p-s3cret"] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }

    // A success that is none of what was asked for is an error as well.
    let server = Server::start(|_, _| respond(200, r#"{"metadata": 7}"#));
    let client = connect(&server).await;
    let error = client
        .request(Method::GET, JOBS)
        .send_as::<Job>()
        .await
        .unwrap_err();
    assert!(!error.is_outcome_unknown(), "{error}");
    let error = client
        .request(Method::POST, JOBS)
        .send_as::<Job>()
        .await
        .unwrap_err();
    assert!(error.is_outcome_unknown(), "{error}");
}

#[tokio::test]
async fn a_path_leads_to_the_service_or_nowhere() {
    let server = Server::start(|sent, _| training(sent));
    let client = connect(&server).await;
    for path in [
        "/v2/{project_id}/../training-jobs",
        "/v2/%2e%2e/training-jobs",
        "/v2/{project_id}/training-jobs\\..\\x",
        "//elsewhere.example/v2/training-jobs",
        "https://elsewhere.example/v2/training-jobs",
    ] {
        let error = client.request(Method::GET, path).send().await.unwrap_err();
        assert!(error.is_usage(), "{path}: {error}");
    }
    assert_eq!(server.count(), 0);
}
