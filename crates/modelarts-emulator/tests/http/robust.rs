use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::{Answer, Client, notebook};

async fn raw_body(client: &Client, kind: Option<&str>, body: Vec<u8>) -> Answer {
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
    let odd = client.get("/notebooks/%ff").await;
    assert_eq!((odd.status, odd.code()), (400, "ModelArts.0104"));
    assert_eq!(
        client.get("/notebooks/a%2Fb%20c~d").await.code(),
        "ModelArts.6309"
    );
}

/// Sends bytes and reads until the connection ends.
async fn exchange(client: &Client, bytes: &[u8]) -> String {
    let mut stream = tokio::net::TcpStream::connect(client.emulator.address())
        .await
        .unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn broken_http_does_no_harm() {
    let client = Client::start().await;
    for bytes in [
        &b"\x00\x01\x02\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nConnection: close\r\n\r\n",
    ] {
        let answer = exchange(&client, bytes).await;
        assert!(!answer.contains(" 500 "), "{answer}");
    }
    let headers: String = (0..200)
        .map(|number| format!("X-{number}: x\r\n"))
        .collect();
    let answer = exchange(
        &client,
        format!("GET / HTTP/1.1\r\n{headers}\r\n").as_bytes(),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
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
