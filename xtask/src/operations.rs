//! Generates the client, the operation builders, and the table of operations.
//!
//! The generator's code that turns parameters and body into a request is kept. Everything around it is generated
//! here: the URL, the error about missing values, and sending.

use anyhow::{Context, Result};
use heck::ToSnakeCase as _;
use syn::visit_mut::VisitMut;

use crate::document::{Document, Operation, text};
use crate::emit::{doc_lines, spread_docs};

mod builders;
mod seam;
mod table;

pub(crate) use table::table;

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
                *content = builders::builders(document, &operations, content)?;
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
