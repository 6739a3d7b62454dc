//! Whatever can be sent when something is created is read back unchanged.

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
    let any_of = prop_oneof![object_storage, file_system];
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
    prop_assert_eq!(&read["lease"]["duration"], &json!(duration));
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

#[tokio::test]
async fn resources_that_are_chosen_freely_are_read_back_as_they_were_sent() {
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
    let bodies = (create_notebook(), spec, halves(1..=64), 513..1_000_000).prop_map(
        |(mut body, mut spec, cpu, memory)| {
            spec["cpu"] = cpu;
            spec["memory"] = json!(f64::from(memory));
            spec["arch"] = json!("X86_64");
            body["custom_spec"] = spec;
            body["flavor"] = json!("custom.flavor.spec.code");
            body["pool_id"] = json!("pool7f3c0e6a");
            body
        },
    );
    try_bodies(bodies, async |client, body| {
        let created = client.post("/notebooks", body.clone()).await;
        prop_assert_eq!(created.status, 200, "{:?}", created);
        notebook_is_read_back(body, &created.body)
    })
    .await;
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
