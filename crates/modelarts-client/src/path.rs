//! Paths of requests: templates, values that are escaped, and values that would lead elsewhere.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::Operation;
use crate::request_error::{Problem, RequestError};

/// The characters to escape in a path segment: all except the unreserved ones of RFC 3986.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Stands for a request by path that does not match any operation of the document.
pub(crate) static RAW: Operation = Operation {
    id: "request",
    tag: "",
    method: "",
    path: "",
    idempotent: false,
    content_type: "",
    summary: "",
    request_body: None,
    response_bodies: &[],
    reserved: &[],
};

/// Whether a path is a template with one non-empty segment for each parameter.
pub(crate) fn is_filled(template: &str, path: &str) -> bool {
    let (mut template, mut path) = (template, path);
    while let Some((literal, _, rest)) = split_at_parameter(template) {
        let Some(value) = path.strip_prefix(literal) else {
            return false;
        };
        let end = value.find('/').unwrap_or(value.len());
        if end == 0 {
            return false;
        }
        (template, path) = (rest, &value[end..]);
    }
    template == path
}

/// Whether a path is the template of an operation, regardless of the names of the parameters.
pub(crate) fn is_template_of(operation: &Operation, path: &str) -> bool {
    let mut segments = path.split('/');
    let same = operation.path.split('/').all(|wanted| {
        segments.next().is_some_and(|segment| {
            segment == wanted || (parameter(segment).is_some() && parameter(wanted).is_some())
        })
    });
    same && segments.next().is_none()
}

/// Replaces the parameters in a path by their escaped values. A path without parameters is returned unchanged.
pub(crate) fn filled<'a>(
    path: &'a str,
    values: &[(&str, &str)],
    operation: &'static Operation,
) -> Result<Cow<'a, str>, RequestError> {
    let mut error = RequestError::new(RAW.id);
    for (name, _) in values {
        if !path
            .split('/')
            .filter_map(parameter)
            .any(|known| known == *name)
        {
            error.push(Problem::invalid(
                (*name).to_owned(),
                format_args!("is not a parameter of the path {path:?}"),
            ));
        }
    }
    let mut segments = Vec::new();
    for segment in path.split('/') {
        let Some(name) = parameter(segment) else {
            segments.push(Cow::Borrowed(segment));
            continue;
        };
        match values.iter().find(|(known, _)| *known == name) {
            None => error.push(Problem::missing(name.to_owned())),
            Some((_, value)) => match escaped(value, operation) {
                Ok(value) => segments.push(value),
                Err(rule) => error.push(Problem::invalid(
                    name.to_owned(),
                    format_args!("is {value:?}, {rule}"),
                )),
            },
        }
    }
    error.or_ok()?;
    Ok(match path.contains('{') {
        true => segments.join("/").into(),
        false => path.into(),
    })
}

/// Splits a template at its first parameter: the text before it, its name, and the rest.
pub(crate) fn split_at_parameter(template: &str) -> Option<(&str, &str, &str)> {
    let (literal, parameter) = template.split_once('{')?;
    let (name, rest) = parameter.split_once('}')?;
    Some((literal, name, rest))
}

pub(crate) fn parameter(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// Whether a value is the same in a path, decoded or not, as most IDs are.
fn is_plain(value: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !value.is_empty() && value.bytes().all(is_plain)
}

/// Returns the value of a path parameter as a segment, or why it would make the request reach another resource than the
/// one it names.
pub(crate) fn escaped<'a>(
    value: &'a str,
    operation: &Operation,
) -> Result<Cow<'a, str>, &'static str> {
    const RESERVED: &str = "which is the name of another operation's path";
    let is_reserved = |name: &str| {
        let mut reserved = operation.reserved.iter();
        reserved.any(|word| word.eq_ignore_ascii_case(name))
    };
    if is_plain(value) {
        return match is_reserved(value) {
            true => Err(RESERVED),
            false => Ok(value.into()),
        };
    }
    if value.trim().is_empty() {
        return Err("which is empty: the request would reach another operation");
    }
    if any_decoding(value, |text| is_reserved(without_parameters(text))) {
        return Err(RESERVED);
    }
    if value.trim() != value || value.contains(char::is_control) {
        return Err("which has leading or trailing white space or a control character: remove it");
    }
    if has_steps(value) {
        return Err("which servers would resolve to another path");
    }
    Ok(utf8_percent_encode(value, SEGMENT).into())
}

/// Whether a text has `.` or `..` between slashes of any kind, in any encoding.
pub(crate) fn has_steps(text: &str) -> bool {
    let step = |step: &str| matches!(without_parameters(step), "." | "..");
    text.contains(['.', '%']) && any_decoding(text, |text| text.split(['/', '\\']).any(step))
}

/// Whether the condition holds for a text that is percent-decoded any number of times: each server on the way may
/// decode it again.
fn any_decoding(text: &str, is_so: impl Fn(&str) -> bool) -> bool {
    let mut text = Cow::Borrowed(text);
    loop {
        if is_so(&text) {
            return true;
        }
        if !text.contains('%') {
            return false;
        }
        let decoded = percent_decode_str(&text).decode_utf8_lossy().into_owned();
        if decoded == *text {
            return false;
        }
        text = Cow::Owned(decoded);
    }
}

/// The segment without parameters: some servers ignore the part after a semicolon, so that `..;x` means `..` to them.
fn without_parameters(segment: &str) -> &str {
    segment.split(';').next().unwrap_or_default().trim()
}
