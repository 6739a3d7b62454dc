//! Signs requests with an access key, and lists the flavors.
//!
//! `ModelArts::from_env()` does the same with `HUAWEICLOUD_SDK_AK` and its siblings; here each setting is given explicitly.

use std::time::Duration;

use futures::TryStreamExt;
use modelarts::{AccessKey, CallOptions, Credentials, FlavorExt, ModelArts, Result, RetryPolicy};

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut key = AccessKey::new(
        variable("HUAWEICLOUD_SDK_AK"),
        variable("HUAWEICLOUD_SDK_SK"),
    );
    let security_token = variable("HUAWEICLOUD_SDK_SECURITY_TOKEN");
    if !security_token.is_empty() {
        key = key.security_token(security_token);
    }
    let mut builder = ModelArts::builder()
        .project_id(variable("HUAWEICLOUD_SDK_PROJECT_ID"))
        .credentials(Credentials::access_key(key))
        .user_agent("flavor-list/1.0")
        .rate_limit(5.0);
    builder = match variable("MODELARTS_ENDPOINT") {
        endpoint if endpoint.is_empty() => builder.region("eu-de"),
        endpoint => builder.endpoint(endpoint),
    };
    let client = builder.build().await?;

    let patient = client.with(
        CallOptions::new()
            .retry(RetryPolicy::default().max_attempts(8))
            .deadline(Duration::from_secs(900)),
    );
    let mut flavors = std::pin::pin!(patient.flavors().list().items());
    while let Some(flavor) = flavors.try_next().await? {
        let memory = flavor.memory_size().map(|memory| memory.to_string());
        println!(
            "{}  {} vCPUs  {}",
            flavor.id.unwrap_or_default(),
            flavor.vcpus.unwrap_or_default(),
            memory.unwrap_or_default(),
        );
    }
    Ok(())
}
