//! Operations with their parameters, bodies and responses.

use serde_json::Value;

use crate::reference::{Root, list, members, push, text};
use crate::schema::Schema;

/// The HTTP methods that a path item may hold.
pub const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// Whether a content type is JSON: `application/json` or one like `application/merge-patch+json`.
///
/// Parameters such as `charset` and the letter case are ignored.
///
/// ```
/// assert!(modelarts_document::is_json("application/merge-patch+json; charset=UTF-8"));
/// assert!(!modelarts_document::is_json("text/plain"));
/// ```
pub fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let essence = essence.to_ascii_lowercase();
    essence == "application/json" || (essence.contains('/') && essence.ends_with("+json"))
}

/// An operation: a method of a path.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Operation<'a> {
    root: Root<'a>,
    /// The path template.
    pub path: &'a str,
    /// The HTTP method, in lower case.
    pub method: &'a str,
    /// The operation object, as in the document.
    pub value: &'a Value,
    /// The parameters that the operation inherits from the path item; references are not resolved.
    pub inherited: &'a [Value],
}

impl<'a> Operation<'a> {
    pub(crate) fn all(root: Root<'a>) -> impl Iterator<Item = Self> {
        members(root.0, "paths").flat_map(move |(path, item)| {
            let methods = item.as_object().into_iter().flatten();
            methods
                .filter(|(method, _)| METHODS.contains(&method.as_str()))
                .map(move |(method, value)| Self {
                    root,
                    path,
                    method,
                    value,
                    inherited: list(item, "parameters"),
                })
        })
    }

    /// Returns the `operationId`, or an empty string.
    pub fn id(&self) -> &'a str {
        text(self.value, "operationId")
    }

    /// Returns the summary, or an empty string.
    pub fn summary(&self) -> &'a str {
        text(self.value, "summary")
    }

    /// Returns the description, or an empty string.
    pub fn description(&self) -> &'a str {
        text(self.value, "description")
    }

    /// Returns a JSON pointer to the operation.
    pub fn pointer(&self) -> String {
        push(&push("/paths", self.path), self.method)
    }

    /// Returns whether a request needs credentials.
    ///
    /// It does if the `security` list of the operation or, without one, of the document is not empty.
    ///
    /// ```
    /// let document = modelarts_document::Document::from_json(r#"{
    ///     "openapi": "3.0.3",
    ///     "security": [{"Token": []}],
    ///     "paths": {"/things": {
    ///         "get": {"operationId": "listThings", "responses": {}},
    ///         "head": {"operationId": "countThings", "security": [], "responses": {}}
    ///     }}
    /// }"#)?;
    /// let secured: Vec<_> = document.operations().map(|operation| operation.is_secured()).collect();
    /// assert_eq!(secured, [true, false]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_secured(&self) -> bool {
        let own = self.value.get("security");
        let security = own.or_else(|| self.root.0.get("security"));
        let schemes = security.and_then(Value::as_array);
        schemes.is_some_and(|schemes| !schemes.is_empty())
    }

    /// Returns whether the emulator implements it, that is, unless it has `x-emulated: false`.
    pub fn is_emulated(&self) -> bool {
        self.value.get("x-emulated") != Some(&Value::Bool(false))
    }

    /// Returns the parameters: those of the path item first, then the operation's own, which override inherited ones
    /// with the same name and location.
    pub fn parameters(&self) -> Vec<Parameter<'a>> {
        let mut found: Vec<Parameter<'a>> = Vec::new();
        for written in self.inherited.iter().chain(list(self.value, "parameters")) {
            let Some(parameter) = Parameter::new(self.root, written) else {
                continue;
            };
            let same = |other: &&mut Parameter<'a>| {
                (other.name(), other.location()) == (parameter.name(), parameter.location())
            };
            match found.iter_mut().find(same) {
                Some(earlier) => *earlier = parameter,
                None => found.push(parameter),
            }
        }
        found
    }

    /// Returns the parameters of one location, such as the query.
    pub fn parameters_in(
        &self,
        location: Location,
    ) -> impl Iterator<Item = Parameter<'a>> + use<'a> {
        let all = self.parameters().into_iter();
        all.filter(move |parameter| parameter.location() == location)
    }

    /// Returns the body of the request.
    pub fn request_body(&self) -> Option<RequestBody<'a>> {
        let written = self.value.get("requestBody")?;
        Some(RequestBody {
            root: self.root,
            value: self.root.resolve(written).1,
        })
    }

    /// Returns the responses, in the document's order.
    pub fn responses(&self) -> impl Iterator<Item = Response<'a>> + use<'a> {
        let root = self.root;
        members(self.value, "responses").map(move |(status, written)| Response {
            root,
            status,
            value: root.resolve(written).1,
        })
    }

    /// Returns the schema of a successful response; `None` if the document has no JSON for it.
    pub fn success_schema(&self) -> Option<Schema<'a>> {
        let mut successes = self.responses().filter(Response::is_success);
        successes.find_map(|response| response.json()?.schema())
    }
}

/// The location of a parameter in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Location {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// A header.
    Header,
    /// A cookie.
    Cookie,
}

impl Location {
    /// Returns the word for it in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
        }
    }
}

/// A parameter.
#[derive(Clone, Copy, Debug)]
pub struct Parameter<'a> {
    root: Root<'a>,
    location: Location,
    value: &'a Value,
}

impl<'a> Parameter<'a> {
    fn new(root: Root<'a>, written: &'a Value) -> Option<Self> {
        let value = root.resolve(written).1;
        let location = match text(value, "in") {
            "path" => Location::Path,
            "query" => Location::Query,
            "header" => Location::Header,
            "cookie" => Location::Cookie,
            _ => return None,
        };
        Some(Self {
            root,
            location,
            value,
        })
    }

    /// Returns the name on the wire.
    pub fn name(&self) -> &'a str {
        text(self.value, "name")
    }

    /// Returns other names of the same parameter, which other clouds use (`x-also`).
    pub fn other_names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        list(self.value, "x-also").iter().filter_map(Value::as_str)
    }

    /// Returns the location.
    pub fn location(&self) -> Location {
        self.location
    }

    /// Returns whether a request must have the parameter.
    pub fn is_required(&self) -> bool {
        self.value.get("required") == Some(&Value::Bool(true))
    }

    /// Returns the description, or an empty string.
    pub fn description(&self) -> &'a str {
        text(self.value, "description")
    }

    /// Returns the schema; a schema without constraints if the document has none.
    pub fn schema(&self) -> Schema<'a> {
        static NONE: Value = Value::Null;
        Schema::new(self.root, self.value.get("schema").unwrap_or(&NONE))
    }

    /// Returns the default, if the document has one: `x-default` of the parameter, or the default of its schema.
    pub fn default_value(&self) -> Option<&'a Value> {
        let own = self.value.get("x-default");
        own.or_else(|| self.schema().default_value())
    }

    /// Returns the parameter object, as in the document.
    pub fn value(&self) -> &'a Value {
        self.value
    }
}

/// The body of a request.
#[derive(Clone, Copy, Debug)]
pub struct RequestBody<'a> {
    root: Root<'a>,
    value: &'a Value,
}

impl<'a> RequestBody<'a> {
    /// Returns whether a request must have a body.
    pub fn is_required(&self) -> bool {
        self.value.get("required") == Some(&Value::Bool(true))
    }

    /// Returns the body in each of its content types.
    pub fn content(&self) -> impl Iterator<Item = MediaType<'a>> + use<'a> {
        MediaType::all(self.root, self.value)
    }

    /// Returns the first content type that is JSON, including types such as `application/merge-patch+json`.
    pub fn json(&self) -> Option<MediaType<'a>> {
        self.content().find(|media| is_json(media.content_type))
    }
}

/// A response with a status.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Response<'a> {
    root: Root<'a>,
    /// `200`, `4XX` or `default`.
    pub status: &'a str,
    /// The response object, as in the document.
    pub value: &'a Value,
}

impl<'a> Response<'a> {
    /// Returns whether the status is a success status.
    pub fn is_success(&self) -> bool {
        self.status.starts_with('2')
    }

    /// Returns the body in each of its content types.
    pub fn content(&self) -> impl Iterator<Item = MediaType<'a>> + use<'a> {
        MediaType::all(self.root, self.value)
    }

    /// Returns the first content type that is JSON.
    pub fn json(&self) -> Option<MediaType<'a>> {
        self.content().find(|media| is_json(media.content_type))
    }

    /// Returns the headers, each with its schema.
    pub fn headers(&self) -> impl Iterator<Item = (&'a str, Schema<'a>)> + use<'a> {
        let root = self.root;
        members(self.value, "headers").filter_map(move |(name, header)| {
            let schema = root.resolve(header).1.get("schema")?;
            Some((name, Schema::new(root, schema)))
        })
    }
}

/// A body in one content type.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct MediaType<'a> {
    root: Root<'a>,
    /// The content type.
    pub content_type: &'a str,
    value: &'a Value,
}

impl<'a> MediaType<'a> {
    pub(crate) fn all(root: Root<'a>, holder: &'a Value) -> impl Iterator<Item = Self> + use<'a> {
        members(holder, "content").map(move |(content_type, value)| Self {
            root,
            content_type,
            value,
        })
    }

    /// Returns the schema.
    pub fn schema(&self) -> Option<Schema<'a>> {
        Some(Schema::new(self.root, self.value.get("schema")?))
    }

    /// Returns the named examples.
    pub fn examples(&self) -> impl Iterator<Item = Example<'a>> + use<'a> {
        let root = self.root;
        members(self.value, "examples").map(move |(name, written)| Example {
            name,
            object: root.resolve(written).1,
        })
    }
}

/// A named example.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Example<'a> {
    /// Its name.
    pub name: &'a str,
    /// The example object, as in the document.
    pub object: &'a Value,
}

impl<'a> Example<'a> {
    /// Returns the example itself.
    pub fn value(&self) -> Option<&'a Value> {
        self.object.get("value")
    }

    /// Returns the summary, or an empty string.
    pub fn summary(&self) -> &'a str {
        text(self.object, "summary")
    }

    /// Returns the origin, `documented` or `composed`.
    pub fn origin(&self) -> &'a str {
        text(self.object, "x-sample")
    }

    /// Returns the pages and samples that it was taken from.
    pub fn sources(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        list(self.object, "x-source")
            .iter()
            .filter_map(Value::as_str)
    }
}
