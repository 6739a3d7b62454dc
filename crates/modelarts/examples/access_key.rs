//! Signs requests with an access key, and lists the flavors.
//!
//! `ModelArts::from_env()` does the same with `HUAWEICLOUD_SDK_AK` and its siblings; here each setting is given explicitly.

use std::env::var;
use std::error::Error;
use std::io::{Write, stdout};
use std::time::Duration;

use futures::TryStreamExt;
use modelarts::{
    AccessKey, CallOptions, Credentials, FlavorExt, ModelArts, ModelArtsBuilder, RetryPolicy,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut key = AccessKey::new(var("HUAWEICLOUD_SDK_AK")?, var("HUAWEICLOUD_SDK_SK")?);
    if let Ok(token) = var("HUAWEICLOUD_SDK_SECURITY_TOKEN") {
        key = key.security_token(token);
    }
    let mut service = ModelArts::builder()
        .project_id(var("HUAWEICLOUD_SDK_PROJECT_ID")?)
        .region("eu-de");
    if let Ok(endpoint) = var("MODELARTS_ENDPOINT") {
        service = service.endpoint(endpoint);
    }
    run(service, key, &mut stdout()).await
}

/// Builds a client that signs, and writes a line for each flavor.
pub async fn run(
    service: ModelArtsBuilder,
    key: AccessKey,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let client = service
        .credentials(Credentials::access_key(key))
        .user_agent("flavor-list/1.0")
        .rate_limit(5.0)
        .build()
        .await?;

    let patient = client.with(
        CallOptions::new()
            .retry_policy(RetryPolicy::default().max_attempts(8))
            .deadline(Duration::from_secs(900)),
    );
    let mut flavors = patient.flavors().list().items();
    while let Some(flavor) = flavors.try_next().await? {
        let memory = flavor.memory_size().map(|memory| memory.to_string());
        writeln!(
            out,
            "{}  {} vCPUs  {}",
            flavor.id.unwrap_or_default(),
            flavor.vcpus.unwrap_or_default(),
            memory.unwrap_or_default(),
        )?;
    }
    Ok(())
}
