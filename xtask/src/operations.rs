//! Generates the client, the operation builders, and the table of operations.
//!
//! The generator's code that turns parameters and body into a request is kept. Everything around it is generated
//! here: the URL, the error about missing values, and sending.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use heck::{ToShoutySnakeCase as _, ToSnakeCase as _, ToUpperCamelCase as _};
use modelarts_document::{AdditionalProperties, Schema, SchemaType};
use proc_macro2::TokenStream;
use quote::quote;
use serde_json::Value;
use syn::visit_mut::VisitMut;

use crate::document::{Document, Operation, text};
use crate::emit::{doc_lines, import_enums, spread_docs};
use crate::texts;

/// Rewrites the client and its builders in the generator's output.
pub(crate) fn rewrite(document: &Document, file: &mut syn::File) -> Result<()> {
    let operations: Vec<_> = document.operations().collect();
    let mut items = Vec::new();
    for item in std::mem::take(&mut file.items) {
        match item {
            syn::Item::Use(_) | syn::Item::Const(_) => {}
            syn::Item::Struct(mut client) if client.ident == "Client" => {
                spread_docs(&mut client.attrs);
                items.extend(client_items(&client.attrs));
                items.push(client_methods());
            }
            syn::Item::Impl(client) if client.trait_.is_some() || makes_client(&client) => {}
            syn::Item::Impl(mut methods) => {
                methods.generics = syn::parse_quote!(<X>);
                methods.self_ty = syn::parse_quote!(Client<X>);
                for item in &mut methods.items {
                    if let syn::ImplItem::Fn(method) = item {
                        let name = method.sig.ident.to_string();
                        let mut known = operations.iter();
                        if let Some(operation) = known.find(|it| it.id().to_snake_case() == name) {
                            method.attrs.retain(|it| !it.path().is_ident("doc"));
                            method.attrs.splice(0..0, method_docs(*operation));
                        }
                        Generic.visit_return_type_mut(&mut method.sig.output);
                    }
                }
                items.push(syn::Item::Impl(methods));
            }
            syn::Item::Mod(module) if module.ident == "prelude" => {}
            syn::Item::Mod(mut module) if module.ident == "builder" => {
                let (_, content) = module
                    .content
                    .as_mut()
                    .context("the builders are not inline")?;
                *content = builders(document, &operations, content)?;
                items.push(syn::Item::Mod(module));
            }
            other => items.push(other),
        }
    }
    file.items = items;
    Ok(())
}

fn makes_client(item: &syn::ItemImpl) -> bool {
    item.items.iter().any(
        |item| matches!(item, syn::ImplItem::Fn(function) if function.sig.ident == "new_with_client"),
    )
}

fn client_items(attributes: &[syn::Attribute]) -> [syn::Item; 2] {
    [
        syn::parse_quote! {
            #(#attributes)*
            pub struct Client<X = reqwest::Client> {
                pub(crate) base: crate::BaseUrl,
                pub(crate) http: reqwest::Client,
                pub(crate) transport: X,
            }
        },
        syn::parse_quote! {
            impl Client {
                /// Creates a client for the service at this address.
                ///
                /// It sends requests with the given HTTP client and adds no credentials.
                pub fn new_with_client(address: &str, http: reqwest::Client) -> Self {
                    Self {
                        base: crate::BaseUrl::new(address),
                        transport: http.clone(),
                        http,
                    }
                }
            }
        },
    ]
}

/// The methods that every client has beside those of the operations.
fn client_methods() -> syn::Item {
    syn::parse_quote! {
        impl<X> Client<X> {
            /// Returns a client for the same address that sends its requests with another transport.
            pub fn with_transport<Y>(&self, transport: Y) -> Client<Y> {
                Client {
                    base: self.base.clone(),
                    http: self.http.clone(),
                    transport,
                }
            }

            /// Returns the address of the service.
            pub fn base(&self) -> &crate::BaseUrl {
                &self.base
            }

            /// Returns the HTTP client that builds the requests.
            pub fn http(&self) -> &reqwest::Client {
                &self.http
            }
        }
    }
}

/// The documentation of an operation's method. Parameters are documented on the setters.
fn method_docs(operation: Operation<'_>) -> Vec<syn::Attribute> {
    let summary = text(operation.value, "summary");
    let description = text(operation.value, "description").trim();
    let end = if summary.ends_with('.') { "" } else { "." };
    doc_lines(&format!(
        "{summary}{end}\n\n{description}\n\nSends `{} {}`. Set the parameters on the builder.",
        operation.method.to_uppercase(),
        operation.path
    ))
}

/// `builder::ShowThing<'_>` → `builder::ShowThing<'_, X>`.
struct Generic;

impl VisitMut for Generic {
    fn visit_angle_bracketed_generic_arguments_mut(
        &mut self,
        arguments: &mut syn::AngleBracketedGenericArguments,
    ) {
        arguments.args.push(syn::parse_quote!(X));
    }
}

fn builders(
    document: &Document,
    operations: &[Operation<'_>],
    generated: &[syn::Item],
) -> Result<Vec<syn::Item>> {
    let mut items: Vec<syn::Item> = vec![
        import_enums(document),
        syn::parse_quote!(
            #[allow(unused_imports)]
            use super::types;
        ),
        syn::parse_quote!(
            use super::super::operations::OPERATIONS;
        ),
        syn::parse_quote!(
            #[allow(unused_imports)]
            use std::fmt::Display;
        ),
        syn::parse_quote!(
            #[allow(unused_imports)]
            use crate::{IntoOptional, Prepared, RequestError, ResponseValue};
        ),
        syn::parse_quote!(
            use crate::base_url::url;
        ),
        syn::parse_quote!(
            use crate::request_error::Problems;
        ),
    ];
    for (index, operation) in operations.iter().enumerate() {
        let name = operation.id().to_upper_camel_case();
        let builder = Builder::find(document, *operation, index, &name, generated)
            .with_context(|| format!("the builder of {}", operation.id()))?;
        items.extend(builder.items()?);
    }
    Ok(items)
}

/// The parts of a builder in the generator's output.
struct Builder<'a> {
    operation: Operation<'a>,
    index: usize,
    name: syn::Ident,
    fields: Vec<Field>,
    /// The body of its method `send`.
    send: &'a syn::ImplItemFn,
}

/// A field of a builder: a parameter or the body.
struct Field {
    name: syn::Ident,
    /// The name in the document.
    wire_name: String,
    value: syn::Type,
    required: bool,
    docs: String,
}

impl<'a> Builder<'a> {
    fn find(
        document: &Document,
        operation: Operation<'a>,
        index: usize,
        name: &str,
        generated: &'a [syn::Item],
    ) -> Result<Self> {
        let structure = generated.iter().find_map(|item| match item {
            syn::Item::Struct(item) if item.ident == name => Some(item),
            _ => None,
        });
        let structure = structure.context("there is none")?;
        let functions = generated.iter().filter_map(|item| match item {
            syn::Item::Impl(item) => match &*item.self_ty {
                syn::Type::Path(path) if path.path.segments.last()?.ident == name => {
                    Some(&item.items)
                }
                _ => None,
            },
            _ => None,
        });
        let send = functions.flatten().find_map(|item| match item {
            syn::ImplItem::Fn(function) if function.sig.ident == "send" => Some(function),
            _ => None,
        });
        let known = known_fields(document, operation);
        let mut fields = Vec::new();
        for field in &structure.fields {
            let name = field.ident.clone().context("a field has no name")?;
            if name == "client" {
                continue;
            }
            let (wire_name, docs) = known
                .get(name.to_string().trim_end_matches('_'))
                .with_context(|| format!("the operation has no parameter `{name}`"))?
                .clone();
            let value = argument(&field.ty, "Result").context("a field is no Result")?;
            let (value, required) = match argument(value, "Option") {
                Some(value) => (value.clone(), false),
                None if name == "body" => (body_type(value)?, needs_body(operation)),
                None => (value.clone(), true),
            };
            fields.push(Field {
                name,
                wire_name,
                value,
                required,
                docs,
            });
        }
        Ok(Self {
            operation,
            index,
            name: structure.ident.clone(),
            fields,
            send: send.context("it has no `send`")?,
        })
    }

    fn items(&self) -> Result<[syn::Item; 2]> {
        let Self { name, fields, .. } = self;
        let docs = doc_lines(&format!(
            "The request `{id}`: {}.\n\nSee [`Client::{method}`](super::Client::{method}).",
            text(self.operation.value, "summary").trim_end_matches('.'),
            id = self.operation.id(),
            method = self.operation.id().to_snake_case(),
        ));
        let names: Vec<_> = fields.iter().map(|field| &field.name).collect();
        let values = fields.iter().map(|field| &field.value);
        let setters = fields.iter().map(Field::setter);
        let prepare = self.prepare()?;
        Ok([
            syn::parse_quote! {
                #(#docs)*
                #[derive(Clone, Debug)]
                #[must_use = "a request does nothing until it is sent"]
                pub struct #name<'a, X = reqwest::Client> {
                    client: &'a super::Client<X>,
                    #(#names: Option<#values>,)*
                    problems: Problems,
                }
            },
            syn::parse_quote! {
                impl<'a, X> #name<'a, X> {
                    pub(super) fn new(client: &'a super::Client<X>) -> Self {
                        Self { client, #(#names: None,)* problems: Problems::default() }
                    }
                    #(#setters)*
                    #prepare
                }
            },
        ])
    }

    /// The methods `prepare` and `send`.
    fn prepare(&self) -> Result<TokenStream> {
        let response = response_type(&self.send.sig.output)?;
        let names: Vec<_> = self.fields.iter().map(|field| &field.name).collect();
        let required = || self.fields.iter().filter(|field| field.required);
        let required_names: Vec<_> = required().map(|field| &field.name).collect();
        let required_wire_names = required().map(|field| &field.wire_name);
        let problems = match required_names.is_empty() {
            true => quote!(problems),
            false => quote!(mut problems),
        };
        let unpacked = quote! {
            #(problems.require(#required_wire_names, &#required_names);)*
            let (#(Some(#required_names),)* true,) = (#(#required_names,)* problems.is_empty(),) else {
                return Err(problems.of(operation.id));
            };
        };
        let index = syn::Index::from(self.index);
        let values = self.path_values()?;
        let request = self.request()?;
        let send_docs = doc_lines(&format!(
            "Sends the request: `{} {}`.\n\n# Errors\nThe errors of the client's transport.",
            self.operation.method.to_uppercase(),
            self.operation.path
        ));
        Ok(quote! {
            /// Builds the request without sending it.
            ///
            /// # Errors
            /// When a value is missing or invalid, or would address another resource; the error names all such values.
            pub fn prepare(self) -> Result<Prepared<#response>, RequestError> {
                let operation = &OPERATIONS[#index];
                let Self { client, #(#names,)* #problems } = self;
                #unpacked
                let url = url(&client.base, operation, &[#(#values),*])?;
                #request
                Prepared::new(&client.base, request, operation)
            }

            #(#send_docs)*
            pub async fn send(self) -> Result<ResponseValue<#response>, X::Error>
            where
                X: crate::Transport,
            {
                let client = self.client;
                client.transport.send(self.prepare()?).await
            }
        })
    }

    /// An expression such as `("id", id.as_str())` for each path parameter.
    fn path_values(&self) -> Result<Vec<TokenStream>> {
        let names = self
            .operation
            .path
            .split('/')
            .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
        names
            .map(|name| {
                let field = self.fields.iter().find(|field| field.wire_name == name);
                let field =
                    field.with_context(|| format!("`{name}` in the path is not a parameter"))?;
                let (ident, value) = (&field.name, &field.value);
                Ok(match quote!(#value).to_string() == "String" {
                    true => quote!((#name, #ident.as_str())),
                    false => quote!((#name, #ident.to_string().as_str())),
                })
            })
            .collect()
    }

    /// The generator's statements that build the request from URL, query, headers and body.
    fn request(&self) -> Result<TokenStream> {
        let mut statements = self.send.block.stmts.clone();
        let is_local = |statement: &syn::Stmt, name: &str| {
            matches!(
                statement,
                syn::Stmt::Local(syn::Local { pat: syn::Pat::Ident(it), .. }) if it.ident == name
            )
        };
        let url = statements.iter().position(|it| is_local(it, "url"));
        let request = statements.iter().position(|it| is_local(it, "request"));
        let (Some(url), Some(request)) = (url, request) else {
            bail!("its `send` makes no `url` and `request`");
        };
        statements.truncate(request + 1);
        let mut kept = statements.split_off(url + 1);
        let body = self.operation.request_body();
        let media_type = body.and_then(|body| Some(body.json()?.content_type));
        let also = self.operation.parameters();
        let also = also.iter().filter_map(|parameter| {
            let names = parameter.value().get("x-also")?.as_array()?;
            let names = names.iter().filter_map(Value::as_str).map(str::to_owned);
            Some((parameter.name().to_owned(), names.collect()))
        });
        let mut seam = Seam {
            media_type,
            optional_body: body.is_some() && !needs_body(self.operation),
            also: also.collect(),
        };
        for statement in &mut kept {
            seam.visit_stmt_mut(statement);
        }
        Ok(quote!(#(#kept)*))
    }
}

/// Adapts the generator's request expression to the code around it.
struct Seam<'a> {
    /// The content type of the body.
    media_type: Option<&'a str>,
    /// Whether the body is optional.
    optional_body: bool,
    /// Other names of query parameters (`x-also`), which are sent with the same value.
    also: BTreeMap<String, Vec<String>>,
}

impl VisitMut for Seam<'_> {
    fn visit_local_mut(&mut self, local: &mut syn::Local) {
        // Only the generator's hooks needed `let mut request`.
        if let syn::Pat::Ident(name) = &mut local.pat
            && name.ident == "request"
        {
            name.mutability = None;
            local.attrs.clear();
        }
        syn::visit_mut::visit_local_mut(self, local);
    }

    fn visit_expr_mut(&mut self, expression: &mut syn::Expr) {
        syn::visit_mut::visit_expr_mut(self, expression);
        match expression {
            syn::Expr::Field(field) if matches!(&field.member, syn::Member::Named(name) if name == "client") =>
            {
                *expression = syn::parse_quote!(client.http);
            }
            syn::Expr::Try(attempt) if matches!(&*attempt.expr, syn::Expr::MethodCall(call) if call.method == "build") =>
            {
                let build = &attempt.expr;
                *expression = syn::parse_quote! {
                    #build.map_err(|error| RequestError::unbuilt(operation, error))?
                };
            }
            // Conversion of a header value.
            syn::Expr::Try(attempt) if matches!(&*attempt.expr, syn::Expr::MethodCall(call) if call.method == "try_into") =>
            {
                let value = &attempt.expr;
                *expression = syn::parse_quote! {
                    #value.map_err(|error| RequestError::header(operation, &error))?
                };
            }
            syn::Expr::MethodCall(call) if call.method == "query" => {
                let Some((name, value)) = query_parameter(&call.args) else {
                    return;
                };
                let mut request: syn::Expr = syn::Expr::MethodCall(call.clone());
                for other in self.also.get(&name).into_iter().flatten() {
                    request = syn::parse_quote! {
                        #request.query(&progenitor_client::QueryParam::new(#other, #value))
                    };
                }
                *expression = request;
            }
            syn::Expr::MethodCall(call) if call.method == "json" && self.optional_body => {
                let request = &call.receiver;
                let media_type = self.media_type.unwrap_or("application/json");
                *expression = syn::parse_quote! {
                    crate::request::with_optional_body(#request, #media_type, body.as_ref())
                };
            }
            syn::Expr::MethodCall(call) if call.method == "json" => {
                if let Some(media_type) = self.media_type.filter(|it| *it != "application/json") {
                    let request = &call.receiver;
                    call.receiver = syn::parse_quote! {
                        #request.header(::reqwest::header::CONTENT_TYPE, #media_type)
                    };
                }
            }
            _ => {}
        }
    }
}

/// The name and the value in `&progenitor_client::QueryParam::new("name", &value)`.
fn query_parameter(
    arguments: &syn::punctuated::Punctuated<syn::Expr, syn::Token![,]>,
) -> Option<(String, syn::Expr)> {
    let Some(syn::Expr::Reference(reference)) = arguments.first() else {
        return None;
    };
    let syn::Expr::Call(new) = &*reference.expr else {
        return None;
    };
    let Some(syn::Expr::Lit(syn::ExprLit {
        lit: syn::Lit::Str(name),
        ..
    })) = new.args.first()
    else {
        return None;
    };
    Some((name.value(), new.args.get(1)?.clone()))
}

impl Field {
    fn setter(&self) -> TokenStream {
        let Self {
            name,
            wire_name,
            value,
            docs,
            ..
        } = self;
        let docs = doc_lines(docs);
        match self.required {
            true => quote! {
                #(#docs)*
                pub fn #name(mut self, value: impl TryInto<#value, Error: Display>) -> Self {
                    self.#name = self.problems.required(#wire_name, value);
                    self
                }
            },
            false => quote! {
                #(#docs)*
                pub fn #name<M>(mut self, value: impl IntoOptional<#value, M>) -> Self {
                    self.#name = self.problems.optional(#wire_name, value);
                    self
                }
            },
        }
    }
}

/// Name and documentation of parameters and body, by Rust name without a trailing underscore.
fn known_fields(
    document: &Document,
    operation: Operation<'_>,
) -> BTreeMap<String, (String, String)> {
    let mut known = BTreeMap::new();
    for parameter in operation.parameters() {
        let name = parameter.name();
        let docs = texts::of_schema(parameter.description(), parameter.schema());
        known.insert(name.to_snake_case(), (name.to_owned(), docs));
    }
    if let Some(schema) = body_schema(operation) {
        let body = document.resolve(operation.value.get("requestBody").unwrap_or(&Value::Null));
        let docs = texts::of_schema(text(body, "description"), schema);
        known.insert("body".to_owned(), ("body".to_owned(), docs));
    }
    known
}

/// Whether the operation requires a body.
fn needs_body(operation: Operation<'_>) -> bool {
    let body = operation.request_body();
    body.is_some_and(|body| body.is_required())
}

fn body_schema(operation: Operation<'_>) -> Option<Schema<'_>> {
    operation.request_body()?.json()?.schema()
}

/// `types::builder::Thing` → `types::Thing`.
fn body_type(of_builder: &syn::Type) -> Result<syn::Type> {
    let syn::Type::Path(path) = of_builder else {
        bail!("the type of the body has no name");
    };
    let mut path = path.clone();
    let segments = path.path.segments.into_iter();
    path.path.segments = segments
        .filter(|segment| segment.ident != "builder")
        .collect();
    Ok(syn::Type::Path(path))
}

/// The `T` of `Result<ResponseValue<T>, _>`.
fn response_type(output: &syn::ReturnType) -> Result<syn::Type> {
    let syn::ReturnType::Type(_, output) = output else {
        bail!("`send` returns nothing");
    };
    let response = argument(output, "Result").and_then(|value| argument(value, "ResponseValue"));
    match response.context("`send` returns no ResponseValue")? {
        syn::Type::Tuple(tuple) if tuple.elems.is_empty() => {
            Ok(syn::parse_quote!(crate::NoContent))
        }
        response => Ok(response.clone()),
    }
}

/// The first type argument of a type whose path ends in `name`.
pub(crate) fn argument<'a>(of: &'a syn::Type, name: &str) -> Option<&'a syn::Type> {
    let syn::Type::Path(path) = of else {
        return None;
    };
    let last = path
        .path
        .segments
        .last()
        .filter(|last| last.ident == name)?;
    match &last.arguments {
        syn::PathArguments::AngleBracketed(arguments) => match arguments.args.first()? {
            syn::GenericArgument::Type(argument) => Some(argument),
            _ => None,
        },
        _ => None,
    }
}

/// Generates the module `operations`.
pub(crate) fn table(document: &Document) -> String {
    let mut shapes = Shapes::default();
    let mut out = "use crate::{Operation, Shape};
        /// All operations, in the document's order.
        pub static OPERATIONS: &[Operation] = &[\n"
        .to_owned();
    let operations: Vec<_> = document.operations().collect();
    for operation in &operations {
        let value = operation.value;
        let tag = value
            .pointer("/tags/0")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let idempotent = value.get("x-idempotent") == Some(&Value::Bool(true));
        let request = match body_schema(*operation) {
            Some(schema) => format!("Some(&{})", shapes.of(schema)),
            None => "None".to_owned(),
        };
        let mut responses: Vec<String> = Vec::new();
        for schema in response_schemas(*operation) {
            let shape = format!("&{}", shapes.of(schema));
            if !responses.contains(&shape) {
                responses.push(shape);
            }
        }
        let responses = responses.join(", ");
        out += &format!(
            "Operation {{ id: {:?}, tag: {tag:?}, method: {:?}, path: {:?}, idempotent: {idempotent}, content_type: {:?}, summary: {:?}, request_body: {request}, response_bodies: &[{responses}], reserved: &{:?} }},
",
            operation.id(),
            operation.method.to_uppercase(),
            operation.path,
            content_type(*operation),
            text(value, "summary"),
            reserved(operation.path, &operations),
        );
    }
    out + "];\n" + &shapes.statics()
}

/// The content type with which an operation's body is sent.
fn content_type<'a>(operation: Operation<'a>) -> &'a str {
    let body = operation.request_body();
    body.and_then(|body| Some(body.json()?.content_type))
        .unwrap_or_default()
}

/// Fixed path segments of other operations in the place of one of this operation's parameters.
fn reserved<'a>(path: &str, operations: &[Operation<'a>]) -> Vec<&'a str> {
    let is_parameter = |segment: &str| segment.starts_with('{');
    let own: Vec<&str> = path.split('/').collect();
    let mut words: Vec<&str> = operations
        .iter()
        .flat_map(|other| {
            let other: Vec<&'a str> = other.path.split('/').collect();
            let hiding = own
                .iter()
                .zip(&other)
                .enumerate()
                .find(|(_, (own, other))| {
                    own != other && !(is_parameter(own) && is_parameter(other))
                });
            hiding
                .filter(|(_, (own, other))| is_parameter(own) && !is_parameter(other))
                .map(|(_, (_, other))| *other)
        })
        .collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// The schemas of all response bodies, successes first.
fn response_schemas(operation: Operation<'_>) -> Vec<Schema<'_>> {
    let mut responses: Vec<_> = operation.responses().collect();
    responses.sort_by_key(|response| !response.is_success());
    let schemas = responses
        .iter()
        .filter_map(|response| response.json()?.schema());
    schemas.collect()
}

/// The statics that describe bodies, one per component.
#[derive(Default)]
struct Shapes {
    /// The value of each static by name; empty while it is being built.
    components: BTreeMap<String, String>,
}

impl Shapes {
    /// The expression for the shape of a schema.
    fn of(&mut self, schema: Schema<'_>) -> String {
        let is_nested = matches!(schema.schema_type(), SchemaType::Array | SchemaType::Object);
        let Some(name) = schema.name().filter(|_| is_nested) else {
            return self.written_out(schema);
        };
        let name = name.to_shouty_snake_case();
        if !self.components.contains_key(&name) {
            self.components.insert(name.clone(), String::new());
            let value = self.written_out(schema);
            self.components.insert(name.clone(), value);
        }
        name
    }

    fn written_out(&mut self, schema: Schema<'_>) -> String {
        match schema.schema_type() {
            SchemaType::String if schema.format() == "password" => "Shape::Secret".to_owned(),
            SchemaType::String => "Shape::String".to_owned(),
            SchemaType::Integer | SchemaType::Number => "Shape::Number".to_owned(),
            SchemaType::Boolean => "Shape::Boolean".to_owned(),
            SchemaType::Any => "Shape::Any".to_owned(),
            SchemaType::Array => match schema.items() {
                Some(items) => format!("Shape::List(&{})", self.of(items)),
                None => "Shape::Any".to_owned(),
            },
            SchemaType::Object => {
                let members = schema.properties();
                let members =
                    members.map(|(name, value)| format!("({name:?}, &{})", self.of(value)));
                let members = members.collect::<Vec<_>>().join(", ");
                let others = match schema.additional_properties() {
                    AdditionalProperties::Of(values) => format!("Some(&{})", self.of(values)),
                    AdditionalProperties::Any | AdditionalProperties::Undeclared => {
                        "None".to_owned()
                    }
                };
                format!("Shape::Object(&[{members}], {others})")
            }
        }
    }

    fn statics(&self) -> String {
        let statics = self.components.iter();
        statics
            .map(|(name, value)| format!("static {name}: Shape = {value};\n"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::SMALL;

    #[test]
    fn words_of_other_paths_are_reserved() {
        let text = "
openapi: 3.0.3
info: {title: T, version: '1'}
paths:
  /v1/{p}/things: {get: {operationId: listThings, responses: {'200': {description: d}}}}
  /v1/{p}/things/all: {get: {operationId: listAll, responses: {'200': {description: d}}}}
  /v1/{p}/things/{id}: {get: {operationId: showThing, responses: {'200': {description: d}}}}
  /v1/{p}/things/{id}/start: {post: {operationId: startThing, responses: {'200': {description: d}}}}
  /v1/{p}/others/{id}: {get: {operationId: showOther, responses: {'200': {description: d}}}}
";
        let document = Document::parse("t", "t.yaml", text).unwrap();
        let operations: Vec<_> = document.operations().collect();
        let of = |id: &str| {
            let operation = operations.iter().find(|it| it.id() == id).unwrap();
            reserved(operation.path, &operations)
        };
        assert_eq!(of("showThing"), ["all"]);
        assert_eq!(of("startThing"), ["all"]);
        assert!(of("showOther").is_empty() && of("listThings").is_empty());
    }

    #[test]
    fn shapes_mark_secrets_and_may_contain_themselves() {
        let deep = SMALL.replace(
            "        labels:",
            "        inner: {$ref: '#/components/schemas/Thing'}
        keys: {type: array, items: {type: string, format: password}}
        labels:",
        );
        let document = Document::parse("small", "openapi/small.yaml", &deep).unwrap();
        let code = table(&document);
        for expected in [
            "request_body: Some(&THING), response_bodies: &[&THING",
            r#"("password", &Shape::Secret)"#,
            r#"("inner", &THING)"#,
            r#"("keys", &Shape::List(&Shape::Secret))"#,
        ] {
            assert!(code.contains(expected), "{expected}: {code}");
        }
    }

    #[test]
    fn each_component_has_one_shape() {
        let text = "
openapi: 3.0.3
info: {title: T, version: '1'}
paths:
  /v1/things:
    get:
      operationId: listThings
      responses:
        '200': {description: d, content: {application/json: {schema: {type: object, properties: {
          things: {type: array, items: {$ref: '#/components/schemas/Thing'}}}}}}}
        '400': {description: d, content: {application/json: {schema: {type: object, properties: {error_code: {type: string}}}}}}
components:
  schemas:
    Thing: {type: object, properties: {
      size: {type: integer}, on: {type: boolean}, password: {type: string, format: password}, free: {type: object},
      tags: {type: object, additionalProperties: {type: string}}, inner: {$ref: '#/components/schemas/Thing'}}}
";
        let document = Document::parse("t", "t.yaml", text).unwrap();
        let code = table(&document);
        for expected in [
            r#"request_body: None, response_bodies: &[&Shape::Object(&[("things", &Shape::List(&THING))], None), &Shape::Object(&[("error_code", &Shape::String)], None)],"#,
            r#"static THING: Shape = Shape::Object(&[("size", &Shape::Number), ("on", &Shape::Boolean), ("password", &Shape::Secret), ("free", &Shape::Object(&[], None)), ("tags", &Shape::Object(&[], Some(&Shape::String))), ("inner", &THING)], None);"#,
        ] {
            assert!(code.contains(expected), "{expected}: {code}");
        }
    }

    #[test]
    fn headers_and_media_types_are_those_of_the_document() {
        let merge = SMALL
            .replace(
                "parameters:",
                "parameters:\n        - {name: X-Language, in: header, schema: {type: string}}",
            )
            .replace(
                "content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}\n      responses",
                "content: {application/merge-patch+json: {schema: {$ref: '#/components/schemas/Thing'}}}\n      responses",
            );
        let document = Document::parse("small", "openapi/small.yaml", &merge).unwrap();
        let code = crate::generate::client(&document).unwrap();
        for expected in [
            "header_map . append (\"X-Language\"",
            ". headers (header_map)",
            "RequestError :: header (operation , & error)",
            "CONTENT_TYPE , \"application/merge-patch+json\") . json",
        ] {
            assert!(code.contains(expected), "{expected} is not in\n{code}");
        }
        assert!(!code.contains("api-version"), "{code}");
    }

    #[test]
    fn an_optional_body_is_sent_when_it_is_set() {
        let optional = SMALL.replace("        required: true\n        content", "        content");
        let document = Document::parse("small", "openapi/small.yaml", &optional).unwrap();
        let code = crate::generate::client(&document).unwrap();
        for expected in [
            "body : Option < types :: Thing >",
            "body : None",
            "\"application/json\" , body . as_ref ())",
        ] {
            assert!(code.contains(expected), "{expected} is not in\n{code}");
        }
        assert!(!code.contains(". json (& body)"), "{code}");
    }

    #[test]
    fn a_builder_is_prepared_by_the_document() {
        let document = Document::parse("small", "openapi/small.yaml", SMALL).unwrap();
        let code = crate::generate::client(&document).unwrap();
        for expected in [
            "pub struct UpdateThing < 'a , X = reqwest :: Client >",
            "problems . require (\"id\" , & id)",
            "& [(\"project_id\" , project_id . as_str ()) , (\"id\" , id . as_str ())]",
            "# [doc = \" A thing.\"] pub fn body",
            "Prepared :: new (& client . base , request , operation)",
        ] {
            assert!(code.contains(expected), "{expected} is not in\n{code}");
        }
        for gone in [
            "encode_path",
            "Hooks",
            "was not initialized",
            "body_map",
            "Ext for",
        ] {
            assert!(!code.contains(gone), "{gone} is in\n{code}");
        }
    }
}
