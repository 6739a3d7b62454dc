//! The keys of `clouds.yaml`: those that this crate uses, those that it does not support, and those of other tools.

use crate::config::settings::Setting;

/// Names of settings below `auth`, which are also accepted anywhere in a cloud.
pub(super) const AUTH_KEYS: &[(&str, Setting)] = &[
    ("auth_url", Setting::AuthUrl),
    ("token", Setting::Token),
    ("auth_token", Setting::Token),
    ("username", Setting::UserName),
    ("user_name", Setting::UserName),
    ("user_id", Setting::UserId),
    ("password", Setting::Password),
    ("user_domain_name", Setting::UserDomainName),
    ("user_domain_id", Setting::UserDomainId),
    ("domain_name", Setting::DomainName),
    ("domain_id", Setting::DomainId),
    ("default_domain", Setting::DefaultDomainId),
    ("default_domain_id", Setting::DefaultDomainId),
    ("default_domain_name", Setting::DefaultDomainName),
    ("project_id", Setting::ProjectId),
    ("tenant_id", Setting::ProjectId),
    ("project_name", Setting::ProjectName),
    ("tenant_name", Setting::ProjectName),
    ("project_domain_name", Setting::ProjectDomainName),
    ("project_domain_id", Setting::ProjectDomainId),
    ("ak", Setting::AccessKey),
    ("access_key", Setting::AccessKey),
    ("sk", Setting::SecretKey),
    ("secret_key", Setting::SecretKey),
    ("security_token", Setting::SecurityToken),
];

/// Names of settings next to `auth` in a cloud.
pub(super) const CLOUD_KEYS: &[(&str, Setting)] = &[
    ("auth_type", Setting::AuthType),
    ("auth_plugin", Setting::AuthType),
    ("region_name", Setting::Region),
    ("modelarts_endpoint_override", Setting::Endpoint),
    ("modelartsv1_endpoint_override", Setting::Endpoint),
    ("identity_endpoint_override", Setting::IdentityEndpoint),
    ("interface", Setting::Interface),
    ("endpoint_type", Setting::Interface),
    ("identity_api_version", Setting::IdentityVersion),
    ("cacert", Setting::CaCert),
    ("cert", Setting::ClientCert),
    ("key", Setting::ClientKey),
    ("verify", Setting::Verify),
    ("insecure", Setting::Insecure),
];

/// Names below `auth` that other tools support and this crate does not.
pub(super) const UNSUPPORTED: &[&str] = &[
    "access_token",
    "access_token_endpoint",
    "access_token_type",
    "agency_domain_name",
    "agency_name",
    "application_credential_id",
    "application_credential_name",
    "application_credential_secret",
    "auth_methods",
    "client_id",
    "client_secret",
    "code",
    "delegated_project",
    "discovery_endpoint",
    "endpoint",
    "identity_provider",
    "identity_provider_url",
    "mutual_auth",
    "oauth2_client_id",
    "oauth2_client_secret",
    "oauth2_endpoint",
    "openid_scope",
    "passcode",
    "protocol",
    "remote_project_id",
    "service_provider_endpoint",
    "system_scope",
    "trust_id",
];

pub(super) fn find(keys: &[(&'static str, Setting)], name: &str) -> Option<Setting> {
    let mut keys = keys.iter();
    keys.find(|(known, _)| *known == name).map(|(_, key)| *key)
}

/// Whether a key of `clouds.yaml` is for other services or other tools, and has no effect on this one.
pub(super) fn is_for_others(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "agent",
        "allow_reauth",
        "cache",
        "client",
        "disable_vendor_agent",
        "external_network",
        "floating_ip_source",
        "has_network",
        "image_api_use_tasks",
        "image_format",
        "internal_network",
        "message",
        "metrics",
        "name",
        "nat_destination",
        "nat_source",
        "networks",
        "object_store_threads",
        "requires_floating_ip",
        "secgroup_source",
        "status",
        "use_direct_get",
        "vendor_hook",
        "workflow",
    ];
    const ENDINGS: &[&str] = &[
        "_api_version",
        "_catalog_name",
        "_catalog_type",
        "_default_microversion",
        "_endpoint_override",
        "_endpoint_type",
        "_interface",
        "_max_version",
        "_min_version",
        "_service_name",
        "_service_type",
    ];
    let is_other = !name.starts_with("modelarts") && !name.starts_with("identity");
    NAMES.contains(&name) || is_other && ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Returns the known name that is most similar to a wrong one, if any is similar.
pub(super) fn nearest(name: &str, known: &[(&'static str, Setting)]) -> Option<&'static str> {
    // Environment variables have the same names in capitals.
    let name = name.to_ascii_lowercase();
    known
        .iter()
        .map(|(known, _)| (strsim::osa_distance(&name, known), *known))
        .filter(|(distance, known)| {
            let is_beginning = known
                .strip_prefix(&name)
                .is_some_and(|rest| rest.starts_with('_'));
            *distance <= 3.min(known.len() / 2) || is_beginning
        })
        .min()
        .map(|(_, known)| known)
}
