use std::time::Duration;

use modelarts_emulator::{Emulator, Fault, LogFilter, Step, TransitionFault};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, plain_http};

#[tokio::test]
async fn health_reset_and_fixtures() {
    let client = Client::start().await;
    let before = client.control("GET", "/health", None).await.ok();
    assert_eq!(
        (&before["status"], &before["instances"]),
        (&json!("ok"), &json!(0))
    );
    let fixtures = json!({"instances": [{"name": "old", "count": 3}]});
    assert_eq!(
        client
            .control("POST", "/fixtures", Some(fixtures))
            .await
            .ok()["instances"],
        3
    );
    assert_eq!(client.control("POST", "/reset", None).await.status, 204);
    assert_eq!(client.control("GET", "/health", None).await.ok(), before);
    // The token from before is still good.
    assert_eq!(client.get("/notebooks").await.status, 200);
    let wrong = client
        .control("POST", "/fixtures", Some(json!({"colour": 1})))
        .await;
    assert_eq!(wrong.status, 400);
    assert!(
        wrong.body["error"].as_str().unwrap().contains("colour"),
        "{wrong:?}"
    );
    let wrong = json!({"instances": [{"owner": "nobody"}]});
    assert_eq!(
        client
            .control("POST", "/fixtures", Some(wrong))
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn fixtures_that_contradict_themselves_change_nothing() {
    let client = Client::start().await;
    let kept = client.running().await;
    let before = client.emulator.snapshot().unwrap();
    for instances in [
        json!([{"name": "good"}, {"name": "bad", "project": "no-such-project"}]),
        json!([{"count": 3}, {"generation": "dev_env", "profile_id": "no-such-profile"}]),
        json!([{"id": "twice", "status": "CREATING"}, {"id": "twice"}]),
        json!([{ "id": kept }]),
    ] {
        let fixtures = json!({
            "projects": [{"name": "another"}],
            "users": [{"name": "somebody"}],
            "flavors": [{"id": "modelarts.vm.cpu.2u", "vcpus": 99}],
            "images": [{"status": "CREATING", "image": {"name": "new"}}],
            "capacity": {"instances": 1},
            "instances": instances,
        });
        let refused = client.control("POST", "/fixtures", Some(fixtures)).await;
        assert_eq!(refused.status, 400, "{refused:?}");
        let after = client.emulator.snapshot().unwrap();
        assert_eq!(
            serde_json::to_value(after).unwrap(),
            serde_json::to_value(&before).unwrap()
        );
        assert_eq!(client.get("/notebooks").await.ok()["total"], 1);
    }
    client.pass(1_000);
    assert_eq!(client.status(&kept).await, "RUNNING");
}

#[tokio::test]
async fn the_clock_is_shown_and_moved() {
    let client = Client::with(Emulator::builder().manual().rng_seed(1)).await;
    let shown = client.control("GET", "/clock", None).await.ok();
    assert_eq!(shown["now_text"], "2026-01-01T00:00:00.000000Z");
    let id = client.create(json!({})).await;
    let change = json!({"advance_ms": 90_000});
    let moved = client.control("POST", "/clock", Some(change)).await.ok();
    assert_eq!(moved["now_text"], "2026-01-01T00:01:30.000000Z");
    assert_eq!(client.status(&id).await, "RUNNING");
    let refused = client
        .control("POST", "/clock", Some(json!({"scale": 0})))
        .await;
    assert_eq!(refused.status, 400);
    let scaled = client
        .control("POST", "/clock", Some(json!({"scale": 60, "frozen": true})))
        .await
        .ok();
    assert_eq!(
        (&scaled["mode"], &scaled["frozen"]),
        (&json!("scaled"), &json!(true))
    );
}

#[tokio::test]
async fn impossible_times_are_refused_and_nothing_of_them_is_done() {
    let client = Client::with(Emulator::builder().manual().rng_seed(1)).await;
    let before = client.control("GET", "/clock", None).await.ok();
    let now = before["now"].as_i64().unwrap();
    for wrong in [
        json!({"advance_ms": u64::MAX}),
        json!({"advance_ms": i64::MAX}),
        json!({"advance_ms": 253_370_764_800_000_i64}),
        json!({"advance_to": i64::MAX}),
        json!({"advance_to": now - 1}),
        json!({"advance_to": -1}),
        json!({"advance_ms": 1000, "advance_to": now + 999}),
        json!({"advance_ms": -1}),
        json!({"scale": 1e300}),
        json!({"scale": -1}),
        json!({"scale": 2, "manual": true}),
        json!({"scale": 2, "advance_to": 1}),
        json!({"advance": 1}),
    ] {
        let refused = client.control("POST", "/clock", Some(wrong.clone())).await;
        assert_eq!(refused.status, 400, "{wrong}");
        assert_eq!(
            client.control("GET", "/clock", None).await.ok(),
            before,
            "{wrong}"
        );
    }
    let last = json!({"advance_to": 253_370_764_800_000_i64});
    let last = client.control("POST", "/clock", Some(last)).await.ok();
    assert_eq!(last["now_text"], "9999-01-01T00:00:00.000000Z");
    assert_eq!(client.get("/notebooks").await.status, 200);
}

#[tokio::test]
async fn what_does_not_exist_is_refused_with_the_nearest_name() {
    let client = Client::start().await;
    let refused = async |method: &str, path: &str, body: Option<Value>| {
        let refused = client.control(method, path, body).await;
        assert_eq!(refused.status, 400, "{method} {path}: {refused:?}");
        refused.body["error"].as_str().unwrap().to_owned()
    };
    for (method, path, body, hint) in [
        (
            "POST",
            "/faults/responses",
            Some(json!({"operation": "listNotebook", "status": 429})),
            "`listNotebooks`",
        ),
        (
            "POST",
            "/faults/responses",
            Some(json!({"opration": "listNotebooks"})),
            "`operation`",
        ),
        (
            "POST",
            "/faults/transitions",
            Some(json!({"step": "creat"})),
            "`create`",
        ),
        (
            "PUT",
            "/capacity",
            Some(json!({"flavors": {"modelarts.vm.cpu.2": 0}})),
            "`modelarts.vm.cpu.2u`",
        ),
        (
            "POST",
            "/fixtures",
            Some(json!({"capacity": {"flavors": {"modelarts.vm.cpu.2uu": 0}}})),
            "`modelarts.vm.cpu.2u`",
        ),
        (
            "POST",
            "/fixtures",
            Some(json!({"instances": [{"flavor": "modelarts.vm.cpu.2x"}]})),
            "`modelarts.vm.cpu.",
        ),
        (
            "POST",
            "/fixtures",
            Some(json!({"instance": []})),
            "`instances`",
        ),
        (
            "POST",
            "/fixtures",
            Some(json!({"instances": [{"stat": "RUNNING"}]})),
            "`status`",
        ),
        (
            "POST",
            "/clock",
            Some(json!({"advance_msec": 1})),
            "`advance_ms`",
        ),
        (
            "GET",
            "/requests?operation=listnotebooks",
            None,
            "`listNotebooks`",
        ),
        (
            "GET",
            "/requests?operaton=listNotebooks",
            None,
            "`operation`",
        ),
        ("GET", "/requests?method=GETS", None, "`GET`"),
        ("GET", "/requests?status=1000", None, "599"),
        ("GET", "/health?verbose", None, "`verbose`"),
        ("POST", "/reset?x=1", None, "`x`"),
    ] {
        let error = refused(method, path, body).await;
        assert!(error.contains(hint), "{path}: {error}");
    }
    let all = client
        .control("GET", "/requests?operation=listNotebooks&method=get", None)
        .await;
    assert_eq!(all.status, 200);
    let any = json!({"operation": "*", "delay_ms": 1});
    assert_eq!(
        client
            .control("POST", "/faults/responses", Some(any))
            .await
            .status,
        201
    );
}

/// As over HTTP.
#[tokio::test]
async fn what_does_not_exist_is_refused_in_the_same_process_too() {
    let emulator = Emulator::start().await.unwrap();
    let fault = Fault::status(429).operation("listNotebook");
    let error = emulator.add_fault(fault.clone()).unwrap_err().to_string();
    assert!(error.contains("`listNotebooks`"), "{error}");
    let start = Emulator::builder().fault(fault).start().await;
    assert_eq!(start.unwrap_err().to_string(), error);
    let never = Fault::status(429).times(0);
    assert!(emulator.add_fault(never).is_err());
    assert!(emulator.faults().is_empty());

    let mut never = TransitionFault::new(Step::Create);
    never.times = 0;
    let error = emulator.add_transition_fault(never).await.unwrap_err();
    assert!(error.to_string().contains("'times'"), "{error}");

    let mut filter = LogFilter::default();
    filter.operation = Some("createNotebok".into());
    let error = emulator.requests(&filter).unwrap_err().to_string();
    assert!(error.contains("`createNotebook`"), "{error}");
}

#[tokio::test]
async fn fixtures_name_nothing_twice_and_have_bounds() {
    let client = Client::start().await;
    let project = client.emulator.project_id().to_owned();
    let image = "c2f4d5a6-1b7e-4d2a-9c3f-2f6f0f5c8e11";
    let before = serde_json::to_value(client.emulator.snapshot().unwrap()).unwrap();
    for wrong in [
        json!({"domains": [{"name": "a"}, {"name": "a"}]}),
        json!({"domains": [{"name": "emulator"}]}),
        json!({"projects": [{"name": "a"}, {"name": "a"}]}),
        json!({"projects": [{"name": "eu-de"}]}),
        json!({"projects": [{"name": "other", "id": project}]}),
        json!({"users": [{"name": "a"}, {"name": "a"}]}),
        json!({"users": [{"name": "modelarts"}]}),
        json!({"users": [{"name": ""}]}),
        json!({"users": [{"name": "a", "access_keys": [{"access": "K", "secret": "s"}, {"access": "K", "secret": "t"}]}]}),
        json!({"users": [{"name": "a", "access_keys": [{"access": "K"}]}]}),
        json!({"flavors": [{"id": "a"}, {"id": "a"}]}),
        json!({"flavors": [{"vcpus": 1}]}),
        json!({"images": [{"image": {"id": "a"}}, {"image": {"id": "a"}}]}),
        json!({"images": [{"image": {"id": image}}]}),
        json!({"instances": [{"id": "a"}, {"id": "a"}]}),
        json!({"instances": [{"image_id": "no-such-image"}]}),
        json!({"instances": [{"count": u32::MAX}]}),
        json!({"instances": [{"duration": i64::MAX}]}),
        json!({"instances": [{"capacity": -1}]}),
        json!({"instances": [{"name": "x".repeat(10_000)}]}),
    ] {
        let refused = client
            .control("POST", "/fixtures", Some(wrong.clone()))
            .await;
        assert_eq!(refused.status, 400, "{wrong}");
        let after = serde_json::to_value(client.emulator.snapshot().unwrap()).unwrap();
        assert_eq!(after, before, "{wrong}");
    }
    let wrong = json!({"delay_ms": u64::MAX});
    assert_eq!(
        client
            .control("POST", "/faults/responses", Some(wrong))
            .await
            .status,
        400
    );
    let wrong = json!({"status": 500, "headers": {"bad name": "x"}});
    assert_eq!(
        client
            .control("POST", "/faults/responses", Some(wrong))
            .await
            .status,
        400
    );
    let long = json!({"step": "create", "reason": "x".repeat(10_000)});
    assert_eq!(
        client
            .control("POST", "/faults/transitions", Some(long))
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn urls_follow_the_address_under_which_clients_find_it() {
    let client = Client::start().await;
    let versions = async |client: &Client, headers: &[(&str, &str)]| {
        let mut request = client.request(Method::GET, "/v3");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let shown = client.finish(request).await.ok();
        shown["version"]["links"][0]["href"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let plain = versions(&client, &[]).await;
    assert_eq!(plain, format!("{}/v3/", client.emulator.base_url()));
    let forwarded = [
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "dev.example"),
        ("X-Forwarded-Prefix", "/emulator"),
    ];
    assert_eq!(
        versions(&client, &forwarded).await,
        "https://dev.example/emulator/v3/"
    );

    let builder = Emulator::builder().external_url("https://e.example/x/");
    let client = Client::with(builder.host_name("emulator")).await;
    assert_eq!(client.emulator.public_url(), "https://e.example/x");
    assert_eq!(
        versions(&client, &forwarded).await,
        "https://e.example/x/v3/"
    );
    for (host, status) in [
        ("emulator", 200),
        ("e.example", 200),
        ("localhost.evil.com", 403),
    ] {
        let request = client
            .request(Method::GET, "/_emulator/health")
            .header("Host", host);
        assert_eq!(client.finish(request).await.status, status, "{host}");
    }
    let refused = Emulator::builder()
        .external_url("dev.example")
        .start()
        .await;
    assert!(refused.unwrap_err().to_string().contains("http://"));
}

#[tokio::test]
async fn a_browser_at_the_root_is_sent_to_the_documentation() {
    let client = Client::start().await;
    let root = async |accept: &str| {
        let request = client.request(Method::GET, "/").header("Accept", accept);
        let response = request.send().await.unwrap();
        let location = response.headers().get("location");
        let location = location.map(|location| location.to_str().unwrap().to_owned());
        (response.status().as_u16(), location)
    };
    let versions = (300, None);
    assert_eq!(root("*/*").await, versions);
    assert_eq!(root("application/json").await, versions);
    let browser = root("text/html,application/xhtml+xml,*/*;q=0.8").await;
    // The documentation is a feature. The path is relative: there may be a prefix in front of it.
    let docs = (307, Some("docs/".to_owned()));
    assert_eq!(
        browser,
        if cfg!(feature = "docs") {
            docs
        } else {
            versions
        }
    );
}

#[tokio::test]
async fn an_rng_seed_repeats_ids_and_times() {
    let run = async || {
        let client = Client::with(Emulator::builder().manual().rng_seed(42)).await;
        let id = client.create(json!({})).await;
        (
            client.show(&id).await,
            client.emulator.access_key().to_owned(),
        )
    };
    assert_eq!(run().await, run().await);
}

#[tokio::test]
async fn a_snapshot_is_restored_with_its_time() {
    let client = Client::start().await;
    let id = client.create(json!({})).await;
    client.pass(40);
    let taken = client.control("GET", "/snapshot", None).await.ok();
    client.pass(10_000);
    client
        .send("DELETE", &format!("/notebooks/{id}"), None)
        .await
        .ok();
    client.pass(100);
    assert_eq!(
        client
            .control("PUT", "/snapshot", Some(taken.clone()))
            .await
            .status,
        204
    );
    assert_eq!(client.status(&id).await, "CREATING");
    client.pass(50);
    assert_eq!(client.status(&id).await, "RUNNING");
    let other = Client::start().await;
    assert_eq!(
        other.control("PUT", "/snapshot", Some(taken)).await.status,
        204
    );
    assert_eq!(
        other.control("GET", "/health", None).await.ok()["instances"],
        1
    );
    let wrong = client
        .control("PUT", "/snapshot", Some(json!({"format": 1})))
        .await;
    assert_eq!(wrong.status, 400);
}

#[tokio::test]
async fn the_log_shows_requests_without_secrets() {
    let client = Client::start().await;
    client.get("/notebooks?limit=10").await.ok();
    client.get("/notebooks/none").await;
    let secret = "hunter2";
    let body = json!({"auth": {"identity": {"methods": ["password"], "password": {
        "user": {"name": "x", "password": secret},
    }}}});
    client
        .finish(client.request(Method::POST, "/v3/auth/tokens").json(&body))
        .await;
    let log = client.control("GET", "/requests", None).await.ok();
    let text = log.to_string();
    assert!(
        !text.contains(secret) && !text.contains(client.emulator.token().expose()),
        "{text}"
    );
    let list = &log[0];
    assert_eq!(list["operation"], "listNotebooks");
    assert_eq!(
        (&list["query"], &list["credentials"]),
        (&json!("limit=10"), &json!("token"))
    );
    let failed = client
        .control("GET", "/requests?status=400&limit=1", None)
        .await
        .ok();
    assert_eq!(failed[0]["error_code"], "ModelArts.6309");
    assert_eq!(
        client
            .emulator
            .requests(&LogFilter::default())
            .unwrap()
            .len(),
        3
    );
    assert_eq!(
        client.control("DELETE", "/requests", None).await.status,
        204
    );
    assert_eq!(
        client.control("GET", "/requests", None).await.ok(),
        json!([])
    );
    assert_eq!(
        client
            .control("GET", "/requests?limit=x", None)
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn web_pages_from_elsewhere_do_not_control_it() {
    let client = Client::start().await;
    let path = "/_emulator/reset";
    for (name, value) in [("Origin", "https://evil.example"), ("Host", "evil.example")] {
        let request = client.request(Method::POST, path).header(name, value);
        assert_eq!(client.finish(request).await.status, 403, "{name}");
    }
    let own = client
        .request(Method::POST, path)
        .header("Origin", client.emulator.base_url());
    assert_eq!(client.finish(own).await.status, 204);
}

#[tokio::test]
async fn the_documents_are_served() {
    let client = Client::start().await;
    let families = modelarts_client::FAMILIES.iter();
    let families = families.map(|family| (family.name, family.operations[0].path));
    for (name, path) in families.chain([("control", "/_emulator/faults/responses")]) {
        let document = client
            .control("GET", &format!("/openapi/{name}.json"), None)
            .await
            .ok();
        assert!(document["paths"][path].is_object(), "{name}");
    }
    assert_eq!(
        client.control("GET", "/openapi/x.json", None).await.status,
        404
    );
}

#[tokio::test]
async fn other_machines_are_let_in_only_when_that_is_meant() {
    let everywhere = "0.0.0.0:0".parse().unwrap();
    let refused = Emulator::builder()
        .bind(everywhere)
        .start()
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("allow_remote"), "{refused}");
    let allowed = Emulator::builder()
        .bind(everywhere)
        .allow_remote(true)
        .start()
        .await
        .unwrap();
    assert!(allowed.base_url().starts_with("http://127.0.0.1:"));
}

#[tokio::test]
async fn a_dropped_emulator_is_gone_and_a_stopped_one_responds_first() {
    let client = Client::start().await;
    let address = client.emulator.address();
    drop(client);
    tokio::task::yield_now().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());

    let slow = Fault::delay(Duration::from_millis(50)).times(1);
    let emulator = Emulator::builder().fault(slow).start().await.unwrap();
    let url = format!(
        "{}/v1/{}/notebooks",
        emulator.base_url(),
        emulator.project_id()
    );
    let token = emulator.token().expose().to_owned();
    let request = plain_http().get(url).header("X-Auth-Token", token);
    let response = tokio::spawn(request.send());
    // The fault is gone as soon as the request is under way.
    while !emulator.faults().is_empty() {
        tokio::task::yield_now().await;
    }
    emulator.shutdown().await;
    assert_eq!(response.await.unwrap().unwrap().status(), 200);
}
