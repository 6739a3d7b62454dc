//! Generates the trait method of an operation and the handler of its requests.

use anyhow::{Context, Result};
use heck::{ToSnakeCase as _, ToUpperCamelCase as _};
use modelarts_document::{Location, Response, SchemaType};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::parameters::{Parameters, identifier, of_text};
use crate::document::{Operation, text};
use crate::emit::doc_lines;

/// The path parameter with the project. Access is checked before the operation, so `Cx` has it.
const PROJECT: &str = "project_id";

/// The header that the server sets on every response.
const REQUEST_ID: &str = "X-Request-Id";

/// The name of the method, and of its handler.
pub(super) fn name(operation: Operation<'_>) -> syn::Ident {
    format_ident!("{}", operation.id().to_snake_case())
}

/// A method of a trait.
pub(super) struct Method<'a> {
    operation: Operation<'a>,
    path: Vec<PathParameter<'a>>,
    pub(super) query: Option<Parameters>,
    pub(super) headers: Option<Parameters>,
    body: Option<Body>,
    responses: Vec<Success<'a>>,
}

struct PathParameter<'a> {
    name: syn::Ident,
    wire_name: &'a str,
    /// The type; `None` for a string.
    value: Option<TokenStream>,
}

struct Body {
    value: TokenStream,
    required: bool,
}

/// A documented success status.
struct Success<'a> {
    status: u16,
    description: &'a str,
    body: Option<TokenStream>,
    headers: Vec<Header<'a>>,
}

struct Header<'a> {
    name: syn::Ident,
    wire_name: &'a str,
    is_secret: bool,
}

impl<'a> Method<'a> {
    pub(super) fn new(operation: Operation<'a>) -> Result<Self> {
        let path = operation.parameters_in(Location::Path);
        let path = path.filter(|parameter| parameter.name() != PROJECT);
        let path = path.map(|parameter| {
            let value = of_text(parameter.schema())?;
            Ok(PathParameter {
                name: identifier(parameter.name())?,
                wire_name: parameter.name(),
                value: (value.to_string() != "String").then_some(value),
            })
        });
        let body = operation.request_body().map(|body| {
            let schema = body.json().and_then(|media| media.schema());
            let name = schema.and_then(|schema| schema.name());
            let name = name.context("the body has no JSON of a named schema")?;
            let name = format_ident!("{}", name.to_upper_camel_case());
            Ok::<_, anyhow::Error>(Body {
                value: quote!(types::#name),
                required: body.is_required(),
            })
        });
        let responses = operation.responses().filter(Response::is_success);
        Ok(Self {
            path: path.collect::<Result<_>>()?,
            query: Parameters::new(operation, Location::Query)?,
            headers: Parameters::new(operation, Location::Header)?,
            body: body.transpose()?,
            responses: responses.map(Success::new).collect::<Result<_>>()?,
            operation,
        })
    }

    pub(super) fn tag(&self) -> &'a str {
        let tags = self.operation.value.get("tags");
        tags.and_then(|tags| tags.get(0)?.as_str())
            .unwrap_or_default()
    }

    /// The names of the items that are generated with the method.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        let parameters = [&self.query, &self.headers].into_iter().flatten();
        let parameters = parameters.map(|parameters| parameters.name.to_string());
        let response = self
            .plain_reply()
            .is_none()
            .then(|| self.response_name().to_string());
        parameters.chain(response)
    }

    /// The type of the body, if 200 with a body is the only success.
    fn plain_reply(&self) -> Option<&TokenStream> {
        match &self.responses[..] {
            [
                Success {
                    status: 200,
                    body: Some(body),
                    headers,
                    ..
                },
            ] if headers.is_empty() => Some(body),
            _ => None,
        }
    }

    fn response_name(&self) -> syn::Ident {
        format_ident!("{}Response", self.operation.id().to_upper_camel_case())
    }

    /// The method of the trait.
    pub(super) fn declaration(&self) -> TokenStream {
        let name = name(self.operation);
        let docs = doc_lines(&format!(
            "{}: `{} {}`.",
            text(self.operation.value, "summary").trim_end_matches('.'),
            self.operation.method.to_uppercase(),
            self.operation.path
        ));
        let path = self.path.iter().map(|parameter| {
            let name = &parameter.name;
            match &parameter.value {
                None => quote!(#name: &str),
                Some(value) => quote!(#name: #value),
            }
        });
        let query = self.query.as_ref().map(|query| {
            let name = &query.name;
            quote!(query: #name,)
        });
        let headers = self.headers.as_ref().map(|headers| {
            let name = &headers.name;
            quote!(headers: #name,)
        });
        let body = self
            .body
            .as_ref()
            .map(|Body { value, required }| match required {
                true => quote!(body: #value,),
                false => quote!(body: Option<#value>,),
            });
        let reply = match self.plain_reply() {
            Some(body) => quote!(http::Reply<#body>),
            None => {
                let name = self.response_name();
                quote!(#name)
            }
        };
        quote! {
            #(#docs)*
            fn #name(
                &self,
                cx: &http::Cx,
                #(#path,)*
                #query
                #headers
                #body
            ) -> impl Future<Output = Result<#reply, ApiError>> + Send;
        }
    }

    /// The handler that calls the method.
    pub(super) fn handler(&self) -> TokenStream {
        let name = name(self.operation);
        let tag = format_ident!("{}", self.tag());
        let body = self
            .body
            .as_ref()
            .map(|Body { required, .. }| match required {
                true => quote!(let body = request.body()?;),
                false => quote!(let body = request.optional_body()?;),
            });
        let path = self.path.iter().map(
            |PathParameter {
                 name,
                 wire_name,
                 value,
             }| match value {
                None => quote!(let #name = request.path(#wire_name)?;),
                Some(_) => quote!(let #name = request.path_value(#wire_name)?;),
            },
        );
        let query = self.query.as_ref().map(|query| {
            let name = &query.name;
            quote!(let query = #name::read(&request)?;)
        });
        let headers = self.headers.as_ref().map(|headers| {
            let name = &headers.name;
            quote!(let headers = #name::read(&request)?;)
        });
        let names = self.path.iter().map(|parameter| &parameter.name);
        let [query_argument, headers_argument, body_argument] = [
            query.is_some().then(|| quote!(query,)),
            headers.is_some().then(|| quote!(headers,)),
            body.is_some().then(|| quote!(body,)),
        ];
        let mutable = body.is_some().then(|| quote!(mut));
        quote! {
            fn #name<'a, S: http::Server + #tag>(
                server: &'a S,
                request: http::OperationRequest<'a>,
            ) -> http::ResponseFuture<'a> {
                Box::pin(async move {
                    let #mutable request = match server.accept(request).await {
                        Ok(request) => request,
                        Err(response) => return response,
                    };
                    let result = async {
                        #body
                        #(#path)*
                        #query
                        #headers
                        server
                            .#name(&request.cx, #(#names,)* #query_argument #headers_argument #body_argument)
                            .await
                    }
                    .await;
                    request.respond(result)
                })
            }
        }
    }

    /// The enumeration of success statuses, if there is more than 200 with a body.
    pub(super) fn response_items(&self) -> Option<TokenStream> {
        if self.plain_reply().is_some() {
            return None;
        }
        let name = self.response_name();
        let docs = doc_lines(&format!("The response of `{}`.", self.operation.id()));
        let variants = self.responses.iter().map(Success::variant);
        let arms = self.responses.iter().map(Success::arm);
        Some(quote! {
            #(#docs)*
            pub(crate) enum #name {
                #(#variants,)*
            }

            impl axum::response::IntoResponse for #name {
                fn into_response(self) -> axum::response::Response {
                    match self {
                        #(#arms)*
                    }
                }
            }
        })
    }
}

impl<'a> Success<'a> {
    fn new(response: Response<'a>) -> Result<Self> {
        let status = response.status;
        let body = response.json().map(|media| {
            let name = media.schema().and_then(|schema| schema.name());
            let name = name.with_context(|| format!("the body of {status} has no named schema"))?;
            let name = format_ident!("{}", name.to_upper_camel_case());
            Ok::<_, anyhow::Error>(quote!(types::#name))
        });
        let headers = response.headers().filter(|(name, _)| *name != REQUEST_ID);
        let headers = headers.map(|(name, schema)| {
            if schema.schema_type() != SchemaType::String {
                anyhow::bail!("the header {name} of {status} is not a string");
            }
            Ok(Header {
                name: identifier(name)?,
                wire_name: name,
                is_secret: schema.format() == "password",
            })
        });
        Ok(Self {
            status: status
                .parse()
                .with_context(|| format!("`{status}` is not a status"))?,
            description: text(response.value, "description"),
            body: body.transpose()?,
            headers: headers.collect::<Result<_>>()?,
        })
    }

    fn variant_name(&self) -> syn::Ident {
        match self.status {
            200 => format_ident!("Ok"),
            201 => format_ident!("Created"),
            202 => format_ident!("Accepted"),
            204 => format_ident!("NoContent"),
            status => format_ident!("Status{status}"),
        }
    }

    fn variant(&self) -> TokenStream {
        let name = self.variant_name();
        let docs = doc_lines(&format!("{}: {}", self.status, self.description));
        let body = self.body.as_ref();
        if self.headers.is_empty() {
            let body = body.map(|body| quote!((http::Reply<#body>)));
            return quote!(#(#docs)* #name #body);
        }
        let body = body.map(|body| {
            quote! {
                /// The body.
                reply: http::Reply<#body>,
            }
        });
        let headers = self.headers.iter().map(|header| {
            let docs = doc_lines(&format!("The header `{}`.", header.wire_name));
            let (name, value) = (&header.name, header.value());
            quote!(#(#docs)* #name: #value,)
        });
        quote!(#(#docs)* #name { #body #(#headers)* })
    }

    fn arm(&self) -> TokenStream {
        let name = self.variant_name();
        let status = self.status;
        let response = match self.body {
            Some(_) => quote!(reply.into_response_of(#status)),
            None => quote!(http::empty(#status)),
        };
        if self.headers.is_empty() {
            let pattern = self.body.as_ref().map(|_| quote!((reply)));
            return quote!(Self::#name #pattern => #response,);
        }
        let pattern = self.body.as_ref().map(|_| quote!(reply,));
        let names = self.headers.iter().map(|header| &header.name);
        let headers = self.headers.iter().map(|header| {
            let (name, wire_name) = (&header.name, header.wire_name.to_ascii_lowercase());
            match header.is_secret {
                true => quote!(http::set_secret_header(&mut response, #wire_name, &#name);),
                false => quote!(http::set_header(&mut response, #wire_name, &#name);),
            }
        });
        quote! {
            Self::#name { #pattern #(#names),* } => {
                let mut response = #response;
                #(#headers)*
                response
            }
        }
    }
}

impl Header<'_> {
    fn value(&self) -> TokenStream {
        match self.is_secret {
            true => quote!(modelarts_client::Secret),
            false => quote!(String),
        }
    }
}
