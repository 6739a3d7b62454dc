//! The environment variables for clients of the emulator, and the messages that report that it is ready.

use std::path::Path;

use anyhow::Context as _;
use modelarts_emulator::Emulator;

use crate::files::write_private;

/// Returns the environment variables that clients need to find the emulator and to sign in.
pub(super) fn environment(emulator: &Emulator) -> Vec<(&'static str, String)> {
    let url = emulator.public_url();
    vec![
        ("OS_AUTH_URL", format!("{url}/v3")),
        ("OS_USERNAME", emulator.user_name().to_owned()),
        ("OS_PASSWORD", emulator.password().expose().to_owned()),
        ("OS_USER_DOMAIN_NAME", emulator.domain_name().to_owned()),
        // Without the name: a client with an access key would send a request to check that both are the same project.
        ("OS_PROJECT_ID", emulator.project_id().to_owned()),
        ("HUAWEICLOUD_SDK_AK", emulator.access_key().to_owned()),
        (
            "HUAWEICLOUD_SDK_SK",
            emulator.secret_key().expose().to_owned(),
        ),
        (
            "HUAWEICLOUD_SDK_PROJECT_ID",
            emulator.project_id().to_owned(),
        ),
        ("MODELARTS_ENDPOINT", url.to_owned()),
        // For curl. No client reads a variable of this name, because the token expires after a day of emulated time.
        ("X_AUTH_TOKEN", emulator.token().expose().to_owned()),
    ]
}

/// Returns the message for people. The address is in the first line, because scripts wait for it.
pub(super) fn introduction(emulator: &Emulator, environment: &[(&str, String)]) -> String {
    let url = emulator.base_url();
    let exports: String = environment
        .iter()
        .map(|(name, value)| format!("export {name}={}\n", shell_quoted(value)))
        .collect();
    format!(
        "Serving ModelArts at {url}\n\
         Interactive documentation: {url}/docs/\n\
         Control plane: {url}/_emulator/openapi/control.json\n\n\
         {exports}\n\
         These credentials are valid only for this emulator. Press Ctrl-C to stop it."
    )
}

/// Returns the message for programs, in one line.
pub(super) fn readiness(emulator: &Emulator, environment: &[(&str, String)]) -> String {
    let url = emulator.base_url();
    let environment: serde_json::Map<String, serde_json::Value> = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.as_str().into()))
        .collect();
    serde_json::json!({
        "url": url,
        "docs": format!("{url}/docs/"),
        "control": format!("{url}/_emulator/"),
        "environment": environment,
    })
    .to_string()
}

/// Quotes a value, so that a shell does not interpret anything in it.
fn shell_quoted(value: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@%+,=".contains(&byte);
    if !value.is_empty() && value.bytes().all(is_plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// Writes the file atomically, readable only by its owner.
pub(super) fn write_env_file(file: &Path, environment: &[(&str, String)]) -> anyhow::Result<()> {
    let lines: String = environment
        .iter()
        .map(|(name, value)| format!("{name}={}\n", shell_quoted(value)))
        .collect();
    write_private(file, lines.as_bytes())
        .with_context(|| format!("--env-file: writing {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_quoted_values_as_they_are() {
        for value in [
            "plain-1.0_@%+",
            "",
            "two words",
            "$(touch /tmp/executed)",
            "`id`",
            "it's \"quoted\" \\ $HOME !x *",
            "a\nb",
            "größe; rm -rf x & y | z > w",
            "'",
            "''\\''",
            "-n",
            "~",
            "#x",
        ] {
            let script = format!("export X={}; printf %s \"$X\"", shell_quoted(value));
            let output = std::process::Command::new("sh")
                .args(["-c", &script])
                .output()
                .unwrap();
            assert!(output.status.success(), "{value}");
            assert_eq!(String::from_utf8(output.stdout).unwrap(), value);
        }
    }
}
