//! TLS to a server of this machine, whose certificates nobody but the test knows.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use modelarts::{
    Credentials, Environment, ErrorKind, ManualClock, ModelArts, ModelArtsBuilder, Profile,
};
use modelarts_test_support::server::Server;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use crate::support::json;

/// An authority, a server with a certificate of it, and one for a client.
struct Secured {
    url: String,
    _server: Server,
    authority: String,
    client_certificate: String,
    client_key: String,
    folder: PathBuf,
}

impl Secured {
    /// `mutual`: the server asks for the client's certificate, too.
    async fn start(test: &str, mutual: bool) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        let signed = |name: &str| {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            (params.signed_by(&key, &issuer).unwrap(), key)
        };
        let (certificate, key) = signed("127.0.0.1");
        let (client_certificate, client_key) = signed("client.example.com");

        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let config = match mutual {
            true => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.der().clone()).unwrap();
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                config.with_client_cert_verifier(verifier.build().unwrap())
            }
            false => config.with_no_client_auth(),
        };
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = config
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let config = Arc::new(config);
        let secure = move |stream| {
            let connection = ServerConnection::new(Arc::clone(&config));
            Ok(StreamOwned::new(
                connection.map_err(io::Error::other)?,
                stream,
            ))
        };
        let server = Server::over("https", secure, |_, _| json(200, r#"{"id": "n1"}"#));

        let folder =
            std::env::temp_dir().join(format!("modelarts-tls-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let this = Self {
            url: server.url.clone(),
            _server: server,
            authority: authority.pem(),
            client_certificate: client_certificate.pem(),
            client_key: client_key.serialize_pem(),
            folder,
        };
        this.write("ca.pem", &this.authority);
        this.write("cert.pem", &this.client_certificate);
        this.write("key.pem", &this.client_key);
        let both = format!("{}{}", this.client_certificate, this.client_key);
        this.write("both.pem", &both);
        this.write("odd.pem", "no certificate at all");
        this
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn builder(&self) -> ModelArtsBuilder {
        ModelArts::builder()
            .endpoint(&self.url)
            .project_id("p1")
            .clock(ManualClock::default())
            .credentials(Credentials::token("t"))
    }

    /// A client with these variables in its environment.
    fn with(&self, variables: &[(&str, &str)]) -> ModelArtsBuilder {
        let mut all = vec![
            ("OS_TOKEN", "t"),
            ("OS_PROJECT_ID", "p1"),
            ("MODELARTS_ENDPOINT", self.url.as_str()),
        ];
        all.extend(variables);
        let environment = Environment::of(all);
        ModelArts::builder()
            .environment(environment)
            .clock(ManualClock::default())
    }

    /// A client of a cloud with these keys.
    fn cloud(&self, keys: &str) -> ModelArtsBuilder {
        let text = format!(
            "clouds: {{a: {{auth: {{token: t, project_id: p1}}, modelarts_endpoint_override: '{}', {keys}}}}}",
            self.url
        );
        let file = self.write("clouds.yaml", &text);
        let environment = Environment::of([("OS_CLIENT_CONFIG_FILE", file)]);
        let profile = Profile::from_clouds(&environment, "a").unwrap();
        ModelArts::builder()
            .profile(profile)
            .clock(ManualClock::default())
    }
}

async fn works(builder: ModelArtsBuilder) -> ModelArts {
    let client = builder.build().await.unwrap();
    client.notebooks().show("n1").await.unwrap();
    client
}

async fn distrusts(builder: ModelArtsBuilder) {
    let client = builder.build().await.unwrap();
    let error = client.notebooks().show("n1").await.unwrap_err();
    // It would not be trusted the next time, either.
    assert_eq!(error.kind(), ErrorKind::Certificate, "{error}");
    assert!(error.is_connect() && !error.is_retryable(), "{error}");
    let shown = "the certificate of the server is not trusted: ";
    assert!(error.to_string().contains(shown), "{error}");
}

async fn refusal(builder: ModelArtsBuilder) -> String {
    let error = builder.build().await.unwrap_err();
    assert!(error.is_usage(), "{error}");
    error.to_string()
}

#[tokio::test]
async fn a_certificate_of_ones_own_is_trusted_once_it_is_given() {
    let server = Secured::start("root", false).await;
    distrusts(server.builder()).await;
    works(
        server
            .builder()
            .root_certificate(server.authority.as_bytes()),
    )
    .await;
    let error = refusal(server.builder().root_certificate("nothing")).await;
    assert!(error.contains("PEM"), "{error}");
}

#[tokio::test]
async fn what_is_set_on_the_http_client_applies() {
    let server = Secured::start("http", false).await;
    let build =
        |change: fn(reqwest::ClientBuilder, reqwest::Certificate) -> reqwest::ClientBuilder| {
            let builder = modelarts::http_client_builder().unwrap();
            let certificate = reqwest::Certificate::from_pem(server.authority.as_bytes()).unwrap();
            server
                .builder()
                .http_client(change(builder, certificate).build().unwrap())
        };
    distrusts(build(|builder, _| builder)).await;
    works(build(|builder, certificate| {
        builder.tls_certs_merge([certificate])
    }))
    .await;
    works(build(|builder, certificate| {
        builder.tls_certs_only([certificate])
    }))
    .await;
    works(build(|builder, _| {
        builder.tls_danger_accept_invalid_certs(true)
    }))
    .await;
}

#[tokio::test]
async fn variables_name_what_is_trusted() {
    let server = Secured::start("variables", false).await;
    let ca = server.path("ca.pem");
    distrusts(server.with(&[])).await;
    works(server.with(&[("OS_CACERT", &ca)])).await;
    works(server.with(&[("OTC_CACERT", &ca)])).await;
    works(server.with(&[("OS_CACERT", &server.authority)])).await;
    let home = [
        ("OS_CACERT", "~/ca.pem"),
        ("HOME", server.folder.to_str().unwrap()),
    ];
    works(server.with(&home)).await;
    let client = works(server.with(&[("OS_INSECURE", "true")])).await;
    assert!(
        client.warnings()[0].contains("not verified"),
        "{:?}",
        client.warnings()
    );
    distrusts(server.with(&[("OS_INSECURE", "0")])).await;
    // Nothing else is trusted than what the bundle holds.
    let other = Secured::start("variables-other", false).await;
    distrusts(server.with(&[("OS_CACERT", &other.path("ca.pem"))])).await;
    for (name, value, expected) in [
        ("OS_INSECURE", "maybe", "OS_INSECURE must be true or false"),
        (
            "OS_CACERT",
            "/nonexistent/ca.pem",
            "OS_CACERT names /nonexistent/ca.pem",
        ),
        (
            "OS_CACERT",
            &server.path("odd.pem"),
            "OS_CACERT contains no certificates",
        ),
    ] {
        let error = refusal(server.with(&[(name, value)])).await;
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_cloud_and_its_regions_name_what_is_trusted() {
    let server = Secured::start("cloud", false).await;
    let ca = server.path("ca.pem");
    distrusts(server.cloud("region_name: r1")).await;
    works(server.cloud(&format!("cacert: {ca}"))).await;
    works(server.cloud("verify: false")).await;
    works(server.cloud("insecure: true")).await;
    let regions = format!("regions: [{{name: r1, values: {{cacert: {ca}}}}}, r2]");
    works(server.cloud(&regions)).await;
    distrusts(server.cloud(&regions).region("r2")).await;
    // A client of one's own has certificates of its own.
    let http = modelarts::http_client_builder().unwrap().build().unwrap();
    let client = server.cloud(&format!("cacert: {ca}")).http_client(http);
    let client = client.build().await.unwrap();
    assert!(
        client.warnings()[0].contains("certificates are configured"),
        "{:?}",
        client.warnings()
    );
}

#[tokio::test]
async fn the_client_shows_its_certificate() {
    let server = Secured::start("mutual", true).await;
    let path = |name: &str| server.path(name);
    let ca = ("OS_CACERT", path("ca.pem"));
    let with = |variables: &[(&str, String)]| {
        let all = [std::slice::from_ref(&ca), variables].concat();
        let all: Vec<_> = all
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        server.with(&all)
    };
    let client = with(&[]).build().await.unwrap();
    assert!(client.notebooks().show("n1").await.is_err());
    works(with(&[
        ("OS_CERT", path("cert.pem")),
        ("OS_KEY", path("key.pem")),
    ]))
    .await;
    works(with(&[("OS_CERT", path("both.pem"))])).await;
    let keys = format!(
        "cacert: {}, cert: {}, key: {}",
        path("ca.pem"),
        path("cert.pem"),
        path("key.pem")
    );
    works(server.cloud(&keys)).await;
    let error = refusal(with(&[("OS_KEY", path("key.pem"))])).await;
    assert!(
        error.contains("OS_KEY is set without a certificate"),
        "{error}"
    );
    let error = refusal(with(&[("OS_CERT", path("cert.pem"))])).await;
    assert!(error.contains("OS_CERT"), "{error}");
}
