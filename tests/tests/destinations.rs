//! Tests the destinations of requests: hostile values in every parameter, against a recording server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic is how a test fails"
)]

use modelarts::{Credentials, Method, ModelArts, Result};
use modelarts_client::{FAMILIES, Operation};
use modelarts_test_support::server::Server;
use percent_encoding::percent_decode_str;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

const PROJECT: &str = "7f3c0e6a1b5d4c2f9e8d7a6b5c4d3e2f";

/// Number of generated values per test.
const CASES: u32 = 256;

/// Generates ids that a proxy or server could resolve to another path.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(".".to_owned()),
        Just("..".to_owned()),
        Just("/".to_owned()),
        Just("\\".to_owned()),
        Just("%2e".to_owned()),
        Just("%2E%2e".to_owned()),
        Just("%252e".to_owned()),
        Just("%2f".to_owned()),
        Just("%5c".to_owned()),
        Just("?x=".to_owned()),
        Just("#".to_owned()),
        Just("@evil.test".to_owned()),
        Just("http://evil.test".to_owned()),
        Just("\t".to_owned()),
        Just("\r\n".to_owned()),
        Just(" ".to_owned()),
        Just("all".to_owned()),
        Just("group".to_owned()),
        Just("flavors".to_owned()),
        Just("notebooks".to_owned()),
        Just("ü".to_owned()),
        Just("\u{202e}".to_owned()),
        Just("n1".to_owned()),
        ".{0,3}",
    ];
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

struct Place {
    server: Server,
    client: ModelArts,
    runtime: tokio::runtime::Runtime,
}

impl Place {
    fn new() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (server, client) = runtime.block_on(async {
            let server = Server::recording();
            let client = ModelArts::builder()
                .endpoint(&server.url)
                .auth_url(format!("{}/v3", server.url))
                .project_id(PROJECT)
                .credentials(Credentials::token("00000000-0000-0000-0000-000000000000"))
                .build();
            let client = client.await.unwrap();
            (server, client)
        });
        Self {
            server,
            client,
            runtime,
        }
    }

    /// Checks that the request has the value as one segment of the operation's path, or that the error names the
    /// value.
    fn judge<T>(&self, id: &str, parameter: &str, value: &str, result: Result<T>) {
        let operation = operation(id);
        let sent = self.server.take();
        match result {
            Err(error) if error.is_usage() => {
                assert_eq!(sent, [], "{value:?} was sent and refused: {error}");
                assert!(
                    error.to_string().contains(&format!("`{parameter}`")),
                    "{error}"
                );
            }
            _ => {
                let [sent] = &sent[..] else {
                    panic!("{value:?} sent {} requests", sent.len());
                };
                assert_eq!(sent.method, operation.method);
                let (found, wanted) = (sent.path().split('/'), operation.path.split('/'));
                assert_eq!(
                    found.clone().count(),
                    wanted.clone().count(),
                    "{}",
                    sent.path()
                );
                for (found, wanted) in found.zip(wanted) {
                    let decoded = percent_decode_str(found).decode_utf8().unwrap();
                    match wanted
                        .strip_prefix('{')
                        .and_then(|name| name.strip_suffix('}'))
                    {
                        None => assert_eq!(found, wanted),
                        Some(name) if name == parameter => assert_eq!(decoded, value),
                        Some(_) => assert!(!decoded.is_empty()),
                    }
                }
            }
        }
    }
}

fn operation(id: &str) -> &'static Operation {
    let mut operations = FAMILIES.iter().flat_map(|family| family.operations);
    operations.find(|operation| operation.id == id).unwrap()
}

fn try_all(judge: impl Fn(&str)) {
    let mut runner = TestRunner::new(Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    });
    let known = [
        r"x\..\..\notebooks\ID",
        "",
        " ",
        ".",
        "..",
        "%2e%2e",
        "all",
        "flavors",
        "group",
        "../notebooks/ID",
        "a/b",
        "n1\n",
    ];
    known.into_iter().for_each(&judge);
    runner
        .run(&hostile(), |value| {
            judge(&value);
            Ok(())
        })
        .unwrap();
}

#[test]
fn ids_in_groups_reach_their_resource_or_are_rejected() {
    let place = Place::new();
    let client = &place.client;
    let run = |id: &str,
               parameter: &str,
               value: &str,
               call: std::pin::Pin<Box<dyn Future<Output = Result<()>> + '_>>| {
        let result = place.runtime.block_on(call);
        place.judge(id, parameter, value, result);
    };
    try_all(|value| {
        run(
            "deleteImage",
            "id",
            value,
            Box::pin(async move { client.images().delete(value).await.map(drop) }),
        );
        run(
            "deleteNotebook",
            "id",
            value,
            Box::pin(async move { client.notebooks().delete(value).await.map(drop) }),
        );
        run(
            "deleteDevEnvInstance",
            "instance_id",
            value,
            Box::pin(async move { client.instances().delete(value).await.map(drop) }),
        );
        run(
            "cancelObs",
            "storage_id",
            value,
            Box::pin(async move { client.storage().unmount("n1", value).await.map(drop) }),
        );
        run(
            "showSwitchableFlavors",
            "id",
            value,
            Box::pin(async move { client.flavors().switchable(value).await.map(drop) }),
        );
        run(
            "showLease",
            "id",
            value,
            Box::pin(async move { client.leases().show(value).await.map(drop) }),
        );
    });
}

#[test]
fn ids_in_the_generated_client_reach_their_resource_or_are_rejected() {
    let place = Place::new();
    let generated = place.client.devenviron();
    try_all(|value| {
        let request = generated.delete_image().project_id(PROJECT).id(value);
        place.judge(
            "deleteImage",
            "id",
            value,
            place.runtime.block_on(request.send()),
        );
        let request = generated.stop_notebook().project_id(value).id("n1");
        place.judge(
            "stopNotebook",
            "project_id",
            value,
            place.runtime.block_on(request.send()),
        );
    });
}

#[test]
fn ids_in_untyped_calls_reach_their_resource_or_are_rejected() {
    let place = Place::new();
    try_all(|value| {
        let template = "/v1/{project_id}/notebooks/{id}";
        for request in [
            place.client.call("deleteNotebook"),
            place.client.request(Method::DELETE, template),
        ] {
            let call = request.clone().path("id", value).send();
            place.judge("deleteNotebook", "id", value, place.runtime.block_on(call));
            let call = request.path("id", "n1").path("project_id", value).send();
            place.judge(
                "deleteNotebook",
                "project_id",
                value,
                place.runtime.block_on(call),
            );
        }
    });
}

#[test]
fn an_invalid_project_of_the_client_is_rejected_by_every_call() {
    let place = Place::new();
    for project in ["..", r"p\..\..\x", "a\nb"] {
        let result = place.runtime.block_on(async {
            let client = ModelArts::builder()
                .endpoint(&place.server.url)
                .project_id(project)
                .credentials(Credentials::token("00000000-0000-0000-0000-000000000000"))
                .build()
                .await?;
            client.notebooks().list().send().await.map(drop)
        });
        assert!(
            result.unwrap_err().to_string().contains("project"),
            "{project:?}"
        );
        assert_eq!(place.server.take(), []);
    }
}

#[test]
fn raw_paths_are_sent_unchanged_or_rejected() {
    let place = Place::new();
    let base = format!("/v1/{PROJECT}/notebooks/");
    try_all(|value| {
        for path in [
            value.to_owned(),
            format!("/{value}"),
            format!("{base}{value}"),
        ] {
            let request = place.client.request(Method::DELETE, path.as_str());
            let result = place.runtime.block_on(request.send());
            let sent = place.server.take();
            match result {
                Err(error) if error.is_usage() => {
                    assert_eq!(sent, [], "{path:?}");
                    assert!(error.to_string().starts_with("request: `path` "), "{error}");
                }
                _ => {
                    assert_eq!(sent.len(), 1, "{path:?}");
                    assert_eq!(sent[0].target, path);
                    let decoded = percent_decode_str(&path).decode_utf8_lossy().into_owned();
                    let step = |step: &str| matches!(step.trim(), "." | "..");
                    assert!(!decoded.split(['/', '\\']).any(step), "{path:?}");
                }
            }
        }
    });
}

#[test]
fn a_raw_request_carries_query_headers_and_body() {
    let place = Place::new();
    let request = place
        .client
        .request(Method::PATCH, "/v1/{project_id}/notebooks/n1/lease")
        .query("duration", 3_600_000)
        .query("name", "a b&c")
        .header("x-trace", "7")
        .json(&serde_json::json!({"type": "timing"}));
    place.runtime.block_on(request.send()).unwrap();
    let sent = place.server.take_one();
    assert_eq!(
        sent.target,
        format!("/v1/{PROJECT}/notebooks/n1/lease?duration=3600000&name=a%20b%26c")
    );
    assert_eq!(sent.header("x-trace"), Some("7"));
    assert_eq!(sent.header("content-type"), Some("application/json"));
    assert_eq!(sent.json(), serde_json::json!({"type": "timing"}));

    for (name, value, expected) in [
        ("host", "evil.test", "`host`"),
        ("a b", "c", "name"),
        ("x-trace", "a\nb", "value"),
    ] {
        let request = place.client.request(Method::GET, "/v1").header(name, value);
        let error = place.runtime.block_on(request.send()).unwrap_err();
        assert!(
            error.is_usage() && error.to_string().contains(expected),
            "{error}"
        );
    }
    assert_eq!(place.server.take(), []);
}
