//! Requests are checked against the limits of the document, before any rule of the service itself.

use http::HeaderMap;
use modelarts_document::is_json;
use serde_json::Value;

use super::operation::{Operation, Parameter};
use super::query::Query;
use crate::error::{ApiError, ApiResult, code};

impl Operation {
    /// Refuses a query that breaks a rule of the document.
    pub(crate) fn check_query(&self, query: &Query, strict: bool) -> ApiResult<()> {
        for parameter in &self.query {
            let names = [&parameter.name].into_iter().chain(&parameter.also);
            let mut values = names.filter_map(|name| match strict {
                true => query.sent(name),
                false => query.get(name),
            });
            parameter.check(values.next(), " in the query")?;
        }
        Ok(())
    }

    /// Refuses headers that break a rule of the document.
    pub(crate) fn check_headers(&self, headers: &HeaderMap) -> ApiResult<()> {
        for parameter in &self.headers {
            let value = headers.get(&parameter.name);
            let value = value.map(|value| {
                let text = value.to_str();
                text.map_err(|_| ApiError::value(&parameter.name, "it must be printable ASCII"))
            });
            parameter.check(value.transpose()?, " in the headers")?;
        }
        Ok(())
    }

    /// Whether the operation takes a body.
    pub(crate) fn takes_body(&self) -> bool {
        self.body.is_some()
    }

    /// Parses the body, if there is one and the operation takes one.
    pub(crate) fn read_body(
        &self,
        content_type: Option<&str>,
        bytes: &[u8],
    ) -> ApiResult<Option<Value>> {
        let Some(body) = &self.body else {
            return Ok(None);
        };
        if bytes.iter().all(u8::is_ascii_whitespace) {
            if body.required {
                return Err(ApiError::new(
                    code::PARAMETER,
                    "The request has no body; send the parameters as a JSON object.",
                ));
            }
            return Ok(None);
        }
        if content_type.is_some_and(|kind| !kind.trim().is_empty() && !is_json(kind)) {
            return Err(ApiError::new(
                code::PARAMETER,
                "The body is not declared as JSON; send it with Content-Type: application/json.",
            ));
        }
        let value = serde_json::from_slice(bytes).map_err(|error| {
            ApiError::new(code::PARAMETER, format!("The body is not JSON: {error}."))
        })?;
        Ok(Some(value))
    }

    /// Refuses a body that breaks a rule of the document.
    pub(crate) fn check_body(&self, value: &Value, strict: bool) -> ApiResult<()> {
        match &self.body {
            Some(body) => body.rule.check("", value, strict),
            None => Ok(()),
        }
    }
}

impl Parameter {
    fn check(&self, value: Option<&str>, place: &str) -> ApiResult<()> {
        match value {
            None if self.required => Err(ApiError::required(&self.name, place)),
            None => Ok(()),
            Some(value) => self.rule.check_text(&self.name, value),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use modelarts_client::{ErrorCode, Service, devenviron};
    use serde_json::json;

    use super::*;

    static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(|| {
        let ids = devenviron::OPERATIONS.iter().map(|it| it.id);
        Operation::read_all(devenviron::DOCUMENT, Service::ModelArts, ids)
    });

    fn operation(id: &str) -> &'static Operation {
        OPERATIONS.iter().find(|it| it.id == id).unwrap()
    }

    fn body(id: &str, body: &Value) -> ApiResult<()> {
        checked(operation(id), body.to_string().as_bytes(), false).map(drop)
    }

    fn checked(operation: &Operation, bytes: &[u8], strict: bool) -> ApiResult<Option<Value>> {
        let body = operation.read_body(None, bytes)?;
        let checked = body.as_ref().map(|body| operation.check_body(body, strict));
        checked.transpose()?;
        Ok(body)
    }

    fn query(operation: &Operation, raw: &str, strict: bool) -> ApiResult<()> {
        operation.check_query(&Query::parse(raw)?, strict)
    }

    fn notebook() -> Value {
        json!({
            "name": "train-bert", "flavor": "f", "image_id": "i",
            "volume": {"category": "EVS", "ownership": "MANAGED"},
        })
    }

    fn with(pointer: &str, value: Value) -> Value {
        let mut body = notebook();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[name] = value;
        body
    }

    #[test]
    fn a_valid_request_is_accepted() {
        let bytes = notebook().to_string();
        let passed = checked(operation("createNotebook"), bytes.as_bytes(), false);
        assert_eq!(passed, Ok(Some(notebook())));
    }

    #[test]
    fn headers_are_checked_like_queries() {
        let document = json!({"openapi": "3.0.3", "paths": {"/things": {"get": {
            "operationId": "listThings",
            "parameters": [
                {"name": "X-Part", "in": "header", "required": true, "schema": {"type": "integer", "format": "int32"}},
            ],
            "responses": {},
        }}}});
        let operations =
            Operation::read_all(&document.to_string(), Service::ModelArts, ["listThings"]);
        let check = |value: Option<&str>| {
            let headers = value.map(|value| ("x-part".parse().unwrap(), value.parse().unwrap()));
            let headers: HeaderMap = headers.into_iter().collect();
            operations[0].check_headers(&headers)
        };
        assert!(check(Some("7")).is_ok());
        assert_eq!(check(Some("x")).unwrap_err().code, code::TYPE);
        let error = check(None).unwrap_err();
        assert!(error.message.contains("'X-Part'"), "{error}");
    }

    #[test]
    fn a_parameter_is_checked_under_each_of_its_names() {
        let document = json!({"openapi": "3.0.3", "paths": {"/things": {"get": {
            "operationId": "listThings",
            "parameters": [
                {"name": "spaceId", "x-also": ["space_id"], "in": "query", "required": true,
                 "schema": {"type": "string", "maxLength": 3}},
            ],
            "responses": {},
        }}}});
        let operations =
            Operation::read_all(&document.to_string(), Service::ModelArts, ["listThings"]);
        assert!(query(&operations[0], "space_id=abc", false).is_ok());
        for wrong in ["space_id=abcd", "spaceId=abcd", "space=abc"] {
            let error = query(&operations[0], wrong, false).unwrap_err();
            assert!(error.message.contains("'spaceId'"), "{error}");
        }
    }

    #[test]
    fn a_limit_of_the_service_is_refused_with_its_own_code() {
        for duration in [0, 1, 3_599_999, 259_200_001, i64::MAX, -2] {
            for (pointer, field) in [("/duration", "'duration'"), ("/lease", "'lease.duration'")] {
                let value = match pointer {
                    "/lease" => json!({ "duration": duration }),
                    _ => json!(duration),
                };
                let error = body("createNotebook", &with(pointer, value)).unwrap_err();
                assert_eq!(error.code, ErrorCode::MODELARTS_6349, "{error}");
                assert!(error.message.starts_with(field), "{error}");
            }
            let start = operation("startNotebook");
            let error = query(start, &format!("duration={duration}"), false).unwrap_err();
            assert_eq!(error.code, ErrorCode::MODELARTS_6349, "{error}");
        }
        for duration in [-1, 3_600_000, 259_200_000] {
            body("createNotebook", &with("/duration", json!(duration))).unwrap();
        }
    }

    #[test]
    fn a_limit_may_hold_for_one_value_of_another_property() {
        for (category, capacity, is_good) in [
            ("EVS", 4, false),
            ("evs", 4, false),
            ("EVS", 5, true),
            ("EVS", 4097, false),
            ("EFS", 4, true),
            ("EFS", 4097, false),
        ] {
            let volume =
                json!({"category": category, "ownership": "MANAGED", "capacity": capacity});
            let checked = body("createNotebook", &with("/volume", volume));
            let code = checked.err().map(|error| error.code);
            let expected = (!is_good).then_some(ErrorCode::MODELARTS_6331);
            assert_eq!(code, expected, "{category} of {capacity} GB");
        }
    }

    #[test]
    fn null_is_refused_in_either_mode() {
        for (pointer, field) in [
            ("/name", "'name'"),
            ("/description", "'description'"),
            ("/duration", "'duration'"),
            ("/endpoints", "'endpoints'"),
            ("/lease", "'lease'"),
            ("/volume/capacity", "'volume.capacity'"),
        ] {
            let request = with(pointer, Value::Null).to_string();
            for strict in [false, true] {
                let create = operation("createNotebook");
                let refused = checked(create, request.as_bytes(), strict);
                let error = refused.unwrap_err();
                assert_eq!(error.code, code::TYPE, "{error}");
                assert!(error.message.contains(field), "{error}");
            }
        }
        let error = body("createNotebook", &Value::Null).unwrap_err();
        assert!(error.message.contains("'body' is null"), "{error}");
    }

    #[test]
    fn every_rule_names_its_field_and_code() {
        let long = "x".repeat(129);
        for (value, expected, field) in [
            (with("/name", json!("a b")), code::CHARACTER, "'name'"),
            (with("/name", json!("")), code::VALUE, "'name'"),
            (with("/name", json!(long)), code::VALUE, "128"),
            (with("/name", json!(7)), code::TYPE, "'name'"),
            (with("/description", json!("a<b")), code::CHARACTER, "'<'"),
            (
                with("/duration", json!(259_200_001)),
                ErrorCode::MODELARTS_6349,
                "'duration'",
            ),
            (with("/duration", json!(1.5)), code::TYPE, "'duration'"),
            (
                with("/duration", json!(u64::MAX)),
                ErrorCode::MODELARTS_6349,
                "'duration'",
            ),
            (
                with("/volume/capacity", json!(4097)),
                ErrorCode::MODELARTS_6331,
                "'volume.capacity'",
            ),
            (
                with("/volume", json!({"category": "EVS"})),
                code::REQUIRED,
                "'volume.ownership'",
            ),
            (
                with("/endpoints", json!([{"allowed_access_ips": [1]}])),
                code::TYPE,
                "'endpoints[0].allowed_access_ips[0]'",
            ),
            (
                with(
                    "/endpoints",
                    json!([{"allowed_access_ips": ["", "", "", "", "", ""]}]),
                ),
                code::VALUE,
                "at most 5",
            ),
            (json!([]), code::TYPE, "'body'"),
        ] {
            let error = body("createNotebook", &value).unwrap_err();
            assert_eq!(error.code, expected, "{value} {error}");
            assert!(error.message.contains(field), "{error}");
        }
    }

    #[test]
    fn lengths_are_counted_in_characters() {
        let description = json!("ä".repeat(512));
        assert!(body("createNotebook", &with("/description", description)).is_ok());
    }

    #[test]
    fn unknown_properties_are_refused_only_when_strict() {
        let extra = with("/colour", json!("red")).to_string();
        let create = operation("createNotebook");
        assert!(checked(create, extra.as_bytes(), false).is_ok());
        let error = checked(create, extra.as_bytes(), true).unwrap_err();
        assert!(error.message.contains("colour"), "{error}");
    }

    #[test]
    fn a_syntax_error_names_its_position() {
        let create = operation("createNotebook");
        for (bytes, expected) in [
            (&b"{\"name\": }"[..], "line 1 column 10"),
            (b"{\"name\": \"\xff\"}", "line 1"),
            (b"", "no body"),
            (b"{\"duration\": 1e999}", "number out of range"),
        ] {
            let error = checked(create, bytes, false).unwrap_err();
            assert_eq!(error.code, code::PARAMETER);
            assert!(error.message.contains(expected), "{error}");
        }
        let error = create.read_body(Some("text/plain"), b"{}").unwrap_err();
        assert!(error.message.contains("application/json"), "{error}");
        assert_eq!(checked(operation("startNotebook"), b"", false), Ok(None));
    }

    #[test]
    fn closed_enumerations_are_closed() {
        let error = body("manageDevEnvInstance", &json!({"action": "explode"})).unwrap_err();
        assert!(error.message.contains("start, stop, restart"), "{error}");
    }

    #[test]
    fn queries_are_typed_but_tolerant() {
        let list = operation("listImages");
        for good in [
            "",
            "limit=5&offset=0",
            "name_fuzzy_match=True",
            "limit=",
            "x=1&x=2",
        ] {
            assert!(query(list, good, false).is_ok(), "{good}");
        }
        let code_of = |raw, strict| query(list, raw, strict).unwrap_err().code;
        assert_eq!(code_of("limit=ten", false), code::TYPE);
        assert!(query(list, "limit=&name=", false).is_ok());
        assert_eq!(code_of("limit=", true), code::TYPE);
        assert!(query(list, "name=", true).is_ok());
        assert_eq!(code_of("name=%ff", false), code::PARAMETER);
        let error = query(operation("listDevEnvInstances"), "", false).unwrap_err();
        assert!(error.message.contains("'de_type'"), "{error}");
        let error = query(list, "name=a+b%20c&limit=7", false).unwrap_err();
        assert!(error.message.contains("name"), "{error}");
    }
}
