//! The storage of an instance, old generation: directories in buckets.

use modelarts_client::devenviron::types::DevEnvStorageReq;

use crate::error::{ApiError, ApiResult, code};

/// Checks a storage, whose type must be the accepted one.
pub(super) fn check_storage(
    storage: &DevEnvStorageReq,
    field: &str,
    accepted: &str,
) -> ApiResult<()> {
    let kind = storage.type_.as_str();
    if !accepted.eq_ignore_ascii_case(kind) {
        return Err(ApiError::new(
            code::STORAGE_TYPE,
            format!("'{field}.type' is '{kind}'; only {accepted} is supported."),
        ));
    }
    let path = storage
        .location
        .as_ref()
        .and_then(|location| location.path.as_deref());
    match path.filter(|path| !path.is_empty()) {
        Some(path) => check_path(path, &format!("{field}.location.path")),
        None if accepted == "obs" => Err(ApiError::new(
            code::NO_PATH,
            format!("'{field}.location.path' is required when the type is obs."),
        )),
        None => Ok(()),
    }
}

/// Checks that a path is a folder in a bucket: `/bucket/folder/` or `obs://bucket/folder/`.
fn check_path(path: &str, field: &str) -> ApiResult<()> {
    if !path.ends_with('/') {
        return Err(ApiError::new(
            code::PATH_END,
            "The param path needs to end with /.",
        ));
    }
    let Some(plain) = path
        .strip_prefix("obs://")
        .or_else(|| path.strip_prefix('/'))
    else {
        return Err(ApiError::value(
            field,
            "it must begin with a bucket, like /bucket/folder/ or obs://bucket/folder/",
        ));
    };
    let (bucket, folders) = plain.split_once('/').unwrap_or((plain, ""));
    if !is_bucket(bucket) {
        return Err(ApiError::value(
            field,
            format_args!(
                "'{bucket}' is not a valid bucket name, which consists of 3 to 63 lower-case letters, digits, hyphens and periods"
            ),
        ));
    }
    if folders.is_empty() {
        return Err(ApiError::new(
            code::PATH_ROOT,
            format!("'{field}' must name a folder in a bucket, like /bucket/folder/."),
        ));
    }
    let folders = folders.strip_suffix('/').unwrap_or(folders);
    if folders
        .split('/')
        .any(|folder| ["", ".", ".."].contains(&folder))
    {
        return Err(ApiError::value(
            field,
            "it must not contain an empty folder name, `.` or `..`",
        ));
    }
    Ok(())
}

/// Whether a name is a valid bucket name in OBS.
fn is_bucket(name: &str) -> bool {
    let at_end = |letter: Option<u8>| letter.is_some_and(|letter| letter.is_ascii_alphanumeric());
    let bytes = name.as_bytes();
    (3..=63).contains(&bytes.len())
        && bytes
            .iter()
            .all(|letter| matches!(letter, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'))
        && at_end(bytes.first().copied())
        && at_end(bytes.last().copied())
        && !["..", ".-", "-."].iter().any(|pair| name.contains(pair))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_folder_in_a_bucket_is_a_path() {
        for good in [
            "/aaaaaaaaa/output/",
            "obs://team-bucket/a b/ä/",
            "/a.b-c/x/y/",
        ] {
            assert!(check_path(good, "path").is_ok(), "{good}");
        }
        for (bad, expected) in [
            ("/bucket/folder", code::PATH_END),
            ("/bucket/", code::PATH_ROOT),
            ("obs://bucket/", code::PATH_ROOT),
            ("bucket/folder/", code::VALUE),
            ("s3://bucket/folder/", code::VALUE),
            ("//folder/", code::VALUE),
            ("/", code::VALUE),
            ("/ab/folder/", code::VALUE),
            ("/Bucket/folder/", code::VALUE),
            ("/buck_et/folder/", code::VALUE),
            ("/-bucket/folder/", code::VALUE),
            ("/bucket//folder/", code::VALUE),
            ("/bucket/../folder/", code::VALUE),
        ] {
            let refused = check_path(bad, "path").unwrap_err();
            assert_eq!(refused.code, expected, "{bad}: {refused}");
        }
    }
}
