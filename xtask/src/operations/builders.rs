//! Generates the operation builders: setters, `prepare` and `send`.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use heck::{ToSnakeCase as _, ToUpperCamelCase as _};
use proc_macro2::TokenStream;
use quote::quote;
use serde_json::Value;
use syn::visit_mut::VisitMut;

use super::seam::Seam;
use super::table::body_schema;
use crate::document::{Document, Operation, text};
use crate::emit::{doc_lines, import_enums};
use crate::syntax::argument;
use crate::texts;

pub(super) fn builders(
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

#[cfg(test)]
mod tests {
    use crate::document::{Document, SMALL};

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
