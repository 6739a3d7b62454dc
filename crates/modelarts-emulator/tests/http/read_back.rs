//! Whatever can be sent when something is created is read back unchanged.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

use crate::client::{Client, IMAGE};

const CASES: usize = 200;

/// Tries the property on generated bodies; all of them share an emulator.
async fn try_bodies(
    bodies: impl Strategy<Value = Value>,
    property: impl AsyncFn(&Client, &Value) -> Result<(), TestCaseError>,
) {
    let client = Client::start().await;
    let mut runner = TestRunner::deterministic();
    // Each case waits for the emulator, which the runner cannot; so it only makes the bodies.
    for _ in 0..CASES {
        let body = bodies.new_tree(&mut runner).unwrap().current();
        let outcome = property(&client, &body).await;
        assert!(outcome.is_ok(), "{outcome:?} for {body:#}");
    }
}

/// Some of the optional members, with those that are always there.
fn object(
    always: Vec<(&'static str, BoxedStrategy<Value>)>,
    optional: Vec<(&'static str, BoxedStrategy<Value>)>,
) -> BoxedStrategy<Value> {
    let always = always
        .into_iter()
        .map(|(name, value)| (Just(name), value.prop_map(Some).boxed()));
    let optional = optional
        .into_iter()
        .map(|(name, value)| (Just(name), proptest::option::of(value).boxed()));
    let members: Vec<_> = always.chain(optional).collect();
    members
        .prop_map(|members| {
            let present = members.into_iter();
            let present = present.filter_map(|(name, value)| Some((name.to_owned(), value?)));
            Value::Object(present.collect::<Map<_, _>>())
        })
        .boxed()
}

fn text(pattern: &'static str) -> BoxedStrategy<Value> {
    pattern.prop_map(Value::String).boxed()
}

fn one_of(values: &'static [&'static str]) -> BoxedStrategy<Value> {
    proptest::sample::select(values)
        .prop_map(|value| json!(value))
        .boxed()
}

fn number(range: std::ops::RangeInclusive<i64>) -> BoxedStrategy<Value> {
    range.prop_map(|number| json!(number)).boxed()
}

const DESCRIPTION: &str = r#"[^&<>"'/\x00-\x1f]{0,60}"#;

fn list_of(one: BoxedStrategy<Value>, most: usize) -> BoxedStrategy<Value> {
    proptest::collection::vec(one, 0..=most)
        .prop_map(Value::Array)
        .boxed()
}

fn flag() -> BoxedStrategy<Value> {
    any::<bool>().prop_map(|flag| json!(flag)).boxed()
}

/// Multiples of one half, as numbers with a fraction.
fn halves(range: std::ops::RangeInclusive<i32>) -> BoxedStrategy<Value> {
    range
        .prop_map(|number| json!(f64::from(number) / 2.0))
        .boxed()
}

const SECRET: &str = "[A-Za-z0-9_-]{1,64}";

/// The members, with where and how a storage is mounted.
fn with_mounting(
    mut members: Vec<(&'static str, BoxedStrategy<Value>)>,
) -> Vec<(&'static str, BoxedStrategy<Value>)> {
    members.extend([
        ("mount_path", text("/home/ma-user/work/[a-z]{1,12}/?")),
        ("read_only", flag()),
        ("dew_secret_name", text(SECRET)),
    ]);
    members
}

/// Further storage; the directories differ.
fn data_volumes() -> BoxedStrategy<Value> {
    let object_storage = object(
        vec![
            ("category", one_of(&["OBS", "OBSFS"])),
            ("ownership", one_of(&["MANAGED", "DEDICATED"])),
            ("uri", text("obs://[a-z0-9-]{3,20}/[a-z ä]{1,10}/")),
            ("dew_secret_name", text(SECRET)),
        ],
        vec![("read_only", flag())],
    );
    let file_system = object(
        vec![
            ("category", one_of(&["EFS"])),
            ("ownership", one_of(&["DEDICATED"])),
            ("uri", text(r"192\.168\.[0-9]{1,2}\.2:/[a-z ä%+]{1,12}")),
            ("id", text("[0-9a-f-]{1,36}")),
        ],
        vec![("read_only", flag())],
    );
    let disk = object(
        vec![
            ("category", one_of(&["EVS"])),
            ("ownership", one_of(&["MANAGED"])),
            ("capacity", number(5..=4096)),
        ],
        vec![],
    );
    let any_of = prop_oneof![object_storage, file_system, disk];
    proptest::collection::vec(any_of, 0..4)
        .prop_map(|mut volumes| {
            for (index, volume) in volumes.iter_mut().enumerate() {
                volume["mount_path"] = json!(format!("/data/{index}/"));
            }
            Value::Array(volumes)
        })
        .boxed()
}

fn affinity() -> BoxedStrategy<Value> {
    let rule = object(
        vec![
            ("key", text("[a-z]{1,10}(/[a-z]{1,10})?")),
            (
                "operator",
                one_of(&["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]),
            ),
            ("values", list_of(text("[a-z0-9]{1,63}"), 2)),
        ],
        vec![("weight", number(0..=100))],
    );
    object(
        vec![],
        vec![
            (
                "required_during_scheduling_ignored_during_execution",
                list_of(rule.clone(), 2),
            ),
            (
                "preferred_during_scheduling_ignored_during_execution",
                list_of(rule, 2),
            ),
        ],
    )
}

fn network() -> BoxedStrategy<Value> {
    object(
        vec![],
        vec![
            ("vpc_id", text("[0-9a-f-]{36}")),
            ("subnet_id", text("[0-9a-f-]{36}")),
            ("security_group_ids", list_of(text("[0-9a-f-]{36}"), 3)),
            ("connect_cidrs", list_of(text(r"10\.[0-9]\.0\.0/16"), 2)),
            ("nat_id", text("[0-9a-f-]{36}")),
            ("eip_id", text("[0-9a-f-]{36}")),
        ],
    )
}

/// Scripts; the service never shows them.
fn hooks() -> BoxedStrategy<Value> {
    let command = object(
        vec![
            ("type", one_of(&["COMMAND"])),
            ("script", text("([A-Za-z0-9+/]{4}){1,8}")),
        ],
        vec![("mode", one_of(&["BLOCK", "ASYNC"]))],
    );
    let script = object(
        vec![("script", text("/home/ma-user/[a-z]{1,12}[.]sh"))],
        vec![
            ("type", one_of(&["SCRIPT"])),
            ("mode", one_of(&["BLOCK", "ASYNC"])),
        ],
    );
    let hook = prop_oneof![command, script].boxed();
    let both = object(
        vec![],
        vec![("pre_start", hook.clone()), ("post_start", hook)],
    );
    object(vec![], vec![("container_hooks", both)])
}

fn volume() -> BoxedStrategy<Value> {
    let evs = object(
        vec![
            ("category", one_of(&["EVS"])),
            ("ownership", one_of(&["MANAGED"])),
        ],
        with_mounting(vec![("capacity", number(5..=4096))]),
    );
    let managed = object(
        vec![
            ("category", one_of(&["EFS", "SFS"])),
            ("ownership", one_of(&["MANAGED"])),
        ],
        with_mounting(vec![("capacity", number(1..=4096))]),
    );
    let dedicated = object(
        vec![
            ("category", one_of(&["EFS"])),
            ("ownership", one_of(&["DEDICATED"])),
            ("uri", text(r"192\.168\.[0-9]{1,2}\.2:/[a-z ä%+]{1,12}")),
            ("id", text("[0-9a-f-]{1,36}")),
        ],
        with_mounting(vec![("capacity", number(1..=4096))]),
    );
    prop_oneof![evs, managed, dedicated].boxed()
}

fn create_notebook() -> BoxedStrategy<Value> {
    let endpoint = object(
        vec![("service", one_of(&["SSH", "NOTEBOOK"]))],
        vec![
            (
                "allowed_access_ips",
                proptest::collection::vec(text(r"203\.0\.113\.[1-9]"), 0..=5)
                    .prop_map(Value::Array)
                    .boxed(),
            ),
            (
                "key_pair_names",
                proptest::collection::vec(text("[a-zA-Z0-9_-]{1,20}"), 0..3)
                    .prop_map(Value::Array)
                    .boxed(),
            ),
        ],
    );
    let duration = prop_oneof![number(-1..=-1), number(3_600_000..=259_200_000)].boxed();
    object(
        vec![
            ("name", text("[A-Za-z0-9_-]{1,128}")),
            (
                "flavor",
                one_of(&[
                    "modelarts.vm.cpu.2u",
                    "modelarts.vm.cpu.8u",
                    "modelarts.vm.gpu.v100",
                ]),
            ),
            (
                "image_id",
                one_of(&[IMAGE, "278e88d1-5b71-4766-8502-b3ba72e824d9"]),
            ),
            ("volume", volume()),
        ],
        vec![
            ("description", text(DESCRIPTION)),
            ("duration", duration.clone()),
            (
                "endpoints",
                proptest::collection::vec(endpoint, 0..3)
                    .prop_map(Value::Array)
                    .boxed(),
            ),
            ("feature", one_of(&["NOTEBOOK"])),
            ("pool_id", one_of(&["pool7f3c0e6a", "pool-7c1e5b20"])),
            ("workspace_id", one_of(&["0"])),
            ("data_volumes", data_volumes()),
            ("affinity", affinity()),
            (
                "run_user",
                object(
                    vec![],
                    vec![
                        ("uid", number(0..=4_294_967_295)),
                        ("gid", number(0..=65_535)),
                    ],
                ),
            ),
            ("user_vpc", network()),
            ("hooks", hooks()),
            (
                "public_network_config",
                object(
                    vec![],
                    vec![(
                        "public_network_type",
                        one_of(&["SHARED", "EXCLUSIVE", "FORBIDDEN"]),
                    )],
                ),
            ),
            (
                "lease",
                object(
                    vec![],
                    vec![
                        ("duration", duration),
                        ("type", one_of(&["timing", "idle"])),
                    ],
                ),
            ),
        ],
    )
}

/// What was sent at a place, against what is read at another one.
fn same(sent: &Value, read: &Value, from: &str, to: &str) -> Result<(), TestCaseError> {
    if let Some(sent) = sent.pointer(from) {
        prop_assert_eq!(Some(sent), read.pointer(to), "{} is read at {}", from, to);
    }
    Ok(())
}

fn notebook_is_read_back(sent: &Value, read: &Value) -> Result<(), TestCaseError> {
    for name in ["name", "description", "flavor", "feature", "workspace_id"] {
        same(sent, read, &format!("/{name}"), &format!("/{name}"))?;
    }
    for name in [
        "category",
        "ownership",
        "capacity",
        "uri",
        "id",
        "mount_path",
        "read_only",
        "dew_secret_name",
    ] {
        same(
            sent,
            read,
            &format!("/volume/{name}"),
            &format!("/volume/{name}"),
        )?;
    }
    for index in 0..sent["data_volumes"].as_array().map_or(0, Vec::len) {
        for name in ["category", "mount_path", "uri", "id"] {
            let at = format!("/data_volumes/{index}/{name}");
            same(sent, read, &at, &at)?;
        }
    }
    for name in ["affinity", "run_user", "custom_spec"] {
        same(sent, read, &format!("/{name}"), &format!("/{name}"))?;
    }
    for name in [
        "vpc_id",
        "subnet_id",
        "security_group_ids",
        "nat_id",
        "eip_id",
    ] {
        let at = format!("/user_vpc/{name}");
        same(sent, read, &at, &at)?;
    }
    if let Some(networks) = sent.pointer("/user_vpc/connect_cidrs") {
        let networks: Vec<&str> = networks
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        prop_assert_eq!(
            &read["user_vpc"]["connect_cidrs"],
            &json!(networks.join(","))
        );
    }
    same(sent, read, "/image_id", "/image/id")?;
    same(sent, read, "/pool_id", "/pool/id")?;
    for index in 0..sent["endpoints"].as_array().map_or(0, Vec::len) {
        for (from, to) in [
            ("allowed_access_ips", "allowed_access_ips"),
            ("key_pair_names", "key_pair_names"),
            ("key_pair_names", "ssh_keys"),
            ("service", "service"),
            ("service", "dev_service"),
        ] {
            let at = |name: &str| format!("/endpoints/{index}/{name}");
            same(sent, read, &at(from), &at(to))?;
        }
    }
    let duration = sent
        .get("duration")
        .or_else(|| sent.pointer("/lease/duration"));
    let duration = duration.and_then(Value::as_i64).unwrap_or(3_600_000);
    prop_assert_eq!(&read["lease"]["enable"], &json!(duration > 0));
    // It counts from the creation, the time that was asked for from the last change of the lease.
    let time = |name: &str| read["lease"][name].as_i64().unwrap();
    let before = if duration > 0 {
        time("update_at") - time("create_at")
    } else {
        0
    };
    prop_assert_eq!(time("duration") - before, duration);
    let idle = sent.get("duration").is_none() && sent["lease"]["type"] == "idle";
    prop_assert_eq!(
        &read["lease"]["type"],
        &json!(if idle { "IDLE" } else { "TIMING" })
    );
    Ok(())
}

#[tokio::test]
async fn a_notebook_is_read_back_as_it_was_sent() {
    try_bodies(create_notebook(), async |client, body| {
        let created = client.post("/notebooks", body.clone()).await;
        prop_assert_eq!(created.status, 200, "{:?}", created);
        notebook_is_read_back(body, &created.body)?;
        let id = created.body["id"].as_str().unwrap();
        client.pass(200);
        notebook_is_read_back(body, &client.show(id).await)?;
        client
            .send("DELETE", &format!("/notebooks/{id}"), None)
            .await
            .ok();
        Ok(())
    })
    .await;
}

/// Resources chosen freely, as a creation and a change can ask for them.
fn custom_spec() -> BoxedStrategy<Value> {
    let spec = prop_oneof![
        object(
            vec![("category", one_of(&["CPU"]))],
            vec![("resource_flavor", text("[a-z0-9.]{1,20}"))],
        ),
        object(
            vec![
                ("category", one_of(&["GPU"])),
                ("gpu", halves(1..=16)),
                ("gpu_type", one_of(&["V100", "T4"])),
            ],
            vec![],
        ),
    ];
    (spec, halves(1..=64), 513..1_000_000)
        .prop_map(|(mut spec, cpu, memory)| {
            spec["cpu"] = cpu;
            spec["memory"] = json!(f64::from(memory));
            spec["arch"] = json!("X86_64");
            spec
        })
        .boxed()
}

fn create_custom_notebook() -> BoxedStrategy<Value> {
    (create_notebook(), custom_spec())
        .prop_map(|(mut body, spec)| {
            body["custom_spec"] = spec;
            body["flavor"] = json!("custom.flavor.spec.code");
            body["pool_id"] = json!("pool7f3c0e6a");
            body
        })
        .boxed()
}

#[tokio::test]
async fn resources_that_are_chosen_freely_are_read_back_as_they_were_sent() {
    try_bodies(create_custom_notebook(), async |client, body| {
        let created = client.post("/notebooks", body.clone()).await;
        prop_assert_eq!(created.status, 200, "{:?}", created);
        notebook_is_read_back(body, &created.body)
    })
    .await;
}

fn update_notebook() -> BoxedStrategy<Value> {
    let endpoint = object(
        vec![("service", one_of(&["SSH", "NOTEBOOK"]))],
        vec![
            ("key_pair_names", list_of(text("[a-zA-Z0-9_-]{1,20}"), 3)),
            (
                "allowed_access_ips",
                list_of(text(r"203\.0\.113\.[1-9]"), 5),
            ),
        ],
    );
    let resources = prop_oneof![
        object(vec![("custom_spec", custom_spec())], vec![]),
        object(
            vec![],
            vec![(
                "flavor",
                one_of(&["modelarts.vm.cpu.8u", "modelarts.vm.gpu.v100"])
            )],
        ),
    ];
    let others = object(
        vec![],
        vec![
            ("name", text("[A-Za-z0-9_-]{1,128}")),
            ("description", text(DESCRIPTION)),
            (
                "image_id",
                one_of(&["278e88d1-5b71-4766-8502-b3ba72e824d9"]),
            ),
            ("endpoints", list_of(endpoint, 3)),
            ("storage_new_size", number(21..=4096)),
            ("hooks", hooks()),
            ("affinity", affinity()),
            ("dew_secret_name", text(SECRET)),
            ("data_volumes", data_volumes()),
            (
                "public_network_config",
                object(
                    vec![],
                    vec![(
                        "public_network_type",
                        one_of(&["SHARED", "EXCLUSIVE", "FORBIDDEN"]),
                    )],
                ),
            ),
        ],
    );
    (resources, others)
        .prop_map(|(resources, mut others)| {
            for (name, value) in resources.as_object().unwrap() {
                others[name] = value.clone();
            }
            others
        })
        .boxed()
}

#[tokio::test]
async fn a_change_of_a_notebook_is_read_back_as_it_was_sent() {
    try_bodies(update_notebook(), async |client, body| {
        let id = client.create(json!({"pool_id": "pool7f3c0e6a"})).await;
        client.pass(200);
        let path = format!("/notebooks/{id}");
        client
            .send("POST", &format!("{path}/stop"), None)
            .await
            .ok();
        client.pass(30);
        let changed = client.send("PUT", &path, Some(body.clone())).await;
        prop_assert_eq!(changed.status, 200, "{:?}", changed);
        for read in [changed.body, client.show(&id).await] {
            for name in ["name", "description", "affinity", "custom_spec"] {
                same(body, &read, &format!("/{name}"), &format!("/{name}"))?;
            }
            if body.get("custom_spec").is_none() {
                same(body, &read, "/flavor", "/flavor")?;
            }
            same(body, &read, "/image_id", "/image/id")?;
            same(body, &read, "/storage_new_size", "/volume/capacity")?;
            same(body, &read, "/dew_secret_name", "/volume/dew_secret_name")?;
            for index in 0..body["data_volumes"].as_array().map_or(0, Vec::len) {
                for name in ["category", "mount_path", "uri", "id"] {
                    let at = format!("/data_volumes/{index}/{name}");
                    same(body, &read, &at, &at)?;
                }
            }
            for index in 0..body["endpoints"].as_array().map_or(0, Vec::len) {
                for name in ["service", "key_pair_names", "allowed_access_ips"] {
                    let at = format!("/endpoints/{index}/{name}");
                    same(body, &read, &at, &at)?;
                }
            }
        }
        client.send("DELETE", &path, None).await.ok();
        client.pass(30);
        Ok(())
    })
    .await;
}

fn register_image() -> BoxedStrategy<Value> {
    object(
        vec![(
            "swr_path",
            text(r"swr\.example\.com/[a-z]{3,12}/[a-z0-9]{8,30}:[A-Za-z0-9._-]{1,40}"),
        )],
        vec![
            ("arch", one_of(&["X86_64", "AARCH64"])),
            ("description", text(DESCRIPTION)),
            ("origin", one_of(&["CUSTOMIZE", "IMAGE_SAVE"])),
            (
                "resource_category",
                proptest::collection::vec(one_of(&["CPU", "GPU", "ASCEND"]), 1..3)
                    .prop_map(Value::Array)
                    .boxed(),
            ),
            (
                "service_type",
                one_of(&["COMMON", "INFERENCE", "TRAIN", "DEV", "UNKNOWN"]),
            ),
            (
                "services",
                proptest::collection::vec(one_of(&["NOTEBOOK", "SSH"]), 1..3)
                    .prop_map(Value::Array)
                    .boxed(),
            ),
            ("visibility", one_of(&["PRIVATE", "PUBLIC"])),
            ("workspace_id", one_of(&["0"])),
            (
                "flavor_type",
                one_of(&["ASCEND_SNT9", "ASCEND_SNT9B", "ASCEND_SNT3"]),
            ),
            ("tags", list_of(text("[a-z]{1,12}=[a-z0-9]{0,12}"), 20)),
            ("swr_instance_id", text("[0-9a-f-]{36}")),
            ("read_me", text("[A-Za-z .äöü]{0,80}")),
        ],
    )
}

#[tokio::test]
async fn a_registered_image_is_read_back_as_it_was_sent() {
    try_bodies(register_image(), async |client, body| {
        let image = client.post("/images", body.clone()).await;
        prop_assert_eq!(image.status, 200, "{:?}", image);
        let path = format!("/images/{}", image.body["id"].as_str().unwrap());
        for read in [image.body, client.get(&path).await.ok()] {
            for (from, to) in [
                ("swr_path", "swr_path"),
                ("description", "description"),
                ("origin", "origin"),
                ("resource_category", "resource_categories"),
                ("service_type", "service_type"),
                ("services", "dev_services"),
                ("visibility", "visibility"),
                ("workspace_id", "workspace_id"),
                ("flavor_type", "flavor_type"),
                ("swr_instance_id", "swr_instance_id"),
            ] {
                same(body, &read, &format!("/{from}"), &format!("/{to}"))?;
            }
            if let Some(arch) = body["arch"].as_str() {
                prop_assert_eq!(&read["arch"], &json!(arch.to_lowercase()));
            }
            if let Some(tags) = body["tags"].as_array() {
                let pair = |tag: &Value| {
                    let (key, value) = tag.as_str().unwrap().split_once('=').unwrap();
                    json!({"key": key, "value": value})
                };
                let expected: Vec<Value> = tags.iter().map(pair).collect();
                prop_assert_eq!(&read["tags"], &json!(expected));
            }
            let name = read["name"].as_str().unwrap();
            let path = format!("/images/group?name={name}&name_fuzzy_match=false");
            let groups = client.get(&path).await.ok();
            same(body, &groups["data"][0], "/read_me", "/read_me")?;
        }
        Ok(())
    })
    .await;
}

fn create_image() -> BoxedStrategy<Value> {
    object(
        vec![
            ("name", text("[a-z0-9._-]{8,40}")),
            ("namespace", text("[a-z]{3,12}")),
            ("tag", text("[A-Za-z0-9_][A-Za-z0-9._-]{0,40}")),
        ],
        vec![
            ("description", text(DESCRIPTION)),
            ("workspace_id", one_of(&["0"])),
            ("swr_instance_id", text("[0-9a-f-]{36}")),
            ("swr_instance_domain", text("[a-z]{3,12}[.]example[.]com")),
        ],
    )
}

#[tokio::test]
async fn a_saved_image_is_read_back_as_it_was_sent() {
    try_bodies(create_image(), async |client, body| {
        let id = client.create(json!({})).await;
        client.pass(200);
        let path = format!("/notebooks/{id}/create-image");
        let saved = client.post(&path, body.clone()).await;
        prop_assert_eq!(saved.status, 200, "{:?}", saved);
        let path = format!("/images/{}", saved.body["id"].as_str().unwrap());
        client.pass(120);
        for read in [saved.body, client.get(&path).await.ok()] {
            for name in [
                "name",
                "namespace",
                "tag",
                "description",
                "workspace_id",
                "swr_instance_id",
            ] {
                same(body, &read, &format!("/{name}"), &format!("/{name}"))?;
            }
        }
        client
            .send("DELETE", &format!("/notebooks/{id}"), None)
            .await
            .ok();
        client.pass(30);
        Ok(())
    })
    .await;
}

fn attach_storage() -> BoxedStrategy<Value> {
    let objects = object(
        vec![
            ("category", one_of(&["OBS"])),
            ("uri", text("obs://[a-z0-9-]{3,20}/([a-z ä]{1,10}/)?")),
            ("mount_path", text("/data/[A-Za-z0-9_-]{1,30}/")),
        ],
        vec![],
    );
    let files = object(
        vec![
            ("category", one_of(&["EFS"])),
            ("uri", text("[a-z]{3,12}[.]example[.]com:/[a-z]{1,12}")),
            ("mount_path", text("/data/[A-Za-z0-9_-]{1,30}/")),
            (
                "efs_id",
                text("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}"),
            ),
        ],
        vec![],
    );
    prop_oneof![objects, files].boxed()
}

#[tokio::test]
async fn a_mount_is_read_back_as_it_was_sent() {
    try_bodies(attach_storage(), async |client, body| {
        let id = client.create(json!({})).await;
        client.pass(200);
        let path = format!("/notebooks/{id}/storage");
        let mount = client.post(&path, body.clone()).await;
        prop_assert_eq!(mount.status, 200, "{:?}", mount);
        let one = format!("{path}/{}", mount.body["id"].as_str().unwrap());
        let listed = client.get(&path).await.ok()["data"][0].clone();
        for read in [mount.body, client.get(&one).await.ok(), listed] {
            for name in ["uri", "mount_path", "efs_id"] {
                same(body, &read, &format!("/{name}"), &format!("/{name}"))?;
            }
            let category = match body["category"].as_str() {
                Some("OBS") => "OBSFS",
                _ => "EFS",
            };
            prop_assert_eq!(&read["category"], &json!(category));
        }
        client
            .send("DELETE", &format!("/notebooks/{id}"), None)
            .await
            .ok();
        client.pass(30);
        Ok(())
    })
    .await;
}

/// The fields of a value, each as its names joined with periods; the items of a list have the name of the list.
fn fields_of(value: &Value, at: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let at = format!("{at}.{name}");
                found.insert(at.clone());
                fields_of(member, &at, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| fields_of(item, at, found)),
        _ => {}
    }
}

/// The fields that the document has in a schema.
fn fields_in(schema: modelarts_document::Schema<'_>, at: &str, found: &mut BTreeSet<String>) {
    let schema = schema.items().unwrap_or(schema);
    for (name, property) in schema.properties() {
        let at = format!("{at}.{name}");
        found.insert(at.clone());
        fields_in(property, &at, found);
    }
}

#[test]
fn the_properties_above_send_every_field_that_a_request_can_have() {
    let document =
        modelarts_document::Document::from_json(modelarts_client::devenviron::DOCUMENT).unwrap();
    for (name, bodies) in [
        ("CreateNotebookRequest", create_custom_notebook()),
        ("UpdateNotebookRequest", update_notebook()),
        ("CreateDevEnvInstanceRequest", create_instance()),
        ("RegisterImageRequest", register_image()),
        ("CreateImageRequest", create_image()),
        ("AttachObsRequest", attach_storage()),
    ] {
        let (mut sent, mut known) = (BTreeSet::new(), BTreeSet::new());
        fields_in(document.schema(name).unwrap(), name, &mut known);
        let mut runner = TestRunner::deterministic();
        for _ in 0..CASES {
            let body = bodies.new_tree(&mut runner).unwrap().current();
            fields_of(&body, name, &mut sent);
        }
        let missing: Vec<&String> = known.difference(&sent).collect();
        assert_eq!(missing, [""; 0], "no generated body has these");
    }
}

fn storage(kind: &'static str) -> BoxedStrategy<Value> {
    let path = text(r"(/|obs://)[a-z0-9][a-z0-9-]{1,20}[a-z0-9]/([A-Za-z0-9 _ä-]{1,10}/){1,3}");
    let location = object(vec![("path", path)], vec![]);
    object(
        vec![
            (
                "type",
                one_of(match kind {
                    "obs" => &["obs"],
                    _ => &["obsfs"],
                }),
            ),
            ("location", location),
        ],
        vec![],
    )
}

fn create_instance() -> BoxedStrategy<Value> {
    let stop = object(
        vec![
            (
                "enable",
                one_of(&["true"]).prop_map(|_| json!(true)).boxed(),
            ),
            ("duration", number(3600..=86_400)),
        ],
        vec![(
            "prompt",
            any::<bool>().prop_map(|value| json!(value)).boxed(),
        )],
    );
    let run_on = object(
        vec![],
        vec![
            ("enable", Just(json!(false)).boxed()),
            ("duration", number(3600..=86_400)),
            (
                "prompt",
                any::<bool>().prop_map(|value| json!(value)).boxed(),
            ),
        ],
    );
    let annotations = proptest::collection::btree_map("[a-s][a-z_]{0,10}", DESCRIPTION, 0..4)
        .prop_map(|labels| json!(labels))
        .boxed();
    let spec = |extended: bool| {
        let mut optional = vec![
            (
                "auto_stop",
                prop_oneof![stop.clone(), run_on.clone()].boxed(),
            ),
            ("annotations", annotations.clone()),
        ];
        if extended {
            let list = proptest::collection::vec(storage("obsfs"), 0..3);
            optional.push(("extend_storage", list.prop_map(Value::Array).boxed()));
        }
        object(vec![("storage", storage("obs"))], optional)
    };
    let pool = object(
        vec![("id", one_of(&["pool-7c1e5b20"]))],
        vec![
            ("name", one_of(&["language-pool"])),
            ("type", one_of(&["USER_DEFINED"])),
            (
                "owner",
                object(
                    vec![],
                    vec![("project_id", one_of(&["7f3c0e6a1b5d4c2f9e8d7a6b5c4d3e2f"]))],
                ),
            ),
        ],
    );
    let body = |mut always: Vec<(&'static str, BoxedStrategy<Value>)>| {
        always.extend([
            ("name", text("[A-Za-z0-9_-]{1,64}")),
            (
                "profile_id",
                one_of(&["Python3-cpu", "Multi-Engine 1.0 (python3)-cpu"]),
            ),
            (
                "flavor",
                one_of(&["modelarts.vm.cpu.2u", "modelarts.vm.cpu.8u"]),
            ),
        ]);
        let optional = vec![
            ("description", text(DESCRIPTION)),
            ("workspace", object(vec![], vec![("id", one_of(&["0"]))])),
            (
                "ai_project",
                object(vec![], vec![("id", text("[a-z-]{1,20}"))]),
            ),
        ];
        object(always, optional)
    };
    prop_oneof![
        body(vec![("spec", spec(false))]),
        body(vec![("spec", spec(true)), ("pool", pool)]),
    ]
    .boxed()
}

/// Everything that was sent stands in what is read, at the same place.
fn contains(sent: &Value, read: &Value, place: &str) -> Result<(), TestCaseError> {
    match sent {
        Value::Object(members) => members.iter().try_for_each(|(name, member)| {
            contains(member, &read[name], &format!("{place}/{name}"))
        }),
        other => {
            prop_assert_eq!(other, read, "{}", place);
            Ok(())
        }
    }
}

#[tokio::test]
async fn an_instance_of_the_old_generation_is_read_back_as_it_was_sent() {
    try_bodies(create_instance(), async |client, body| {
        let mut expected = body.clone();
        let profile = expected
            .as_object_mut()
            .unwrap()
            .remove("profile_id")
            .unwrap();
        expected["profile"] = json!({ "id": profile });
        let created = client.post(crate::devenv::PATH, body.clone()).await;
        prop_assert_eq!(created.status, 200, "{:?}", created);
        contains(&expected, &created.body, "")?;
        let path = format!(
            "{}/{}",
            crate::devenv::PATH,
            created.body["id"].as_str().unwrap()
        );
        client.pass(100);
        contains(&expected, &client.get(&path).await.ok(), "")?;
        client.send("DELETE", &path, None).await.ok();
        Ok(())
    })
    .await;
}
