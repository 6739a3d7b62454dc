//! What the document says of a request, checked.
//!
//! Limits are written down once, in the document. Here they are read from it when the first request of a document comes,
//! and every request is held against them before any rule of the service itself.

use foldhash::HashMap;
use http::HeaderMap;
use modelarts_client::Service;
use modelarts_document::{Document, Location, is_json};
use serde_json::Value;

use super::query::Query;
use super::rule::{Rule, Rules};
use crate::error::{ApiError, ApiResult, code};

/// What the document says of an operation and of its requests.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) id: String,
    /// In upper case.
    pub(crate) method: String,
    /// Template of the path.
    pub(crate) path: String,
    /// The methods of all operations of the path, as the header `Allow` has them.
    pub(crate) path_methods: String,
    /// Whose form a refusal has.
    pub(crate) service: Service,
    /// Whether it belongs to the old generation.
    pub(crate) old: bool,
    /// Whether its path names a project.
    pub(crate) project: bool,
    /// Whether a request needs credentials.
    pub(crate) secured: bool,
    query: Vec<Parameter>,
    headers: Vec<Parameter>,
    body: Option<Body>,
}

#[derive(Debug)]
struct Parameter {
    name: String,
    /// Other names of the same parameter.
    also: Vec<String>,
    required: bool,
    rule: Rule,
}

#[derive(Debug)]
struct Body {
    required: bool,
    rule: Rule,
}

impl Operation {
    /// The operations of a document, in the order of these ids: as data the document has an order of its own.
    pub(crate) fn read_all<'a>(
        document: &str,
        service: Service,
        ids: impl IntoIterator<Item = &'a str>,
    ) -> Vec<Self> {
        // The document is checked when it is compiled in; a damaged one has no operations.
        let Ok(document) = Document::from_json(document) else {
            return Vec::new();
        };
        let mut methods: HashMap<&str, Vec<String>> = HashMap::default();
        for described in document.operations() {
            let methods = methods.entry(described.path).or_default();
            methods.push(described.method.to_ascii_uppercase());
        }
        methods.values_mut().for_each(|methods| methods.sort());
        let mut rules = Rules::default();
        ids.into_iter()
            .filter_map(|id| {
                let described = document.operation(id)?;
                let of_path = methods.get(described.path);
                let of_path = of_path.map(|methods| methods.join(", "));
                let of_path = of_path.unwrap_or_default();
                Some(Self::read(described, service, of_path, &mut rules))
            })
            .collect()
    }

    fn read(
        described: modelarts_document::Operation<'_>,
        service: Service,
        path_methods: String,
        rules: &mut Rules,
    ) -> Self {
        let mut parameters = |location| {
            let parameters = described.parameters_in(location);
            let read = parameters.map(|parameter| Parameter {
                name: parameter.name().to_owned(),
                also: parameter.other_names().map(str::to_owned).collect(),
                required: parameter.is_required(),
                rule: rules.read(parameter.schema()),
            });
            read.collect()
        };
        let (query, headers) = (parameters(Location::Query), parameters(Location::Header));
        let body = described.request_body().and_then(|body| {
            Some(Body {
                required: body.is_required(),
                rule: rules.read(body.json()?.schema()?),
            })
        });
        Self {
            id: described.id().to_owned(),
            method: described.method.to_ascii_uppercase(),
            path: described.path.to_owned(),
            path_methods,
            service,
            old: described.path.contains("/demanager/"),
            project: described.path.contains("{project_id}"),
            secured: described.is_secured(),
            query,
            headers,
            body,
        }
    }

    /// Refuses a query that is not as the document wants it.
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

    /// Refuses headers that are not as the document wants them.
    pub(crate) fn check_headers(&self, headers: &HeaderMap) -> ApiResult<()> {
        for parameter in &self.headers {
            let value = headers.get(&parameter.name);
            let value = value.map(|value| {
                let text = value.to_str();
                text.map_err(|_| ApiError::value(&parameter.name, "it is not printable ASCII"))
            });
            parameter.check(value.transpose()?, " in the headers")?;
        }
        Ok(())
    }

    /// Whether the operation takes a body at all.
    pub(crate) fn takes_body(&self) -> bool {
        self.body.is_some()
    }

    /// The body as JSON, if there is one and the operation takes it.
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

    /// Refuses a body that is not as the document wants it.
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

    use modelarts_client::{ErrorCode, devenviron, iam};
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
    fn a_good_request_passes_as_it_is() {
        let bytes = notebook().to_string();
        let passed = checked(operation("createNotebook"), bytes.as_bytes(), false);
        assert_eq!(passed, Ok(Some(notebook())));
    }

    #[test]
    fn an_operation_knows_what_the_document_says_around_it() {
        let show = operation("showNotebook");
        assert_eq!(show.path_methods, "DELETE, GET, PUT");
        assert!(show.secured && show.project && !show.old);
        assert!(operation("listDevEnvInstances").old);
        let ids = iam::OPERATIONS.iter().map(|it| it.id);
        let iam = Operation::read_all(iam::DOCUMENT, Service::Identity, ids);
        let secured = iam.iter().filter(|it| it.secured).map(|it| it.id.as_str());
        assert_eq!(
            secured.collect::<Vec<_>>(),
            ["listAuthDomains", "listProjects"]
        );
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
    fn null_is_no_value_in_either_mode() {
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
    fn null_is_a_value_where_the_document_says_so() {
        let schema = json!({ "type": "object", "properties": {
            "size": { "type": "integer", "nullable": true, "minimum": 1 },
        } });
        let document = Document::new(json!({"components": {"schemas": {"Size": schema}}})).unwrap();
        let rule = Rules::default().read(document.schema("Size").unwrap());
        let check = |size: Value| rule.check("", &json!({ "size": size }), false);
        assert!(check(Value::Null).is_ok() && check(json!(1)).is_ok());
        assert_eq!(check(json!(0)).unwrap_err().code, code::VALUE);
        assert_eq!(check(json!("1")).unwrap_err().code, code::TYPE);
    }

    #[test]
    fn limits_that_leave_themselves_out_and_least_numbers_of_entries_hold() {
        let schema = json!({ "type": "object", "properties": {
            "share": { "type": "integer", "minimum": 0, "exclusiveMinimum": true,
                       "maximum": 100, "exclusiveMaximum": true },
            "parts": { "type": "array", "minItems": 1, "items": { "type": "string" } },
        } });
        let document = Document::new(json!({"components": {"schemas": {"A": schema}}})).unwrap();
        let rule = Rules::default().read(document.schema("A").unwrap());
        for (body, is_good) in [
            (json!({"share": 1, "parts": ["a"]}), true),
            (json!({"share": 99}), true),
            (json!({"share": 0}), false),
            (json!({"share": 100}), false),
            (json!({"parts": []}), false),
        ] {
            let checked = rule.check("", &body, false);
            assert_eq!(checked.is_ok(), is_good, "{body} {checked:?}");
        }
    }

    #[test]
    fn a_schema_that_contains_itself_is_checked_as_deep_as_the_body_goes() {
        let document = Document::new(json!({"components": {"schemas": {"Node": {
            "type": "object", "required": ["name"], "properties": {
                "name": {"type": "string", "maxLength": 3},
                "children": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}},
            },
        }}}}))
        .unwrap();
        let rule = Rules::default().read(document.schema("Node").unwrap());
        let mut body = json!({"name": "abcd"});
        for _ in 0..100 {
            body = json!({"name": "a", "children": [body]});
        }
        let error = rule.check("", &body, false).unwrap_err();
        assert_eq!(error.code, code::VALUE, "{error}");
        assert!(error.message.contains(".children[0].name'"), "{error}");
        let error = rule.check("", &json!({"name": "a", "children": [{}]}), false);
        assert!(error.unwrap_err().message.contains("children[0].name"));
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
