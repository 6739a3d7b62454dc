//! Generates the emulator's side of a document: the traits that it implements, and the handlers that call them.
//!
//! A tag becomes a trait and an operation a method without a body, so an operation that is added to a document does
//! not compile until it is implemented, and nothing else has to be touched. What is not emulated gets a handler that
//! responds with 501.

mod operation;
mod parameters;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::document::{Document, text};
use crate::emit::{doc_lines, rust};
use crate::workspace::Family;
use operation::Method;

/// Folder of the generated code, from the root of the checkout.
pub(crate) const CODE: &str = "crates/modelarts-emulator/src/generated";

/// Generates a module per family and the module that lists them, by their path from the root of the checkout.
pub(crate) fn files(
    documents: &[Document],
    families: &[Family],
) -> Result<BTreeMap<PathBuf, String>> {
    let code = Path::new(CODE);
    let mut files = BTreeMap::new();
    for document in documents {
        let module = family(families, &document.name)
            .and_then(|family| module(document, family))
            .with_context(|| format!("generating the server of {}", document.file))?;
        let path = code.join(format!("{}.rs", document.name));
        files.insert(path, rust(&document.file, &module)?);
    }
    let list = rust("the list of documents", &list(documents, families)?)?;
    files.insert(code.join("mod.rs"), list);
    Ok(files)
}

/// Generates the module of a document.
fn module(document: &Document, family: &Family) -> Result<String> {
    let mut methods = Vec::new();
    let mut handlers = Vec::new();
    for operation in document.operations() {
        handlers.push(if family.emulated && operation.is_emulated() {
            let method = Method::new(operation);
            methods.push(method.with_context(|| format!("the method of {}", operation.id()))?);
            let handler = operation::name(operation);
            quote!(#handler::<S>)
        } else {
            quote!(http::not_emulated::<S>)
        });
    }
    let mut queries: Vec<&parameters::Parameters> = Vec::new();
    let mut items = Vec::new();
    for method in &methods {
        for parameters in [&method.query, &method.headers].into_iter().flatten() {
            items.push(parameters.items(&queries));
            queries.push(parameters);
        }
        items.extend(method.response_items());
    }
    let mut closed: Vec<syn::Ident> = Vec::new();
    for operation in document
        .operations()
        .filter(|it| family.emulated && it.is_emulated())
    {
        let types = operation.parameters();
        closed.extend(
            types
                .iter()
                .filter_map(|it| parameters::closed(it.schema())),
        );
    }
    closed.sort();
    closed.dedup();
    let traits = traits(document, &methods)?;
    let bounds = match methods.is_empty() {
        true => quote!(Sync),
        false => quote!(http::Server + Operations),
    };
    let count = handlers.len();
    let functions = methods.iter().map(Method::handler);
    let info = document
        .value()
        .get("info")
        .unwrap_or(&serde_json::Value::Null);
    let docs = doc_lines(&format!(
        "{}, version {}: traits and types for a server.\n\n\
         The trait methods have no default bodies: if an operation is added to the document, the emulator does not \
         compile until the operation is implemented, or marked with `x-emulated: false`; then it responds with 501.",
        text(info, "title"),
        text(info, "version"),
    ));
    let docs = docs.iter().map(|line| {
        let syn::Meta::NameValue(line) = &line.meta else {
            return quote!();
        };
        let text = &line.value;
        quote!(#![doc = #text])
    });
    let name = format_ident!("{}", document.name);
    let service = format_ident!("{}", format!("{:?}", family.service));
    Ok(quote! {
        #(#docs)*
        #![allow(
            dead_code,
            unused_imports,
            reason = "the emulator does not use everything that is generated"
        )]

        use std::sync::LazyLock;

        use modelarts_client::#name::{DOCUMENT, enums, types};

        use crate::error::ApiError;
        use crate::http;

        /// The description of each operation in the document, in the order of the client's table.
        pub(crate) static OPERATIONS: LazyLock<Vec<http::Operation>> =
            LazyLock::new(|| {
                let ids = modelarts_client::#name::OPERATIONS.iter().map(|operation| operation.id);
                http::Operation::read_all(DOCUMENT, modelarts_client::Service::#service, ids)
            });

        /// The handler of each operation, in the same order.
        pub(crate) fn handlers<S>() -> [http::Handler<S>; #count]
        where
            S: #bounds,
        {
            [#(#handlers),*]
        }

        #traits
        #(impl http::FromText for types::#closed {
            fn from_text(text: &str) -> Option<Self> {
                text.parse().ok()
            }
        })*
        #(#items)*
        #(#functions)*
    }
    .to_string())
}

/// A trait per tag, and the trait that combines them.
fn traits(document: &Document, methods: &[Method<'_>]) -> Result<TokenStream> {
    if methods.is_empty() {
        return Ok(quote!());
    }
    let mut tags: BTreeMap<&str, Vec<&Method<'_>>> = BTreeMap::new();
    for method in methods {
        tags.entry(method.tag()).or_default().push(method);
    }
    let mut taken = BTreeSet::from(["Operations".to_owned()]);
    let own = methods.iter().flat_map(Method::names);
    for name in own.chain(tags.keys().map(|tag| (*tag).to_owned())) {
        if !taken.insert(name.clone()) {
            bail!("two items would have the name `{name}`");
        }
    }
    let described = document
        .value()
        .get("tags")
        .and_then(|tags| tags.as_array());
    let traits = tags.iter().map(|(tag, methods)| {
        let description = described
            .into_iter()
            .flatten()
            .find(|other| text(other, "name") == *tag)
            .map_or("", |tag| text(tag, "description"));
        let docs = doc_lines(&format!("Tag `{tag}`: {description}"));
        let name = format_ident!("{tag}");
        let methods = methods.iter().map(|method| method.declaration());
        quote! {
            #(#docs)*
            pub(crate) trait #name: Send + Sync {
                #(#methods)*
            }
        }
    });
    let names: Vec<_> = tags.keys().map(|tag| format_ident!("{tag}")).collect();
    Ok(quote! {
        #(#traits)*

        /// All that this document asks of a server.
        pub(crate) trait Operations: #(#names)+* {}

        impl<S: #(#names)+*> Operations for S {}
    })
}

/// The module that lists the families.
fn list(documents: &[Document], families: &[Family]) -> Result<String> {
    let names: Vec<_> = documents
        .iter()
        .map(|document| format_ident!("{}", document.name))
        .collect();
    let mut bounds = Vec::new();
    for document in documents {
        let family = family(families, &document.name)?;
        let mut operations = document.operations();
        if family.emulated && operations.any(|operation| operation.is_emulated()) {
            let name = format_ident!("{}", document.name);
            bounds.push(quote!(+ #name::Operations));
        }
    }
    Ok(quote! {
        //! The documents: for each one a module with its traits, its handlers and the descriptions of its operations.

        #(pub(crate) mod #names;)*

        use crate::http;

        /// The operations of all documents, each with what handles a request to it.
        pub(crate) fn handlers<S>() -> impl Iterator<Item = (&'static http::Operation, http::Handler<S>)>
        where
            S: http::Server #(#bounds)*,
        {
            std::iter::empty() #(.chain(#names::OPERATIONS.iter().zip(#names::handlers::<S>())))*
        }
    }
    .to_string())
}

/// The entry of a family in `openapi/documents.toml`.
fn family<'a>(families: &'a [Family], name: &str) -> Result<&'a Family> {
    let mut families = families.iter();
    let family = families.find(|family| family.name == name);
    family.with_context(|| format!("{name} is not in openapi/documents.toml"))
}

#[cfg(test)]
mod tests;
