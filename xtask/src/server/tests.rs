//! Tests with a small document.

use super::*;
use crate::workspace::Service;

const SMALL: &str = "
openapi: 3.0.3
info: {title: Small, version: '1'}
tags: [{name: Things, description: All things.}]
paths:
  /v1/{project_id}/things:
    get:
      tags: [Things]
      operationId: listThings
      summary: List things
      parameters:
        - {name: project_id, in: path, required: true, schema: {type: string}}
        - {name: limit, in: query, x-default: 10, schema: {type: integer, format: int32}}
        - {name: spaceId, in: query, x-also: [space_id], x-default: '0', schema: {type: string}}
        - {name: kind, in: query, required: true, x-default: SMALL, schema: {$ref: '#/components/schemas/Kind'}}
        - {name: action, in: query, schema: {$ref: '#/components/schemas/Action'}}
        - {name: X-Locale, in: header, schema: {type: string}}
      responses:
        '200': {description: A page., content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}}
  /v1/{project_id}/things/all:
    get:
      tags: [Things]
      operationId: listAllThings
      summary: List all things
      parameters:
        - {name: project_id, in: path, required: true, schema: {type: string}}
        - {name: limit, in: query, x-default: 10, schema: {type: integer, format: int32}}
        - {name: spaceId, in: query, x-also: [space_id], x-default: '0', schema: {type: string}}
        - {name: kind, in: query, required: true, x-default: SMALL, schema: {$ref: '#/components/schemas/Kind'}}
        - {name: action, in: query, schema: {$ref: '#/components/schemas/Action'}}
      responses:
        '200': {description: A page., content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}}
  /v1/{project_id}/things/{type}:
    put:
      tags: [Things]
      operationId: updateThing
      summary: Update a thing
      parameters:
        - {name: project_id, in: path, required: true, schema: {type: string}}
        - {name: type, in: path, required: true, schema: {type: integer, format: int64}}
      requestBody:
        content: {application/merge-patch+json: {schema: {$ref: '#/components/schemas/Thing'}}}
      responses:
        '201':
          description: It is made.
          headers:
            X-Request-Id: {schema: {type: string}}
            X-Token: {schema: {type: string, format: password}}
          content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}
        '204': {description: It is changed.}
        '400': {description: It is refused.}
    delete:
      tags: [Things]
      operationId: deleteThing
      summary: Delete a thing
      responses:
        '204': {description: It is gone.}
components:
  schemas:
    Kind: {type: string, description: A kind., x-extensible-enum: [BIG, SMALL]}
    Action: {type: string, description: An action., enum: [start, stop]}
    Thing: {type: object, description: A thing.}
";

fn family(emulated: bool) -> Family {
    Family {
        name: "small".to_owned(),
        pages: None,
        service: Service::ModelArts,
        emulated,
    }
}

/// The code with normalized white space.
fn code(text: &str, emulated: bool) -> String {
    let document = Document::parse("small", "openapi/small.yaml", text).unwrap();
    let code = module(&document, &family(emulated)).unwrap();
    syn::parse_file(&code).unwrap();
    code.replace(' ', "")
}

fn contains(code: &str, expected: &[&str]) {
    for expected in expected {
        let expected = expected.replace(' ', "");
        assert!(code.contains(&expected), "{expected} is not in\n{code}");
    }
}

#[test]
fn an_operation_becomes_a_method_without_a_body_and_a_handler() {
    let code = code(SMALL, true);
    contains(
        &code,
        &[
            "pub(crate) trait Things: Send + Sync {",
            "fn list_things(&self, cx: &http::Cx, query: ListThingsQuery, headers: ListThingsHeaders,) \
             -> impl Future<Output = Result<http::Reply<types::Thing>, ApiError>> + Send;",
            "fn update_thing(&self, cx: &http::Cx, type_: i64, body: Option<types::Thing>,) \
             -> impl Future<Output = Result<UpdateThingResponse, ApiError>> + Send;",
            "pub(crate) trait Operations: Things {}",
            "pub(crate) fn handlers<S>() -> [http::Handler<S>; 4usize] where S: http::Server + Operations,",
            "[list_things::<S>, list_all_things::<S>, update_thing::<S>, delete_thing::<S>]",
            r#"let type_ = request.path_value("type")?;"#,
            "let body = request.optional_body()?;",
        ],
    );
    assert!(
        !code.contains("project_id:"),
        "`Cx` has the project\n{code}"
    );
}

#[test]
fn parameters_have_their_types_names_and_defaults() {
    let code = code(SMALL, true);
    contains(
        &code,
        &[
            "pub(crate) limit: Option<i32>,",
            "pub(crate) space_id: Option<String>,",
            "pub(crate) kind: enums::OpenKind,",
            "pub(crate) action: Option<types::Action>,",
            "impl http::FromText for types::Action {",
            "pub(crate) const DEFAULT_LIMIT: i32 = 10;",
            r#"pub(crate) const DEFAULT_SPACE_ID: &'static str = "0";"#,
            "pub(crate) const DEFAULT_KIND: enums::Kind = enums::Kind::Small;",
            r#"space_id: request.query(&["spaceId", "space_id"])?,"#,
            r#"x_locale: request.header("X-Locale")?,"#,
            "pub(crate) type ListAllThingsQuery = ListThingsQuery;",
        ],
    );
}

#[test]
fn several_success_statuses_become_an_enumeration() {
    let code = code(SMALL, true);
    contains(
        &code,
        &[
            "pub(crate) enum UpdateThingResponse {",
            "x_token: modelarts_client::Secret,",
            "reply.into_response_of(201u16)",
            r#"http::set_secret_header(&mut response, "x-token", &x_token);"#,
            "Self::NoContent => http::empty(204u16),",
            "pub(crate) enum DeleteThingResponse {",
        ],
    );
    assert!(!code.contains("x_request_id"), "the server sets it\n{code}");
    assert!(!code.contains("ListThingsResponse"), "{code}");
}

#[test]
fn an_operation_that_is_not_emulated_has_a_handler_but_no_method() {
    let marked = SMALL.replace(
        "operationId: updateThing",
        "operationId: updateThing\n      x-emulated: false",
    );
    let code = code(&marked, true);
    contains(
        &code,
        &[
            "http::not_emulated::<S>, delete_thing::<S>]",
            "fn delete_thing(&self",
        ],
    );
    assert!(!code.contains("fnupdate_thing(&self"), "{code}");
}

#[test]
fn a_document_that_is_not_emulated_requires_no_trait() {
    let code = code(SMALL, false);
    contains(
        &code,
        &[
            "S: Sync",
            "http::not_emulated::<S>, http::not_emulated::<S>]",
        ],
    );
    assert!(!code.contains("pub(crate)trait"), "{code}");
    let marked = SMALL.replace(
        "      tags: [Things]",
        "      tags: [Things]\n      x-emulated: false",
    );
    assert_eq!(self::code(&marked, true), code);
}

#[test]
fn the_list_requires_the_traits_of_emulated_documents() {
    let document = Document::parse("small", "openapi/small.yaml", SMALL).unwrap();
    let list = |emulated| {
        let list = list(std::slice::from_ref(&document), &[family(emulated)]).unwrap();
        list.replace(' ', "")
    };
    assert!(list(true).contains("S:http::Server+small::Operations,"));
    assert!(list(false).contains("S:http::Server,"));
}

#[test]
fn unsupported_parameters_are_errors_that_name_them() {
    let error = |text: String| {
        let document = Document::parse("small", "openapi/small.yaml", &text).unwrap();
        format!("{:#}", module(&document, &family(true)).unwrap_err())
    };
    let array = "schema: {type: array, items: {type: string}}";
    let found = error(SMALL.replacen("schema: {type: integer, format: int32}", array, 1));
    assert!(
        found.contains("listThings: the parameter `limit`: "),
        "{found}"
    );
    let found = error(SMALL.replacen("x-default: 10", "x-default: ten", 1));
    assert!(found.contains("its default \"ten\""), "{found}");
    let renamed = SMALL
        .replace("tags: [Things]", "tags: [ListThingsQuery]")
        .replace("name: Things", "name: ListThingsQuery");
    let found = error(renamed);
    assert!(
        found.contains("two items would have the name `ListThingsQuery`"),
        "{found}"
    );
}
