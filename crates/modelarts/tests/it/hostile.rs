//! Configurations at random: whatever they say, no other project than the one that is meant, and no password on the way to
//! a host that nobody configured.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use modelarts::{Credentials, Environment, Login, ManualClock, ModelArts};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::{Recorded, Reply, Server, json, with};

/// The id that the identity service knows a project by.
fn id_of(name: &str) -> String {
    let digits: String = name.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("{digits:0<32}")[..32].to_owned()
}

fn name_of(id: &str) -> Option<&'static str> {
    PROJECTS.iter().copied().find(|name| id_of(name) == id)
}

const PROJECTS: [&str; 4] = ["eu-de", "eu-de_a", "eu-de_b", "eu-nl_c"];
const HOSTS: [&str; 4] = [
    "one.example.com",
    "two.example.com:8443",
    "three.example.com",
    "otc.t-systems.com.example.com",
];

/// What one source says of a cloud.
#[derive(Clone, Debug, Default)]
struct Source {
    project_id: Option<&'static str>,
    project_name: Option<&'static str>,
    tenant: bool,
    auth_url: Option<String>,
    endpoint: Option<String>,
    region: Option<&'static str>,
}

impl Source {
    fn hosts(&self) -> impl Iterator<Item = String> {
        let urls = [&self.auth_url, &self.endpoint].into_iter().flatten();
        urls.filter_map(|url| {
            let rest = url.trim().split_once("://")?.1;
            Some(rest.split('/').next()?.to_owned())
        })
    }

    /// The lines of a clouds.yaml, `auth` among them.
    fn yaml(&self, more_auth: &str) -> String {
        let kind = if self.tenant { "tenant" } else { "project" };
        let mut auth = more_auth.to_owned();
        let mut add = |name: &str, value: &str| write!(auth, "{name}: {value:?}, ").unwrap();
        if let Some(name) = self.project_id {
            add(&format!("{kind}_id"), &id_of(name));
        }
        if let Some(name) = self.project_name {
            add(&format!("{kind}_name"), name);
        }
        if let Some(url) = &self.auth_url {
            add("auth_url", url);
        }
        let mut all = format!("auth: {{{auth}}}, ");
        if let Some(url) = &self.endpoint {
            write!(all, "modelartsv1_endpoint_override: {url:?}, ").unwrap();
        }
        if let Some(region) = self.region {
            write!(all, "region_name: {region}, ").unwrap();
        }
        all
    }

    fn variables(&self, prefix: &str) -> Vec<(String, String)> {
        let kind = if self.tenant { "TENANT" } else { "PROJECT" };
        let url = |url: &Option<String>| url.clone();
        [
            (format!("{kind}_ID"), self.project_id.map(id_of)),
            (format!("{kind}_NAME"), self.project_name.map(str::to_owned)),
            ("AUTH_URL".to_owned(), url(&self.auth_url)),
            (
                "MODELARTS_ENDPOINT_OVERRIDE".to_owned(),
                url(&self.endpoint),
            ),
            ("REGION_NAME".to_owned(), self.region.map(str::to_owned)),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((format!("{prefix}{name}"), value?)))
        .collect()
    }
}

fn source() -> impl Strategy<Value = Source> {
    let project = || prop::option::weighted(0.4, prop::sample::select(&PROJECTS[..]));
    let url = |endings: &'static [&'static str]| {
        let host = prop::sample::select(&HOSTS[..]);
        let ending = prop::sample::select(endings);
        let url = (host, ending).prop_map(|(host, ending)| {
            let ending = ending.replace("<other>", &id_of("eu-nl_c"));
            format!("http://{host}{ending}")
        });
        prop::option::weighted(0.4, url)
    };
    (
        project(),
        project(),
        any::<bool>(),
        url(&["", "/v3", "/v3/", "/v3/auth/tokens", "/v3\n", "/v2.0"]),
        url(&[
            "",
            "/",
            "/v1",
            "/v1/%(project_id)s",
            "/v1/{project_id}",
            "/v1/<other>",
            "/prefix",
        ]),
        prop::option::weighted(0.4, prop::sample::select(&["eu-de", "eu-nl", "mars-1"][..])),
    )
        .prop_map(
            |(project_id, project_name, tenant, auth_url, endpoint, region)| Source {
                project_id,
                project_name,
                tenant,
                auth_url,
                endpoint,
                region,
            },
        )
}

#[derive(Clone, Debug)]
struct Case {
    builder: Source,
    os: Source,
    otc: Source,
    /// Of the region `eu-de`, if the cloud lists regions.
    values: Option<Source>,
    secure: Source,
    cloud: Source,
    named: bool,
    /// Who signs in: a login of the builder, of the environment, or of the files.
    login: usize,
}

fn case() -> impl Strategy<Value = Case> {
    (
        prop::option::weighted(0.3, source()),
        prop::option::weighted(0.4, source()),
        prop::option::weighted(0.2, source()),
        prop::option::weighted(0.3, source()),
        prop::option::weighted(0.3, source()),
        source(),
        any::<bool>(),
        0_usize..3,
    )
        .prop_map(
            |(builder, os, otc, values, secure, cloud, named, login)| Case {
                builder: builder.unwrap_or_default(),
                os: os.unwrap_or_default(),
                otc: otc.unwrap_or_default(),
                values,
                secure: secure.unwrap_or_default(),
                cloud,
                named,
                login,
            },
        )
}

impl Case {
    /// Whether the files have a say.
    fn uses_files(&self) -> bool {
        self.named || self.login == 2
    }

    /// Whether the region in use is the one that has values of its own.
    fn region(&self) -> Option<&'static str> {
        let listed = self.values.as_ref().map(|_| "eu-de");
        let files = [self.secure.region, self.cloud.region, listed];
        let files = files.into_iter().filter(|_| self.uses_files());
        let all = [self.builder.region, self.os.region, self.otc.region];
        all.into_iter().chain(files).flatten().next()
    }

    fn sources(&self) -> Vec<&Source> {
        let mut all = vec![&self.builder, &self.os, &self.otc];
        if self.uses_files() {
            let values = self.values.as_ref();
            all.extend(values.filter(|_| self.region() == Some("eu-de")));
            all.extend([&self.secure, &self.cloud]);
        }
        all
    }

    /// The project that is meant; an error where two are.
    fn project(&self) -> Result<Option<String>, ()> {
        let sources = self.sources();
        let mut reported = sources
            .iter()
            .filter(|source| source.project_id.or(source.project_name).is_some());
        let configured = match reported.next() {
            None => None,
            Some(source) => match (source.project_id, source.project_name) {
                (Some(id), Some(name)) if id != name => return Err(()),
                (id, name) => id.or(name).map(id_of),
            },
        };
        let endpoint = sources.iter().find_map(|source| source.endpoint.as_ref());
        let other = id_of("eu-nl_c");
        let named = endpoint.filter(|url| url.ends_with(&other)).map(|_| other);
        match (configured, named) {
            (Some(one), Some(other)) if one != other => Err(()),
            (one, other) => Ok(one.or(other).or_else(|| self.region().map(id_of))),
        }
    }

    /// Hosts that a password may go to.
    fn hosts(&self) -> BTreeSet<String> {
        let mut hosts: BTreeSet<_> = self.sources().iter().flat_map(|s| s.hosts()).collect();
        if hosts.is_empty() {
            for region in ["eu-de", "eu-nl"] {
                for service in ["iam", "modelarts"] {
                    hosts.insert(format!("{service}.{region}.otc.t-systems.com:443"));
                }
            }
        }
        hosts
    }
}

/// What every request of the clients goes through: it answers as the identity service of every host, and notes the hosts.
fn everywhere(recorded: &Recorded, _: usize) -> Reply {
    if recorded.method == "CONNECT" {
        return json(502, "{}");
    }
    let rest = recorded.target.split_once("://").unwrap().1;
    let (host, path) = rest.split_once('/').unwrap();
    match path {
        "v3/auth/tokens" => {
            let scope = &recorded.json()["auth"]["scope"]["project"];
            let id = match (scope["id"].as_str(), scope["name"].as_str()) {
                (Some(id), _) => id.to_owned(),
                (None, Some(name)) => id_of(name),
                (None, None) => return json(400, "{}"),
            };
            let Some(name) = name_of(&id) else {
                return json(401, "{}");
            };
            let body = format!(
                r#"{{"token": {{"project": {{"id": "{id}", "name": "{name}"}}, "catalog": [
                    {{"type": "modelartsv1", "endpoints": [
                        {{"interface": "public", "region_id": "eu-de", "url": "http://{host}/v1/{id}"}}]}}]}}}}"#
            );
            with(json(201, &body), "x-subject-token", "t1")
        }
        _ => json(200, r#"{"id": "n1"}"#),
    }
}

async fn run(
    case: &Case,
    folder: &Path,
    http: &reqwest::Client,
    server: &Server,
) -> Result<bool, String> {
    const LOGIN: &str = "username: u, user_domain_name: d, password: t0p-s3cret, ";
    let login = |here: bool| if here { LOGIN } else { "" };
    let regions = case.values.as_ref().map(|values| {
        let mut values = values.clone();
        values.region = None;
        format!(
            "regions: [{{name: eu-de, values: {{{}}}}}, eu-nl, mars-1], ",
            values.yaml("")
        )
    });
    // The second cloud is nobody's.
    let clouds = format!(
        "clouds:\n  a: {{{}{}}}\n{}",
        case.cloud.yaml(login(case.login == 2)),
        regions.unwrap_or_default(),
        match case.named {
            true =>
                "  decoy: {auth: {auth_url: 'http://decoy.example.com', token: x, project_id: decoy}}\n",
            false => "",
        }
    );
    let path = folder.join("clouds.yaml");
    std::fs::write(&path, clouds).unwrap();
    let secure = format!("clouds:\n  a: {{{}}}\n", case.secure.yaml(""));
    std::fs::write(folder.join("secure.yaml"), secure).unwrap();

    let mut variables = vec![(
        "OS_CLIENT_CONFIG_FILE".to_owned(),
        path.display().to_string(),
    )];
    variables.extend(case.os.variables("OS_"));
    variables.extend(case.otc.variables("OTC_"));
    if case.named {
        variables.push(("OS_CLOUD".to_owned(), "a".to_owned()));
    }
    if case.login == 1 {
        for (name, value) in [
            ("USERNAME", "u"),
            ("USER_DOMAIN_NAME", "d"),
            ("PASSWORD", "t0p-s3cret\n"),
        ] {
            variables.push((format!("OS_{name}"), value.to_owned()));
        }
    }
    let mut builder = ModelArts::builder()
        .environment(Environment::of(variables))
        .http_client(http.clone())
        .allow_http(true)
        .retry_policy(modelarts::RetryPolicy::off())
        .clock(ManualClock::default());
    if case.login == 0 {
        let login = Login::new("u", "t0p-s3cret").domain_name("d");
        builder = builder.credentials(Credentials::password(login));
    }
    let own = case.builder.clone();
    if let Some(name) = own.project_id {
        builder = builder.project_id(id_of(name));
    }
    if let Some(name) = own.project_name {
        builder = builder.project_name(name);
    }
    if let Some(url) = own.auth_url {
        builder = builder.auth_url(url);
    }
    if let Some(url) = own.endpoint {
        builder = builder.endpoint(url);
    }
    if let Some(region) = own.region {
        builder = builder.region(region);
    }

    let before = server.count();
    let outcome = builder.build().await;
    if let Ok(client) = &outcome {
        client
            .notebooks()
            .show("n1")
            .await
            .map_err(|error| error.to_string())?;
    }
    let expected = case.project();
    let allowed = case.hosts();
    for recorded in &server.requests()[before..] {
        let host = match recorded.target.split_once("://") {
            Some((_, rest)) => rest.split('/').next().unwrap_or_default(),
            None => &recorded.target,
        };
        if !allowed.contains(host) {
            return Err(format!("{host} was asked, allowed are {allowed:?}"));
        }
    }
    match outcome {
        Ok(client) => {
            let project = client.project_id().to_owned();
            let recorded = server.requests();
            let target = &recorded.last().unwrap().target;
            if expected != Ok(Some(project.clone())) {
                return Err(format!("the project is {project}, expected {expected:?}"));
            }
            if !target.ends_with(&format!("/v1/{project}/notebooks/n1"))
                || target.matches("/v1/").count() != 1
            {
                return Err(format!("{target} was asked for"));
            }
            Ok(true)
        }
        Err(error) => {
            let shown = format!("{error} {error:?}");
            match shown.contains("s3cret") {
                true => Err(shown),
                false => Ok(false),
            }
        }
    }
}

#[test]
fn no_other_project_and_no_other_host() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _entered = runtime.enter();
    let server = Server::start(everywhere);
    let http = modelarts::http_client_builder()
        .unwrap()
        .proxy(reqwest::Proxy::all(&server.url).unwrap())
        .build()
        .unwrap();
    let folder = std::env::temp_dir().join(format!("modelarts-hostile-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let built = Arc::new(Mutex::new(0));
    let mut runner = TestRunner::new(Config {
        cases: 400,
        failure_persistence: None,
        ..Config::default()
    });
    runner
        .run(&case(), |case| {
            let outcome = runtime.block_on(run(&case, &folder, &http, &server));
            let outcome = outcome.map_err(TestCaseError::fail)?;
            *built.lock().unwrap() += u32::from(outcome);
            Ok(())
        })
        .unwrap();
    // Refusing everything would be no art.
    let built = *built.lock().unwrap();
    assert!(built >= 60, "only {built} were built");
}
