use std::time::Duration;

use modelarts_emulator::{Emulator, LogFilter};
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::{Client, Response, notebook};

async fn raw_body(client: &Client, kind: Option<&str>, body: Vec<u8>) -> Response {
    let path = format!("/v1/{}/notebooks", client.emulator.project_id());
    let token = client.emulator.token();
    let mut request = client
        .request(Method::POST, &path)
        .header("X-Auth-Token", token.expose())
        .body(body);
    if let Some(kind) = kind {
        request = request.header("Content-Type", kind);
    }
    client.finish(request).await
}

#[tokio::test]
async fn bad_bodies_are_refused_with_a_reason() {
    let client = Client::start().await;
    let good = notebook(json!({})).to_string().into_bytes();
    assert_eq!(raw_body(&client, None, good.clone()).await.status, 200);
    let utf8 = Some("application/json;charset=utf-8");
    assert_eq!(raw_body(&client, utf8, good.clone()).await.status, 200);
    let text = raw_body(&client, Some("text/plain"), good).await;
    assert_eq!((text.status, text.code()), (400, "ModelArts.0104"));
    let json = Some("application/json");
    for body in [
        &b"{"[..],
        b"\xff\xfe",
        b"",
        b"[1]",
        b"{\"duration\": 1e999}",
        b"nul",
    ] {
        let refused = raw_body(&client, json, body.to_vec()).await;
        assert_eq!(refused.status, 400, "{refused:?}");
        assert!(refused.body["error_msg"].is_string(), "{refused:?}");
    }
    let deep = "[".repeat(100_000);
    assert_eq!(raw_body(&client, json, deep.into_bytes()).await.status, 400);
}

#[tokio::test]
async fn large_bodies_are_refused_before_they_are_read() {
    let client = Client::start().await;
    let huge = vec![b' '; 1024 * 1024 + 1];
    let refused = raw_body(&client, None, huge).await;
    assert_eq!((refused.status, refused.code()), (400, "ModelArts.0104"));
}

#[tokio::test]
async fn unknown_paths_and_methods_are_json_too() {
    let client = Client::start().await;
    let unknown = client.get("/colours").await;
    assert_eq!((unknown.status, unknown.code()), (404, "APIG.0101"));
    let method = client.send("PATCH", "/notebooks", None).await;
    assert_eq!(method.status, 405);
    assert_eq!(method.headers["allow"], "GET, POST");
    assert!(method.headers.contains_key("x-request-id"));
    let logged = client.emulator.requests(&LogFilter::default()).unwrap();
    let codes = logged.iter().map(|entry| entry.error_code.as_deref());
    assert!(codes.eq([Some("APIG.0101"), Some("APIG.0101")]));
    let odd = client.get("/notebooks/%ff").await;
    assert_eq!((odd.status, odd.code()), (400, "ModelArts.0104"));
    assert_eq!(
        client.get("/notebooks/a%2Fb%20c~d").await.code(),
        "ModelArts.6309"
    );
}

#[tokio::test]
async fn every_operation_of_every_document_has_its_route() {
    let client = Client::start().await;
    let operations = modelarts_client::FAMILIES.iter().flat_map(|family| {
        let operations = family.operations.iter();
        operations.map(|operation| (family.emulated, operation))
    });
    for (emulated, operation) in operations {
        let segments = operation.path.split('/').map(|segment| match segment {
            "{project_id}" => client.emulator.project_id(),
            segment if segment.starts_with('{') => "none",
            segment => segment,
        });
        let path = segments.collect::<Vec<_>>().join("/");
        let request = client.request(operation.method.parse().unwrap(), &path);
        let response = client.finish(request).await;
        // Nobody has signed in, and signing in needs a body.
        let expected: &[u16] = if emulated { &[400, 401] } else { &[501] };
        assert!(expected.contains(&response.status), "{path}: {response:?}");
        let filter = LogFilter::default();
        let logged = client.emulator.requests(&filter).unwrap().pop().unwrap();
        assert_eq!(logged.operation.as_deref(), Some(operation.id));
    }
}

/// Sends bytes and reads until the connection ends.
async fn exchange(client: &Client, bytes: &[u8]) -> String {
    let mut stream = tokio::net::TcpStream::connect(client.emulator.address())
        .await
        .unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut response = Vec::new();
    let _ = stream.read_to_end(&mut response).await;
    String::from_utf8_lossy(&response).into_owned()
}

/// What is refused before it is a request: with the words of the gateway.
async fn refused(client: &Client, bytes: &[u8]) -> (u16, String) {
    let response = exchange(client, bytes).await;
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    let head = head.to_ascii_lowercase();
    assert!(
        head.contains("content-type: application/json"),
        "{response}"
    );
    assert!(head.contains("x-request-id: "), "{response}");
    let length = format!("content-length: {}", body.len());
    assert!(head.contains(&length), "{response}");
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert!(body["error_msg"].is_string(), "{response}");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body["error_code"].as_str().unwrap().to_owned())
}

fn get(path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n").into_bytes()
}

#[tokio::test]
async fn what_is_no_request_is_refused_in_json() {
    let client = Client::start().await;
    let many: String = (0..200)
        .map(|number| format!("X-{number}: x\r\n"))
        .collect();
    let close = "Connection: close\r\n";
    for (bytes, status) in [
        (b"\x00\x01\x02\r\n\r\n".to_vec(), 400),
        (b"GET\r\n\r\n".to_vec(), 400),
        (b"GET / HTTP/9.9\r\n\r\n".to_vec(), 400),
        (b"GET / HTTP/1.1\r\nno header\r\n\r\n".to_vec(), 400),
        (b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n".to_vec(), 400),
        (get("/", &many), 431),
        (get("/", &format!("X: {}\r\n", "x".repeat(200_000))), 431),
        (get(&format!("/?{}", "x".repeat(40_000)), close), 414),
        (get(&format!("/v1/{}", "x".repeat(40_000)), close), 414),
        (get(&format!("/{}", "x".repeat(80_000)), close), 414),
    ] {
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
        let expected = (status, "APIG.0201".to_owned());
        assert_eq!(refused(&client, &bytes).await, expected, "{start}");
    }
    // After an answer that was good, on the same connection.
    let after = [get("/v3", ""), b"GET\r\n\r\n".to_vec()].concat();
    let response = exchange(&client, &after).await;
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    assert!(response.contains("HTTP/1.1 400"), "{response}");
    assert_eq!(client.get("/notebooks").await.status, 200);
}

#[tokio::test]
async fn a_body_that_is_cut_or_badly_chunked_is_refused_in_json() {
    let client = Client::start().await;
    let path = format!("/v1/{}/notebooks", client.emulator.project_id());
    for framing in [
        "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n2\r\n{}0\r\n\r\n",
    ] {
        let bytes = format!("POST {path} HTTP/1.1\r\nHost: x\r\n{framing}");
        let (status, code) = refused(&client, bytes.as_bytes()).await;
        assert_eq!(
            (status, code.as_str()),
            (400, "ModelArts.0104"),
            "{framing}"
        );
    }
}

/// One that waits for nobody.
async fn impatient() -> Client {
    let soon = Duration::from_millis(20);
    let emulator = Emulator::builder().manual();
    Client::with(emulator.head_timeout(soon).body_timeout(soon)).await
}

#[tokio::test]
async fn who_does_not_finish_a_request_is_not_waited_for() {
    let client = impatient().await;
    assert_eq!(exchange(&client, b"").await, "");
    assert_eq!(exchange(&client, b"GET /v3 HTTP/1.1\r\nHos").await, "");
    let path = format!("/v1/{}/notebooks", client.emulator.project_id());
    let half = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{{");
    let late = refused(&client, half.as_bytes()).await;
    assert_eq!(late, (408, "ModelArts.6100".to_owned()));
    let idle = exchange(&client, &get("/v3", "")).await;
    assert!(idle.starts_with("HTTP/1.1 200"), "{idle}");
}

#[tokio::test]
async fn a_client_that_reads_no_response_is_disconnected() {
    let client = impatient().await;
    let fixtures = json!({ "instances": [{ "count": 1000 }] });
    client
        .emulator
        .add_fixtures(serde_json::from_value(fixtures).unwrap())
        .await
        .unwrap();
    let path = format!("/v1/{}/notebooks?limit=1000", client.emulator.project_id());
    let token = client.emulator.token();
    let request = get(&path, &format!("X-Auth-Token: {}\r\n", token.expose()));
    let mut stream = tokio::net::TcpStream::connect(client.emulator.address())
        .await
        .unwrap();
    // What fits into the buffers of the system is taken for it; then the emulator stops reading, and closes.
    while stream.write_all(&request).await.is_ok() {}
    assert_eq!(client.get("/notebooks").await.status, 200);
}

#[tokio::test]
async fn a_hundred_clients_at_once_are_served() {
    let client = std::sync::Arc::new(Client::start().await);
    let tasks: Vec<_> = (0..100)
        .map(|number| {
            let client = client.clone();
            tokio::spawn(async move {
                let id = client
                    .create(json!({ "name": format!("n-{number}") }))
                    .await;
                client.show(&id).await;
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(client.get("/notebooks").await.ok()["total"], 100);
}

#[tokio::test]
async fn what_is_no_operation_is_refused_in_json_too() {
    let client = Client::start().await;
    for (method, path, status) in [
        ("GET", "/_emulator/colours", 404),
        ("DELETE", "/_emulator/health", 405),
        ("POST", "/v3", 405),
    ] {
        let request = client.request(method.parse().unwrap(), path);
        let refused = client.finish(request).await;
        assert_eq!(refused.status, status, "{path}");
        assert!(refused.body["error"].is_string(), "{refused:?}");
    }
}
