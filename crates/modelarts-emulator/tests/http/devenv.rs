use modelarts_emulator::Emulator;
use serde_json::{Value, json};

use crate::client::Client;

pub(crate) const PATH: &str = "/demanager/instances";

pub(crate) fn instance(changes: Value) -> Value {
    let mut body = json!({
        "name": "notebook-d115", "description": "", "profile_id": "Power-Engine 1.0(python3)",
        "flavor": "modelarts.kat1.xlarge",
        "spec": {
            "storage": {"location": {"path": "/aaaaaaaaa/output/"}, "type": "obs"},
            "auto_stop": {"enable": true, "duration": 3600},
        },
        "workspace": {"id": "0"},
    });
    for (pointer, value) in changes.as_object().unwrap() {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[name] = value.clone();
    }
    body
}

pub(crate) async fn create(client: &Client, changes: Value) -> String {
    let created = client.post(PATH, instance(changes)).await.ok();
    created["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_instance_lives_through_its_states() {
    let client = Client::start().await;
    let id = create(&client, json!({})).await;
    assert!(id.starts_with("DE-"), "{id}");
    let path = format!("{PATH}/{id}");
    let action = async |action: &str| {
        client
            .post(&format!("{path}/action"), json!({ "action": action }))
            .await
    };
    assert_eq!(action("stop").await.code(), "ModelArts.6357");
    client.pass(90);
    let running = client.get(&path).await.ok();
    assert_eq!(running["status"], "RUNNING");
    assert_eq!(running["spec"]["auto_stop"]["remain_time"], 3600);
    assert!(
        running["creation_timestamp"]
            .as_str()
            .unwrap()
            .parse::<i64>()
            .is_ok()
    );
    assert_eq!(running["flavor_details"]["type"], "ASCEND");
    assert_eq!(
        running["spec"]["storage"]["location"]["path"],
        "/aaaaaaaaa/output/"
    );

    assert_eq!(action("start").await.code(), "ModelArts.6305");
    let stopping = action("stop").await.ok();
    assert_eq!(
        stopping,
        json!({"current_status": "STOPPING", "previous_state": "RUNNING"})
    );
    assert_eq!(action("start").await.code(), "ModelArts.6308");
    client.pass(30);
    let stopped = action("stop").await;
    assert_eq!(stopped.code(), "ModelArts.6307");
    assert!(stopped.body["error_message"].is_string(), "{stopped:?}");
    assert_eq!(action("start").await.ok()["current_status"], "STARTING");
    assert_eq!(action("start").await.code(), "ModelArts.6306");
    client.pass(60 + 3600);
    assert_eq!(client.get(&path).await.ok()["status"], "STOPPING");
    client.pass(30);
    let deleted = client.send("DELETE", &path, None).await.ok();
    assert_eq!(deleted, json!({ "instance_id": id }));
    assert_eq!(client.get(&path).await.ok()["status"], "DELETED");
    client.pass(20);
    let gone = client.get(&path).await;
    assert_eq!(gone.code(), "ModelArts.6309");
    assert_eq!(gone.body["error_message"], "The instance does not exist.");
}

#[tokio::test]
async fn rules_are_enforced_with_their_codes() {
    let client = Client::start().await;
    for (changes, code) in [
        (
            json!({"/spec/storage/location/path": "/a/b"}),
            "ModelArts.6318",
        ),
        (
            json!({"/spec/storage/location/path": "/bucket/"}),
            "ModelArts.6358",
        ),
        (json!({"/spec/storage/location": {}}), "ModelArts.6317"),
        (json!({"/spec/storage/type": "tape"}), "ModelArts.6324"),
        (json!({"/spec": {}}), "ModelArts.6316"),
        (json!({"/spec/auto_stop/duration": 3599}), "ModelArts.6349"),
        (
            json!({"/spec/auto_stop": {"enable": true}}),
            "ModelArts.6348",
        ),
        (json!({"/flavor": "none"}), "ModelArts.6323"),
        (json!({"/profile_id": "none"}), "ModelArts.6336"),
        (json!({"/name": "ä"}), "ModelArts.6334"),
        (json!({"/description": "it's"}), "ModelArts.6334"),
    ] {
        let refused = client.post(PATH, instance(changes.clone())).await;
        assert_eq!(refused.code(), code, "{changes}");
    }
    let refused = client
        .post(
            PATH,
            instance(json!({"/spec/storage/location/path": "/a/b"})),
        )
        .await;
    assert_eq!(
        refused.body["error_message"],
        "The param path needs to end with /."
    );
}

#[tokio::test]
async fn the_automatic_stop_is_changed_in_either_place() {
    let client = Client::start().await;
    let id = create(&client, json!({})).await;
    client.pass(90);
    let path = format!("{PATH}/{id}");
    let put = async |body| client.send("PUT", &path, Some(body)).await;
    let changed = put(json!({"spec": {"auto_stop": {"enable": true, "duration": 7200}}}))
        .await
        .ok();
    assert_eq!(changed["spec"]["auto_stop"]["duration"], 7200);
    let beside = put(json!({"auto_stop": {"enable": false, "prompt": false}}))
        .await
        .ok();
    assert_eq!(beside["spec"]["auto_stop"]["enable"], false);
    assert_eq!(beside["spec"]["auto_stop"]["prompt"], false);
    assert_eq!(
        put(json!({"auto_stop": {"duration": 1}})).await.code(),
        "ModelArts.6349"
    );
    assert_eq!(
        put(json!({"description": "This is for test."})).await.ok()["description"],
        "This is for test."
    );
}

#[tokio::test]
async fn free_instances_queue_when_they_are_sold_out() {
    let client = Client::start().await;
    let capacity = json!({"flavors": {"modelarts.vm.cpu.free": 1}});
    client
        .control("PUT", "/capacity", Some(capacity))
        .await
        .ok();
    let free = json!({"/flavor": "modelarts.vm.cpu.free", "/profile_id": "Python3-cpu"});
    let first = create(&client, free.clone()).await;
    let second = create(&client, free.clone()).await;
    let third = create(&client, free).await;
    client.pass(10);
    let show = async |id: &str| client.get(&format!("{PATH}/{id}")).await.ok();
    let waiting = show(&third).await;
    assert_eq!(waiting["status"], "CREATE_QUEUING");
    assert_eq!(waiting["queuing_info"]["rank"], 2);
    assert_eq!(waiting["queuing_info"]["remain_time"], 110);
    assert_eq!(waiting["flavor_details"]["status"], "soldOut");
    assert_eq!(waiting["flavor_details"]["queuing_num"], 2);
    client.pass(80);
    let stop = json!({"action": "stop"});
    client
        .post(&format!("{PATH}/{first}/action"), stop)
        .await
        .ok();
    client.pass(30);
    assert_eq!(show(&second).await["status"], "CREATING");
    assert!(show(&second).await["queuing_info"].is_null());
}

#[tokio::test]
async fn an_ml_studio_instance_says_active_and_reboots() {
    let client = Client::with(Emulator::builder().manual().strict(true)).await;
    let fixtures = json!({"instances": [
        {"generation": "dev_env", "id": "studio", "profile_id": "ML-Studio-cpu", "status": "RUNNING"},
        {"generation": "dev_env", "id": "plain", "status": "RUNNING"},
    ]});
    client
        .control("POST", "/fixtures", Some(fixtures))
        .await
        .ok();
    let status = async |id: &str| client.get(&format!("{PATH}/{id}")).await.ok()["status"].clone();
    assert_eq!(status("studio").await, "ACTIVE");
    let studio = json!({"/profile_id": "ML-Studio-cpu", "/flavor": "modelarts.vm.cpu.2u"});
    let created = create(&client, studio).await;
    client.pass(90);
    assert_eq!(status(&created).await, "ACTIVE");
    client
        .post(
            &format!("{PATH}/{created}/action"),
            json!({"action": "stop"}),
        )
        .await
        .ok();
    client.pass(30);
    client
        .post(
            &format!("{PATH}/{created}/action"),
            json!({"action": "start"}),
        )
        .await
        .ok();
    client.pass(60);
    assert_eq!(status(&created).await, "ACTIVE");
    let restart = async |id: &str| {
        client
            .post(&format!("{PATH}/{id}/action"), json!({"action": "restart"}))
            .await
    };
    let response = restart("studio").await.ok();
    assert_eq!(
        response,
        json!({"current_status": "REBOOTING", "previous_state": "ACTIVE"})
    );
    client.pass(60);
    assert_eq!(status("studio").await, "ACTIVE");
    assert_eq!(restart("plain").await.code(), "ModelArts.6336");
}

#[tokio::test]
async fn lists_serve_the_openstack_client() {
    let client = Client::start().await;
    for name in ["b", "c", "a"] {
        create(&client, json!({"/name": name})).await;
        client.pass(1);
    }
    let names = async |query: &str| {
        let list = client
            .get(&format!("{PATH}?de_type=Notebook{query}"))
            .await
            .ok();
        let instances = list["instances"].as_array().unwrap().clone();
        let names: Vec<String> = instances
            .iter()
            .map(|instance| instance["name"].as_str().unwrap().to_owned())
            .collect();
        (names.join(""), list["total_count"].as_u64().unwrap())
    };
    assert_eq!(names("").await, ("abc".into(), 3));
    assert_eq!(
        names("&sortby=creation_timestamp&order=desc").await,
        ("acb".into(), 3)
    );
    assert_eq!(names("&limit=1&offset=1").await, ("b".into(), 3));
    assert_eq!(
        names("&show_self=True&ai_project_id=default-ai-project").await,
        ("abc".into(), 3)
    );
    assert_eq!(names("&status=RUNNING").await, (String::new(), 0));
    assert_eq!(
        client
            .get(&format!("{PATH}?de_type=Notebook&sortby=colour"))
            .await
            .code(),
        "ModelArts.6303"
    );
    assert_eq!(client.get(PATH).await.code(), "ModelArts.6335");
    // Finding by name asks for it as an id first.
    assert_eq!(
        client
            .get(&format!("{PATH}/a?de_type=Notebook"))
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn the_generations_do_not_see_each_other() {
    let client = Client::start().await;
    let old = create(&client, json!({})).await;
    let new = client.create(json!({})).await;
    assert_eq!(
        client.get(&format!("/notebooks/{old}")).await.code(),
        "ModelArts.6309"
    );
    assert_eq!(
        client.get(&format!("{PATH}/{new}")).await.code(),
        "ModelArts.6309"
    );
}
