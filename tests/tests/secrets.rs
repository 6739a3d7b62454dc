//! No secret may appear in anything that programs log: `Debug`, `Display`, error chains, tracing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic is how a test fails"
)]

use std::error::Error as _;
use std::fmt::{Debug, Display};

use modelarts::{AccessKey, Credentials, Error, Login, ManualClock, ModelArts, ModelArtsBuilder};
use modelarts_test_support::capture::Capture;
use modelarts_test_support::server::{Recorded, Reply, Server};
use serde_json::{Value, json};

const PROJECT: &str = "7f3c0e6a1b5d4c2f9e8d7a6b5c4d3e2f";
const TOKEN: &str = "caller-token-1f6c2b9a";
const PASSWORD: &str = "pa55word-77b0e1d4";
const SUBJECT_TOKEN: &str = "subject-token-c09d5e3f";
/// The access key id, which is not a secret.
const ACCESS_KEY: &str = "ACCESSKEY0X3J9Q7";
const SECRET_KEY: &str = "secret-key-aa41f08e";
const SECURITY_TOKEN: &str = "security-token-5d2e7c60";
const NOTEBOOK_TOKEN: &str = "notebook-token-93b7d1a2";
const NOTEBOOK_URL: &str = "https://notebook.example.com/n1?token=notebook-url-e8f6";
const PRIVATE_KEY: &str = "private-key-2c71ba55";
const ACCESS_TOKEN: &str = "git-token-d64f0a18";
/// A token that the service sends as a number, against the document.
const NUMBER: i64 = 847_162_993_501;

fn secrets() -> Vec<String> {
    let texts = [
        TOKEN,
        PASSWORD,
        SUBJECT_TOKEN,
        SECRET_KEY,
        SECURITY_TOKEN,
        NOTEBOOK_TOKEN,
        "notebook-url-e8f6",
        PRIVATE_KEY,
        ACCESS_TOKEN,
        // Anyone with the signature can resend the request for a while.
        "Signature=",
    ];
    let mut secrets = texts.map(str::to_owned).to_vec();
    secrets.push(NUMBER.to_string());
    secrets
}

/// Texts that a program might log, each with a name.
#[derive(Default)]
struct Shown(Vec<(String, String)>);

impl Shown {
    fn debug(&mut self, name: &str, value: &dyn Debug) {
        self.0
            .push((format!("{name} {{:?}}"), format!("{value:?}")));
        self.0
            .push((format!("{name} {{:#?}}"), format!("{value:#?}")));
    }

    fn display(&mut self, name: &str, value: &dyn Display) {
        self.0.push((format!("{name} {{}}"), value.to_string()));
    }

    fn error(&mut self, name: &str, error: &Error) {
        self.debug(name, error);
        self.display(name, error);
        self.display(
            &format!("{name}: message"),
            &error.message().unwrap_or_default(),
        );
        let mut source = error.source();
        while let Some(cause) = source {
            self.debug(&format!("{name}: source"), &cause);
            self.display(&format!("{name}: source"), &cause);
            source = cause.source();
        }
    }

    fn result<T: Debug>(&mut self, name: &str, result: &Result<T, Error>) {
        match result {
            Ok(value) => self.debug(name, value),
            Err(error) => self.error(name, error),
        }
    }

    /// Fails if any text contains a secret.
    fn check(self, capture: &Capture) {
        let traced = capture.lines();
        assert!(
            traced.iter().any(|line| line.starts_with("modelarts")),
            "nothing was traced: {traced:#?}"
        );
        let traced = traced.into_iter().map(|line| ("tracing".to_owned(), line));
        let secrets = secrets();
        let leaks: Vec<_> = self
            .0
            .into_iter()
            .chain(traced)
            .flat_map(|(name, text)| {
                let found = secrets.iter().filter(|secret| text.contains(*secret));
                let found = found.map(|secret| format!("{secret} in {name}: {text}"));
                found.collect::<Vec<_>>()
            })
            .collect();
        assert!(leaks.is_empty(), "{leaks:#?}");
    }
}

/// Everything that the client sent, as a careless server might echo it.
fn echo(request: &Recorded) -> String {
    let Recorded {
        target,
        headers,
        body,
        ..
    } = request;
    format!("{target} {headers:?} {body}")
}

/// A service whose responses contain secrets; the id selects the response.
fn respond(request: &Recorded, _: usize) -> Reply {
    let headers = [("content-type", "application/json")];
    let path = request.path();
    let refusal = |status, text: String| {
        Reply::json(
            status,
            json!({"error_code": "ModelArts.4711", "error_msg": text}),
        )
    };
    if path.ends_with("/auth/tokens") {
        let token = json!({"token": {
            "expires_at": "2025-11-04T08:15:00.000000Z",
            "issued_at": "2025-11-03T08:15:00.000000Z",
            "project": {"id": PROJECT},
        }});
        let headers = [headers[0], ("x-subject-token", SUBJECT_TOKEN)];
        return Reply::new(201, &headers, token.to_string());
    }
    match path.rsplit('/').next().unwrap_or_default() {
        "refused" => refusal(403, echo(request)),
        "unauthorized" => refusal(401, echo(request)),
        "html" => Reply::new(502, &[("content-type", "text/html")], echo(request)),
        "unfit" => Reply::json(200, json!({"id": "n1", "token": NUMBER})),
        "unfit-deep" => Reply::json(
            200,
            json!({"token": NOTEBOOK_TOKEN, "lease": NOTEBOOK_TOKEN}),
        ),
        "cut-off" => {
            let body = json!({"token": NOTEBOOK_TOKEN}).to_string();
            Reply::new(200, &headers, &body[..body.len() - 1])
        }
        "instance" => Reply::json(200, instance()),
        _ => Reply::json(200, notebook()),
    }
}

fn notebook() -> Value {
    json!({"id": "n1", "status": "RUNNING", "token": NOTEBOOK_TOKEN, "url": NOTEBOOK_URL})
}

fn instance() -> Value {
    let credential = json!({"ssh_private_key": PRIVATE_KEY, "access_token": ACCESS_TOKEN});
    let connection = json!({"protocol": "ssh", "credential": credential});
    let spec = json!({"credential": credential, "repository": {"connection_info": connection}});
    json!({"id": "i1", "status": "RUNNING", "spec": spec})
}

/// Builds a client, makes every kind of call with it, and collects all loggable texts.
async fn exercise(builder: ModelArtsBuilder, shown: &mut Shown) -> Result<ModelArts, Error> {
    shown.debug("builder", &builder);
    let client = builder.build().await;
    shown.result("client", &client);
    let client = client?;
    let notebooks = client.notebooks();
    shown.debug("group", &notebooks);
    let notebook = notebooks.show("n1").await;
    let token = notebook.as_ref().unwrap().token.as_ref();
    assert_eq!(token.unwrap().expose(), NOTEBOOK_TOKEN);
    shown.result("notebook", &notebook);
    shown.result("start", &notebooks.start("n1").await);
    shown.result("instance", &client.instances().show("instance").await);
    for id in [
        "refused",
        "unauthorized",
        "html",
        "unfit",
        "unfit-deep",
        "cut-off",
    ] {
        let result = notebooks.show(id).await;
        assert!(result.is_err(), "{id}");
        shown.result(id, &result);
    }
    let raw = client.call("showNotebook").path("id", "n1").send().await;
    assert!(String::from_utf8_lossy(&raw.as_ref().unwrap().body).contains(NOTEBOOK_TOKEN));
    shown.result("raw answer", &raw);
    Ok(client)
}

fn builder(server: &Server, credentials: Credentials) -> ModelArtsBuilder {
    ModelArts::builder()
        .endpoint(&server.url)
        .auth_url(format!("{}/v3", server.url))
        .project_id(PROJECT)
        .credentials(credentials)
        .clock(ManualClock::default())
        .rng_seed(1)
}

/// Whether a secret was sent at all; otherwise the test would prove nothing.
fn travelled(requests: &[Recorded], secret: &str) -> bool {
    requests
        .iter()
        .any(|request| echo(request).contains(secret))
}

#[tokio::test]
async fn a_token_does_not_show() {
    let capture = Capture::start();
    let server = Server::start(respond);
    let mut shown = Shown::default();
    let credentials = Credentials::token(TOKEN);
    shown.debug("credentials", &credentials);
    exercise(builder(&server, credentials), &mut shown)
        .await
        .unwrap();
    assert!(travelled(&server.take(), TOKEN));
    shown.check(&capture);
}

#[tokio::test]
async fn a_password_does_not_show() {
    let capture = Capture::start();
    let server = Server::start(respond);
    let mut shown = Shown::default();
    let login = Login::new("trainer", PASSWORD).domain_name("nlp-department");
    shown.debug("login", &login);
    let credentials = Credentials::password(login);
    exercise(builder(&server, credentials), &mut shown)
        .await
        .unwrap();
    let requests = server.take();
    assert!(travelled(&requests, PASSWORD) && travelled(&requests, SUBJECT_TOKEN));
    shown.check(&capture);
}

#[tokio::test]
async fn a_refused_sign_in_does_not_show_the_password() {
    let capture = Capture::start();
    let server = Server::start(|request, _| {
        let message = json!({"code": 401, "message": echo(request), "title": "Unauthorized"});
        Reply::json(401, json!({"error": message}))
    });
    let mut shown = Shown::default();
    let login = Login::with_id("u1", PASSWORD);
    let result = builder(&server, Credentials::password(login)).build().await;
    assert!(result.as_ref().unwrap_err().is_auth());
    shown.result("sign-in", &result);
    assert!(travelled(&server.take(), PASSWORD));
    shown.check(&capture);
}

/// Calls the identity service's operations by id, with untyped bodies.
#[tokio::test]
async fn bodies_of_untyped_calls_do_not_show() {
    let capture = Capture::start();
    let server = Server::start(|request, _| {
        if request.path().ends_with("/auth/tokens") {
            let echo = &request.body;
            return Reply::json(401, json!({"error": {"message": echo, "code": 401}}));
        }
        respond(request, 0)
    });
    let mut shown = Shown::default();
    let client = builder(&server, Credentials::token(TOKEN));
    let client = client.build().await.unwrap();
    // JSON escapes it with one backslash, JSON within JSON with three.
    let quoted = format!("{PASSWORD}\"{SECRET_KEY}");
    for password in [PASSWORD, &quoted] {
        let body = json!({"auth": {"identity": {
            "methods": ["password", "token"],
            "password": {"user": {"id": "u1", "password": password}},
            "token": {"id": SECURITY_TOKEN},
        }}});
        let result = client.call("createToken").json(&body).send().await;
        let error = result.as_ref().unwrap_err();
        assert_eq!(error.operation(), Some("createToken"));
        let excerpt = String::from_utf8_lossy(error.body_excerpt());
        assert!(excerpt.contains("u1"), "it was repeated: {excerpt}");
        shown.display("excerpt", &excerpt);
        shown.result("call", &result);
    }
    assert!(travelled(&server.take(), SECURITY_TOKEN));
    shown.check(&capture);
}

#[tokio::test]
async fn keys_do_not_show() {
    let capture = Capture::start();
    let server = Server::start(respond);
    let mut shown = Shown::default();
    let key = AccessKey::new(ACCESS_KEY, SECRET_KEY).security_token(SECURITY_TOKEN);
    shown.debug("key", &key);
    let credentials = Credentials::access_key(key);
    exercise(builder(&server, credentials), &mut shown)
        .await
        .unwrap();
    let requests = server.take();
    assert!(travelled(&requests, ACCESS_KEY) && travelled(&requests, SECURITY_TOKEN));
    assert!(
        !travelled(&requests, SECRET_KEY),
        "a secret key never travels"
    );
    shown.check(&capture);
}

/// The generated types of request and response bodies.
#[test]
fn generated_types_do_not_show_secrets() {
    fn shown<T: serde::de::DeserializeOwned + Debug>(value: Value) -> String {
        format!("{:?}", serde_json::from_value::<T>(value).unwrap())
    }
    let sign_in = json!({"auth": {"identity": {
        "methods": ["password", "token"],
        "password": {"user": {"name": "trainer", "password": PASSWORD}},
        "token": {"id": TOKEN},
    }}});
    for text in [
        shown::<modelarts::devenviron::types::Notebook>(notebook()),
        shown::<modelarts::devenviron::types::DevEnvInstance>(instance()),
        shown::<modelarts_client::iam::types::CreateTokenRequest>(sign_in),
    ] {
        assert!(text.contains("Secret(…)"), "{text}");
        for secret in secrets() {
            assert!(!text.contains(&secret), "{secret} in {text}");
        }
    }
}
