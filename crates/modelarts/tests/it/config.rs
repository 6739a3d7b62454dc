//! What is configured is what happens, or it is said.

use std::path::PathBuf;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::support::{Clients, Recorded, Reply, Server, json, with};
use modelarts::{
    AccessKey, Clock as _, Credentials, Environment, Login, ManualClock, ModelArts, Profile,
};

const PROJECT: &str = "0123456789abcdef0123456789abcdef";

/// An identity service that knows the projects `eu-de` and `eu-de_other`, and a ModelArts behind it.
fn cloud() -> Server {
    Server::start(|recorded, _| {
        if recorded.target == "/v3/auth/tokens" {
            let scope = &recorded.json()["auth"]["scope"]["project"];
            let name = scope["name"].as_str().unwrap_or("eu-de");
            let id = match (scope["id"].as_str(), name) {
                (Some(id), _) => id,
                (None, "eu-de") => PROJECT,
                (None, _) => "other",
            };
            let host = recorded.header("host").unwrap();
            let body = format!(
                r#"{{"token": {{"project": {{"id": "{id}", "name": "{name}"}}, "catalog": [
                    {{"type": "modelartsv1", "endpoints": [
                        {{"interface": "public", "region_id": "eu-de", "url": "http://{host}/v1/{id}"}},
                        {{"interface": "internal", "region_id": "eu-de", "url": "http://{host}/in/v1/{id}"}}]}}]}}}}"#
            );
            return with(json(201, &body), "x-subject-token", "t1");
        }
        if recorded.target.starts_with("/v3/projects") {
            let projects = format!(
                r#"{{"projects": [{{"id": "{PROJECT}", "name": "eu-de"}}, {{"id": "other", "name": "eu-de_other"}}]}}"#
            );
            return json(200, &projects);
        }
        json(200, r#"{"id": "n1"}"#)
    })
}

fn file(test: &str, text: &str) -> PathBuf {
    let folder =
        std::env::temp_dir().join(format!("modelarts-config-{}-{test}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("clouds.yaml");
    std::fs::write(&path, text).unwrap();
    path
}

fn user<'a>(url: &'a str, more: &[(&'a str, &'a str)]) -> Environment {
    let mut all = vec![
        ("OS_AUTH_URL", url),
        ("OS_USERNAME", "u"),
        ("OS_PASSWORD", "t0p-s3cret"),
        ("OS_USER_DOMAIN_NAME", "d"),
        ("OS_REGION_NAME", "eu-de"),
    ];
    all.extend(more);
    Environment::of(all)
}

async fn build(environment: Environment) -> modelarts::Result<ModelArts> {
    ModelArts::builder()
        .environment(environment)
        .clock(ManualClock::default())
        .build()
        .await
}

/// The path of what a client asks for.
async fn recorded(server: &Server, client: &ModelArts) -> String {
    client.notebooks().show("n1").await.unwrap();
    server.requests().last().unwrap().target.clone()
}

#[tokio::test]
async fn an_endpoint_override_may_hold_the_project() {
    let server = cloud();
    let expected = format!("/v1/{PROJECT}/notebooks/n1");
    for path in [
        String::new(),
        "/".to_owned(),
        "/v1".to_owned(),
        format!("/v1/{PROJECT}"),
        format!("/v1/{PROJECT}/"),
        "/v1/%(project_id)s".to_owned(),
        "/v1/$(project_id)s".to_owned(),
        "/v1/{project_id}".to_owned(),
    ] {
        let url = format!("{}{path}", server.url);
        for name in [
            "MODELARTS_ENDPOINT",
            "OS_MODELARTS_ENDPOINT_OVERRIDE",
            "OS_MODELARTSV1_ENDPOINT_OVERRIDE",
            "OTC_MODELARTSV1_ENDPOINT_OVERRIDE",
        ] {
            let environment = user(&server.url, &[(name, &url), ("OS_PROJECT_NAME", "eu-de")]);
            let client = build(environment).await.unwrap();
            assert_eq!(recorded(&server, &client).await, expected, "{name}={url}");
        }
        for key in [
            "modelarts_endpoint_override",
            "modelartsv1_endpoint_override",
        ] {
            let text = format!(
                "clouds: {{a: {{region_name: eu-de, {key}: '{url}', auth: {{auth_url: '{}/v3', username: u,
                   password: p, user_domain_name: d, project_name: eu-de}}}}}}",
                server.url
            );
            let path = file("override", &text).display().to_string();
            let client = build(Environment::of([("OS_CLIENT_CONFIG_FILE", path)])).await;
            assert_eq!(
                recorded(&server, &client.unwrap()).await,
                expected,
                "{key}: {url}"
            );
        }
        let client = ModelArts::builder()
            .endpoint(&url)
            .project_id(PROJECT)
            .credentials(Credentials::token("t"));
        let client = client.build().await.unwrap();
        assert_eq!(recorded(&server, &client).await, expected, "{url}");
    }
    // It may be all that says which project.
    let url = format!("{}/v1/{PROJECT}", server.url);
    let environment = Environment::of([("OS_TOKEN", "t"), ("MODELARTS_ENDPOINT", &url)]);
    let client = build(environment).await.unwrap();
    assert_eq!(client.project_id(), PROJECT);
    // It must not say another one.
    for (name, value) in [
        ("OS_PROJECT_ID", "other"),
        ("OS_PROJECT_NAME", "eu-de_other"),
    ] {
        let environment = user(&server.url, &[("MODELARTS_ENDPOINT", &url), (name, value)]);
        let error = build(environment).await.unwrap_err();
        assert!(
            error.is_usage() && error.to_string().contains("the project in the endpoint is"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_auth_url_may_end_as_it_likes() {
    let server = cloud();
    for ending in ["", "/", "/v3", "/v3/", "/v3/auth/tokens", "/v3\n"] {
        let url = format!("{}{ending}", server.url);
        let client = build(user(&url, &[])).await.unwrap();
        assert_eq!(client.project_id(), PROJECT, "{ending}");
        assert_eq!(
            server.requests().last().unwrap().target,
            "/v3/auth/tokens",
            "{ending}"
        );
    }
}

#[tokio::test]
async fn the_password_goes_where_the_region_says() {
    let (server, other) = (cloud(), cloud());
    let text = format!(
        "clouds:
  mycloud:
    auth: {{username: u, password: p, user_domain_name: d, project_name: eu-de}}
    regions:
      - name: eu-de
        values: {{auth: {{auth_url: '{}/v3'}}}}
      - name: Region 2
        values: {{auth: {{auth_url: '{}/v3'}}, modelarts_endpoint_override: '{}'}}
",
        server.url, other.url, other.url
    );
    let path = file("values", &text).display().to_string();
    let client = build(Environment::of([("OS_CLIENT_CONFIG_FILE", &path)]))
        .await
        .unwrap();
    assert_eq!(client.endpoint(), server.url);
    assert_eq!((server.count(), other.count()), (1, 0));
    let environment = Environment::of([("OS_CLIENT_CONFIG_FILE", &path)]);
    let profile = Profile::from_clouds(&environment, "mycloud").unwrap();
    let client = ModelArts::builder().profile(profile).region("Region 2");
    let client = client.build().await.unwrap();
    assert_eq!(client.endpoint(), other.url);
    assert_eq!((server.count(), other.count()), (1, 1));
}

#[tokio::test]
async fn explicit_credentials_keep_the_rest_of_the_environment() {
    let server = cloud();
    let environment = Environment::of([
        ("OS_PROJECT_ID", PROJECT),
        ("MODELARTS_ENDPOINT", &server.url),
        ("OS_REGION_NAME", "eu-de"),
        // Half a pair is nobody's business when there is something else.
        ("OS_USERNAME", "u"),
    ]);
    let client = ModelArts::builder()
        .environment(environment)
        .credentials(Credentials::token(" t2\n"))
        .build()
        .await
        .unwrap();
    assert_eq!(
        (client.project_id(), client.endpoint()),
        (PROJECT, server.url.as_str())
    );
    client.notebooks().show("n1").await.unwrap();
    assert_eq!(server.requests()[0].header("x-auth-token"), Some("t2"));

    let text = format!(
        "clouds: {{a: {{modelarts_endpoint_override: '{}', auth: {{auth_url: '{}', project_name: eu-de}}}}}}",
        server.url, server.url
    );
    let path = file("explicit", &text).display().to_string();
    let environment = Environment::of([("OS_CLOUD", "a"), ("OS_CLIENT_CONFIG_FILE", &path)]);
    let client = ModelArts::builder()
        .environment(environment)
        .credentials(Credentials::access_key(AccessKey::new("AK\n", " SK ")))
        .build()
        .await
        .unwrap();
    assert_eq!(
        (client.project_id(), client.endpoint()),
        (PROJECT, server.url.as_str())
    );
}

#[tokio::test]
async fn the_id_and_the_name_of_a_project_must_agree() {
    let server = cloud();
    let pair =
        |id: &'static str, name: &'static str| [("OS_PROJECT_ID", id), ("OS_PROJECT_NAME", name)];
    let key = Credentials::access_key(AccessKey::new("AK", "SK"));
    for (id, name, fits) in [
        (PROJECT, "eu-de", true),
        ("other", "eu-de", false),
        (PROJECT, "eu-de_other", false),
        (PROJECT, "eu-de_unknown", false),
    ] {
        let environment = || user(&server.url, &pair(id, name));
        // The sign-in of this service answers each id with the name `eu-de`.
        if id == PROJECT {
            assert_eq!(build(environment()).await.is_ok(), fits, "{id} {name}");
        }
        let client = ModelArts::builder()
            .environment(environment())
            .endpoint(&server.url)
            .credentials(key.clone())
            .build()
            .await;
        assert_eq!(client.is_ok(), fits, "{id} {name}");
        if let Err(error) = client {
            assert!(error.is_usage(), "{error}");
        }
    }
}

#[tokio::test]
async fn the_name_of_a_project_is_no_id() {
    let server = cloud();
    for id in ["eu-de", "eu-de_nlp", "cn-north-4_x"] {
        let error = build(user(&server.url, &[("OS_PROJECT_ID", id)]))
            .await
            .unwrap_err();
        assert!(error.to_string().contains("OS_PROJECT_NAME"), "{error}");
    }
    assert_eq!(server.count(), 0);
    // A name that no region has is told from an id only by the identity service's refusal.
    let refusing = Server::start(|_, _| json(401, "{}"));
    let error = build(user(&refusing.url, &[("OS_PROJECT_ID", "nlp-team")]))
        .await
        .unwrap_err();
    assert!(
        error.is_auth() && error.to_string().contains("OS_PROJECT_NAME"),
        "{error}"
    );
}

#[tokio::test]
async fn a_catalogue_without_the_region_is_not_guessed_from() {
    let server = cloud();
    let environment = user(
        &server.url,
        &[("OS_PROJECT_NAME", "eu-de"), ("OS_REGION_NAME", "eu-nl")],
    );
    let error = build(environment).await.unwrap_err().to_string();
    assert!(error.contains("`eu-nl`; it has: eu-de"), "{error}");
    let environment = user(&server.url, &[("OS_INTERFACE", "internal")]);
    let client = build(environment).await.unwrap();
    assert_eq!(client.endpoint(), format!("{}/in", server.url));
}

#[tokio::test]
async fn no_public_cloud_stands_in_for_a_configured_host() {
    for (builder, missing) in [
        (
            ModelArts::builder()
                .auth_url("https://iam.example.com")
                .credentials(Credentials::token("t")),
            "MODELARTS_ENDPOINT",
        ),
        (
            ModelArts::builder()
                .endpoint("https://modelarts.example.com")
                .credentials(Credentials::password(Login::new("u", "p").domain_name("d"))),
            "OS_AUTH_URL",
        ),
    ] {
        let builder = builder
            .environment(Environment::of([("OS_REGION_NAME", "eu-de")]))
            .project_id(PROJECT);
        let error = builder.build().await.unwrap_err();
        assert!(
            error.is_usage() && error.to_string().contains(missing),
            "{error}"
        );
        assert!(error.to_string().contains("example.com"), "{error}");
    }
}

#[tokio::test]
async fn empty_settings_of_the_builder_are_named() {
    for (builder, what) in [
        (ModelArts::builder().region(" "), "the region is empty"),
        (ModelArts::builder().endpoint("\n"), "the endpoint is empty"),
        (ModelArts::builder().auth_url(""), "the auth URL is empty"),
    ] {
        let error = builder.build().await.unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
}

#[tokio::test]
async fn a_proxy_that_fails_is_named_without_its_password() {
    let builder = ModelArts::builder()
        .endpoint("http://127.0.0.1:9")
        .project_id("p1")
        .credentials(Credentials::token("t"))
        .retry_policy(modelarts::RetryPolicy::default().max_attempts(1))
        .proxy("http://me:t0p-s3cret@127.0.0.1:1/p4th");
    let client = builder.build().await.unwrap();
    let error = client.notebooks().show("n1").await.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(
        error.is_connect() && shown.contains("the proxy http://127.0.0.1:1"),
        "{shown}"
    );
    assert!(
        !shown.contains("s3cret") && !shown.contains("p4th"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_redirection_is_reported_and_not_followed() {
    let elsewhere = cloud();
    let location = format!("{}/login?ticket=t0p-s3cret", elsewhere.url);
    let server = Server::start(move |_, _| with(json(302, ""), "location", &location));
    let error = build(user(&server.url, &[])).await.unwrap_err().to_string();
    assert!(
        error.contains(&format!("redirected to {}/login", elsewhere.url)),
        "{error}"
    );
    assert!(!error.contains("s3cret"), "{error}");
    assert_eq!(elsewhere.count(), 0);
}

/// A service whose clock is two hours ahead, and that signatures must go by.
fn ahead(recorded: &Recorded, _: usize) -> Reply {
    let reply = match recorded.header("x-sdk-date") {
        Some(date) if date.starts_with("20251103T1015") => json(200, r#"{"id": "n1"}"#),
        _ => json(
            401,
            r#"{"error_code": "APIGW.0301", "error_msg": "Incorrect IAM authentication information"}"#,
        ),
    };
    with(reply, "date", "Mon, 03 Nov 2025 10:15:00 GMT")
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_corrected_once() {
    let server = Server::start(ahead);
    let clock = ManualClock::default();
    let client = server
        .builder(&clock)
        .credentials(Credentials::access_key(AccessKey::new("AK", "SK")))
        .build()
        .await
        .unwrap();
    client.notebooks().show("n1").await.unwrap();
    assert_eq!(server.count(), 2);
    client.notebooks().show("n1").await.unwrap();
    assert_eq!(server.count(), 3);
    // A refusal that has another reason is not tried again: keys are locked after some wrong signatures.
    clock.advance(Duration::from_secs(60));
    let error = client.notebooks().show("n1").await.unwrap_err();
    assert_eq!(server.count(), 4);
    assert!(
        error.is_auth() && error.to_string().contains("clock of this machine"),
        "{error}"
    );
    assert_eq!(clock.now().to_string(), "2025-11-03T08:16:00Z");
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_reported_to_who_has_a_token() {
    let server = Server::start(ahead);
    let client = server.client(&ManualClock::default()).await;
    let error = client.notebooks().show("n1").await.unwrap_err();
    assert_eq!(server.count(), 1);
    assert!(error.to_string().contains("behind"), "{error}");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// What comes of some work in a minute; a call that waits for a runtime which nobody runs takes longer.
fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(work()).ok());
    receiver.recv_timeout(Duration::from_secs(60)).unwrap()
}

#[test]
fn a_client_may_be_used_from_a_second_runtime_while_the_first_is_idle() {
    let server = cloud();
    let count = in_time(move || {
        let (first, second) = (runtime(), runtime());
        let client = first.block_on(server.client(&ManualClock::default()));
        let show = |client: &ModelArts| {
            let client = client.clone();
            async move { client.notebooks().show("n1").await }
        };
        for _ in 0..2 {
            first.block_on(show(&client)).unwrap();
            second.block_on(show(&client)).unwrap();
        }
        // As in a program that makes a runtime for each call.
        for _ in 0..20 {
            runtime().block_on(show(&client)).unwrap();
        }
        server.count()
    });
    assert_eq!(count, 24);
}

#[test]
fn an_http_client_of_ones_own_says_which_runtime_it_serves() {
    let server = cloud();
    in_time(move || {
        let (first, second) = (runtime(), runtime());
        let http = modelarts::http_client_builder().unwrap().build().unwrap();
        let builder = server
            .builder(&ManualClock::default())
            .credentials(Credentials::token("t"))
            .http_client(http);
        let client = first.block_on(builder.build()).unwrap();
        first
            .block_on(async { client.notebooks().show("n1").await })
            .unwrap();
        let error = second
            .block_on(async { client.notebooks().show("n1").await })
            .unwrap_err();
        assert!(
            error.is_usage() && error.to_string().contains("runtime"),
            "{error}"
        );
    });
}

#[test]
fn without_a_runtime_a_call_says_so() {
    let error = in_time(|| {
        let client = runtime()
            .block_on(
                ModelArts::builder()
                    .endpoint("http://127.0.0.1:1")
                    .project_id("p1")
                    .clock(ManualClock::default())
                    .credentials(Credentials::token("t"))
                    .build(),
            )
            .unwrap();
        let notebooks = client.notebooks();
        let mut call = std::pin::pin!(notebooks.show("n1"));
        let mut context = Context::from_waker(Waker::noop());
        match call.as_mut().poll(&mut context) {
            Poll::Ready(outcome) => outcome.unwrap_err(),
            Poll::Pending => panic!("the call waits for something"),
        }
    });
    assert!(
        error.is_usage() && error.to_string().contains("tokio runtime"),
        "{error}"
    );
}

#[tokio::test]
async fn an_address_of_the_vendors_variables_is_taken_for_its_region() {
    let server = cloud();
    let environment = Environment::of([
        ("HUAWEICLOUD_SDK_AK", "a"),
        ("HUAWEICLOUD_SDK_SK", "s"),
        ("HUAWEICLOUD_SDK_PROJECT_ID", PROJECT),
        ("HUAWEICLOUD_SDK_REGION_ID", "eu-de"),
        ("HUAWEICLOUD_SDK_IAM_ENDPOINT", &server.url),
        ("HUAWEICLOUD_SDK_REGION_MODELARTS_EU_DE", &server.url),
        (
            "HUAWEICLOUD_SDK_REGION_MODELARTS_EU_NL",
            "https://nl.example.com",
        ),
    ]);
    let client = build(environment).await.unwrap();
    assert_eq!(client.endpoint(), server.url);
}

#[tokio::test]
async fn anchors_and_merge_keys_of_yaml_are_read() {
    let server = cloud();
    let text = format!(
        "
common: &common {{username: u, password: p, user_domain_name: d, auth_url: '{}'}}
clouds:
  a: {{region_name: eu-de, auth: {{<<: *common, project_name: eu-de}}}}
",
        server.url
    );
    let path = file("anchors", &text).display().to_string();
    let client = build(Environment::of([("OS_CLIENT_CONFIG_FILE", path)]))
        .await
        .unwrap();
    assert_eq!(client.project_id(), PROJECT);
}

#[test]
fn a_builder_shows_no_value() {
    let builder = ModelArts::builder()
        .endpoint("https://me:t0p-s3cret@m.example.com")
        .auth_url("https://me:t0p-s3cret@m.example.com")
        .proxy("http://me:t0p-s3cret@proxy.example.com")
        .project_id("t0p-s3cret");
    let shown = format!("{builder:?}");
    assert!(
        shown.contains("auth_url") && !shown.contains("s3cret"),
        "{shown}"
    );
}

/// What a cloud that nobody can find says of itself.
async fn refused(text: &str, variables: &[(&str, &str)]) -> String {
    let path = file("refused", text).display().to_string();
    let mut all = vec![("OS_CLIENT_CONFIG_FILE", path.as_str()), ("OS_CLOUD", "a")];
    all.extend(variables);
    let error = build(Environment::of(all)).await.unwrap_err();
    assert!(error.is_usage() && error.status().is_none(), "{error}");
    error.to_string()
}

#[tokio::test]
async fn a_profile_that_is_nowhere_leads_to_no_public_cloud() {
    const USER: &str = "username: u, password: t0p-s3cret, user_domain_name: d";
    for profile in ["nlp-cloud", "vexxhost", "'https://cloud.example.com'"] {
        for (auth, way) in [
            (USER, "OS_AUTH_URL"),
            ("token: t0p-s3cret, project_id: p1", "MODELARTS_ENDPOINT"),
            (
                "ak: a, sk: t0p-s3cret, project_id: p1",
                "MODELARTS_ENDPOINT",
            ),
            (
                "token: t0p-s3cret, project_name: eu-de_other",
                "OS_AUTH_URL",
            ),
        ] {
            let text = format!(
                "clouds: {{a: {{profile: {profile}, region_name: eu-de, auth: {{{auth}}}}}}}"
            );
            let message = refused(&text, &[]).await;
            assert!(
                message.contains("which no clouds-public.yaml defines") && message.contains(way),
                "{message}"
            );
            assert!(!message.contains("s3cret"), "{message}");
        }
    }
    // With addresses it is complete without the profile.
    let server = cloud();
    let text = format!(
        "clouds: {{a: {{profile: nlp-cloud, region_name: eu-de, auth: {{{USER}, auth_url: '{}'}}}}}}",
        server.url
    );
    let path = file("addressed", &text).display().to_string();
    let client = build(Environment::of([("OS_CLIENT_CONFIG_FILE", path)]));
    let client = client.await.unwrap();
    assert_eq!(client.project_id(), PROJECT);
    assert!(
        client.warnings()[0].contains("nlp-cloud"),
        "{:?}",
        client.warnings()
    );
}

#[tokio::test]
async fn an_override_of_the_identity_service_goes_before_a_public_cloud() {
    let server = cloud();
    let user = [
        ("OS_USERNAME", "u"),
        ("OS_PASSWORD", "p"),
        ("OS_USER_DOMAIN_NAME", "d"),
    ];
    let mut variables = user.to_vec();
    variables.push(("OS_REGION_NAME", "eu-de"));
    variables.push(("OS_IDENTITY_ENDPOINT_OVERRIDE", &server.url));
    let client = build(Environment::of(variables.clone())).await.unwrap();
    assert_eq!(client.project_id(), PROJECT);
    assert_eq!(client.warnings(), [""; 0]);
    // Beside the address to sign in at it changes nothing, and that is said.
    variables.push(("OS_AUTH_URL", &server.url));
    let client = build(Environment::of(variables)).await.unwrap();
    assert!(
        client.warnings()[0]
            .contains("OS_IDENTITY_ENDPOINT_OVERRIDE is not used beside OS_AUTH_URL"),
        "{:?}",
        client.warnings()
    );
}

#[tokio::test]
async fn an_error_tells_what_was_not_understood() {
    let text = "clouds: {a: {region: eu-de, auth: {username: u, password: t0p-s3cret, user_domain_name: d}}}";
    let message = refused(text, &[]).await;
    assert!(
        message.contains("the key `region`, which is not used; did you mean `region_name`?"),
        "{message}"
    );
    assert!(!message.contains("s3cret"), "{message}");
}

#[tokio::test]
async fn a_project_that_only_the_region_names_is_reported() {
    let server = Server::start(|_, _| json(401, r#"{"error": {"code": 401, "message": "no"}}"#));
    let error = build(user(&server.url, &[])).await.unwrap_err().to_string();
    assert!(
        error.contains("no project is configured, so the main project of the region `eu-de`"),
        "{error}"
    );
    let named = user(&server.url, &[("OS_PROJECT_NAME", "eu-de_other")]);
    let error = build(named).await.unwrap_err().to_string();
    assert!(!error.contains("no project is configured"), "{error}");
}
