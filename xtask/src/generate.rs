//! Generates the code of all files from the documents.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use heck::ToUpperCamelCase as _;
use progenitor::{GenerationSettings, Generator, InterfaceStyle, TagStyle, TypeImpl};
use quote::quote;
use serde_json::{Value, json};
use syn::visit_mut::VisitMut;

use crate::catalogue::Catalogue;
use crate::document::{Document, text};
use crate::emit::{doc, preamble, rust};
use crate::workspace::{Family, Service};
use crate::{
    documentation, enums, facade, lower, operations, publish, server, types, words, workspace,
};

/// Folder of the client's generated code, from the root of the checkout.
pub(crate) const CODE: &str = "crates/modelarts-client/src/generated";

/// Generates all files, by their path from the root of the checkout.
pub(crate) fn files(
    root: &Path,
    documents: &[Document],
    catalogue: &Catalogue,
) -> Result<BTreeMap<PathBuf, String>> {
    let documents = &worded(documents)?;
    let code = Path::new(CODE);
    let mut files = publish::files(root, documents, catalogue)?;
    files.extend(documentation::pages(root, documents, catalogue)?);
    let mut modules =
        String::from("pub(crate) mod actions;\npub(crate) mod errors;\n") + &no_family(documents);
    for document in documents {
        let name = &document.name;
        let module =
            module(document).with_context(|| format!("generating from {}", document.file))?;
        for (file, text) in module {
            files.insert(code.join(name).join(file), text);
        }
        modules += &format!("#[cfg(feature = {name:?})]\npub mod {name};\n");
    }
    let families = workspace::families(root)?;
    files.insert(
        code.join("mod.rs"),
        rust(
            "the list of documents",
            &(modules + &list(documents, &families)),
        )?,
    );
    let client = |name: &str| {
        let file = files.get(&code.join(name).join("client.rs"));
        file.cloned().unwrap_or_default()
    };
    let facade = facade::files(documents, &families, client)?;
    files.extend(facade);
    files.extend(server::files(documents, &families)?);
    files.insert(
        code.join("actions.rs"),
        rust("the documents", &enums::actions_module(documents))?,
    );
    files.insert(code.join("errors.rs"), catalogue.module()?);
    Ok(files)
}

/// The documents with limits, defaults and rules added to their descriptions.
fn worded(documents: &[Document]) -> Result<Vec<Document>> {
    let worded = documents
        .iter()
        .map(|document| document.changed(words::in_words));
    worded.collect()
}

fn module(document: &Document) -> Result<Vec<(&'static str, String)>> {
    let source = document.file.as_str();
    Ok(vec![
        ("mod.rs", rust(source, &front(document))?),
        ("client.rs", rust(source, &client(document)?)?),
        (
            "enums.rs",
            preamble(source)
                + "//! The enumerations of this document. The service may add values.\n\n"
                + &enums::module(document)?,
        ),
        ("operations.rs", rust(source, &operations::table(document))?),
        ("reflect.rs", rust(source, &reflect(document))?),
        ("document.json", pretty(document.value())?),
    ])
}

fn pretty(value: &Value) -> Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// The `mod.rs` of a family: documentation, public re-exports, and the family's operations.
fn front(document: &Document) -> String {
    let info = document.value().get("info").unwrap_or(&Value::Null);
    let docs = format!(
        "{}, version {}.\n\n{}",
        text(info, "title"),
        text(info, "version"),
        text(info, "description")
    );
    let docs: String = docs.lines().map(|line| format!("//! {line}\n")).collect();
    format!(
        "{docs}
        mod client;
        pub mod enums;
        mod operations;
        #[cfg(feature = \"reflect\")]
        mod reflect;

        pub use client::{{builder, types, Client}};
        pub use operations::OPERATIONS;
        #[cfg(feature = \"reflect\")]
        pub use reflect::round_trip;
        #[cfg(all(feature = \"reflect\", feature = \"utoipa\"))]
        pub use reflect::Schemas;

        {document_doc}
        #[cfg(feature = \"documents\")]
        pub const DOCUMENT: &str = include_str!(\"document.json\");
        ",
        document_doc = doc("The document as JSON."),
    )
}

pub(crate) fn client(document: &Document) -> Result<String> {
    let lowered = lower::lower(document.value())?;
    let mut settings = GenerationSettings::new();
    settings
        .with_interface(InterfaceStyle::Builder)
        .with_tag(TagStyle::Merged)
        .with_map_type("::std::collections::BTreeMap")
        .with_derive("PartialEq")
        .with_derive("utoipa::ToSchema")
        .with_conversion(
            serde_json::from_value(json!({"type": "string", "format": "password"}))?,
            "crate::Secret",
            std::iter::empty(),
        );
    for (name, _) in enums::open_enums(document) {
        settings.with_replacement(
            name,
            format!("crate::{}::enums::Open{name}", document.name),
            [TypeImpl::Display, TypeImpl::FromStr].into_iter(),
        );
    }
    let tokens = Generator::new(&settings).generate_tokens(&lowered)?;
    let mut file: syn::File = syn::parse2(tokens)?;
    UtoipaBehindFeature.visit_file_mut(&mut file);
    ShortPaths.visit_file_mut(&mut file);
    NoVersionHeader.visit_file_mut(&mut file);
    types::rewrite(document, &mut file)?;
    operations::rewrite(document, &mut file)?;
    let code = quote!(#file).to_string();
    // progenitor's code has no docs on builders and does not pass all lints.
    Ok(format!(
        "#![allow(missing_docs, unreachable_pub, clippy::all, clippy::unwrap_used, clippy::expect_used)]\n{code}"
    ))
}

/// `derive(…, utoipa::ToSchema)` → `derive(…)` and `cfg_attr(feature = "utoipa", derive(…))`.
struct UtoipaBehindFeature;

impl UtoipaBehindFeature {
    fn split(attributes: &mut Vec<syn::Attribute>) {
        let mut split = Vec::new();
        for attribute in attributes.drain(..) {
            let derives = match attribute.path().is_ident("derive") {
                true => attribute.parse_args_with(
                    syn::punctuated::Punctuated::<syn::Path, syn::Token![,]>::parse_terminated,
                ),
                false => {
                    split.push(attribute);
                    continue;
                }
            };
            let Ok(derives) = derives else {
                split.push(attribute);
                continue;
            };
            let is_schema =
                |path: &&syn::Path| path.segments.last().is_some_and(|s| s.ident == "ToSchema");
            let others: Vec<_> = derives.iter().filter(|path| !is_schema(path)).collect();
            split.push(syn::parse_quote!(#[derive(#(#others),*)]));
            if let Some(schema) = derives.iter().find(is_schema) {
                split.push(syn::parse_quote!(#[cfg_attr(feature = "utoipa", derive(#schema))]));
            }
        }
        *attributes = split;
    }
}

impl VisitMut for UtoipaBehindFeature {
    fn visit_item_struct_mut(&mut self, item: &mut syn::ItemStruct) {
        Self::split(&mut item.attrs);
    }

    fn visit_item_enum_mut(&mut self, item: &mut syn::ItemEnum) {
        Self::split(&mut item.attrs);
    }
}

/// Removes the header with the document's version from every request; the API does not define it.
struct NoVersionHeader;

impl NoVersionHeader {
    fn says_version(statement: &syn::Stmt) -> bool {
        let syn::Stmt::Expr(syn::Expr::MethodCall(call), _) = statement else {
            return false;
        };
        let name = call.args.first();
        call.method == "append"
            && is_header_map(&call.receiver)
            && name.is_some_and(|name| quote!(#name).to_string().contains("\"api-version\""))
    }
}

impl VisitMut for NoVersionHeader {
    fn visit_block_mut(&mut self, block: &mut syn::Block) {
        syn::visit_mut::visit_block_mut(self, block);
        let statements = block.stmts.len();
        block.stmts.retain(|it| !Self::says_version(it));
        // The remaining header map is empty.
        let mentions = quote!(#block).to_string().matches("header_map").count();
        if block.stmts.len() == statements || mentions > 2 {
            return;
        }
        block.stmts.retain(|statement| {
            !matches!(
                statement,
                syn::Stmt::Local(syn::Local { pat: syn::Pat::Ident(name), .. }) if name.ident == "header_map"
            )
        });
        WithoutHeaderMap.visit_block_mut(block);
    }
}

/// `request.headers(header_map)` → `request`.
struct WithoutHeaderMap;

impl VisitMut for WithoutHeaderMap {
    fn visit_expr_mut(&mut self, expression: &mut syn::Expr) {
        syn::visit_mut::visit_expr_mut(self, expression);
        if let syn::Expr::MethodCall(call) = expression
            && call.method == "headers"
            && call.args.first().is_some_and(is_header_map)
        {
            *expression = (*call.receiver).clone();
        }
    }
}

fn is_header_map(expression: &syn::Expr) -> bool {
    matches!(expression, syn::Expr::Path(path) if path.path.is_ident("header_map"))
}

/// `::std::option::Option` → `Option`, `crate::family::enums::Open` → `enums::Open`, as in hand-written code. `check`
/// reserves these names, and each module imports the enumerations.
struct ShortPaths;

impl VisitMut for ShortPaths {
    fn visit_path_mut(&mut self, path: &mut syn::Path) {
        const PRELUDE: [&str; 4] = ["Box", "Option", "String", "Vec"];
        syn::visit_mut::visit_path_mut(self, path);
        let is = |index: usize, name| path.segments.get(index).is_some_and(|it| it.ident == name);
        if is(0, "crate") && is(2, "enums") {
            path.segments = path.segments.iter().skip(2).cloned().collect();
            return;
        }
        if path.leading_colon.is_none() || !is(0, "std") {
            return;
        }
        path.leading_colon = None;
        let names = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string());
        let known = names.collect::<Vec<_>>();
        let known = known
            .iter()
            .position(|name| PRELUDE.contains(&name.as_str()));
        if let Some(known) = known {
            path.segments = path.segments.iter().skip(known).cloned().collect();
        }
    }

    fn visit_lit_str_mut(&mut self, literal: &mut syn::LitStr) {
        let text = literal.value();
        if let Some(function) = text.strip_prefix("::std::option::") {
            *literal = syn::LitStr::new(function, literal.span());
        }
    }

    fn visit_attribute_mut(&mut self, attribute: &mut syn::Attribute) {
        // The visitor does not parse the tokens of an attribute.
        if let syn::Meta::List(list) = &mut attribute.meta
            && list.path.is_ident("serde")
        {
            let text = list.tokens.to_string().replace("\"::std::option::", "\"");
            if let Ok(tokens) = text.parse() {
                list.tokens = tokens;
            }
        }
    }
}

/// A compile error if no family is enabled; without it the compiler would only report unused code.
fn no_family(documents: &[Document]) -> String {
    let features = documents
        .iter()
        .map(|it| format!("feature = {:?}", it.name));
    let features = features.collect::<Vec<_>>().join(", ");
    let names = documents.iter().map(|it| format!("`{}`", it.name));
    let names = names.collect::<Vec<_>>().join(", ");
    format!(
        "#[cfg(not(any({features})))]
        compile_error!(\"no API family is enabled: enable at least one of the features {names}\");\n"
    )
}

/// The module that declares the families and lists them.
fn list(documents: &[Document], families: &[Family]) -> String {
    let entries: String = documents
        .iter()
        .map(|document| {
            let name = &document.name;
            let info = document.value().get("info").unwrap_or(&Value::Null);
            let family = families.iter().find(|family| family.name == *name);
            let emulated = family.is_none_or(|family| family.emulated);
            let service = family.map_or(Service::default(), |family| family.service);
            format!(
                "#[cfg(feature = {name:?})]
                Family {{
                    name: {name:?},
                    title: {title:?},
                    service: Service::{service:?},
                    emulated: {emulated},
                    operations: {name}::OPERATIONS,
                    #[cfg(feature = \"documents\")]
                    document: {name}::DOCUMENT,
                    #[cfg(feature = \"reflect\")]
                    round_trip: {name}::round_trip,
                    #[cfg(all(feature = \"reflect\", feature = \"utoipa\"))]
                    schemas: <{name}::Schemas as utoipa::OpenApi>::openapi,
                }},\n",
                title = text(info, "title"),
            )
        })
        .collect();
    format!(
        "use crate::{{Family, Service}};
        {docs}
        pub static FAMILIES: &[Family] = &[{entries}];
        ",
        docs = doc("The API families, in the order of `openapi/documents.toml`.")
    )
}

/// Access to the types by schema name, for tests and tools.
fn reflect(document: &Document) -> String {
    let mut names: Vec<&str> = document
        .components("schemas")
        .filter(|(_, schema)| schema.get("x-extensible-enum").is_none())
        .map(|(name, _)| name)
        .collect();
    names.sort_unstable();
    let arms: String = names
        .iter()
        .map(|name| {
            let rust_name = name.to_upper_camel_case();
            format!("{name:?} => through::<types::{rust_name}>(value),\n")
        })
        .collect();
    let open: Vec<&str> = enums::open_enums(document).map(|(name, _)| name).collect();
    let open_arms: String = open
        .iter()
        .map(|name| format!("{name:?} => through::<enums::Open{name}>(value),\n"))
        .collect();
    let schemas: String = names
        .iter()
        .map(|name| format!("types::{},", name.to_upper_camel_case()))
        .collect();
    let open_schemas: String = open
        .iter()
        .map(|name| format!("enums::Open{name},"))
        .collect();
    format!(
        "#[allow(unused_imports)]
        use super::{{enums, types}};
        use serde::{{Serialize, de::DeserializeOwned}};
        use serde_json::Value;

        {schemas_doc}
        #[cfg(feature = \"utoipa\")]
        #[derive(utoipa::OpenApi)]
        #[openapi(components(schemas({schemas}{open_schemas})))]
        pub struct Schemas;

        {round_trip_doc}
        pub fn round_trip(schema: &str, value: Value) -> Option<serde_json::Result<Value>> {{
            Some(match schema {{ {arms}{open_arms} _ => return None }})
        }}

        fn through<T: Serialize + DeserializeOwned>(value: Value) -> serde_json::Result<Value> {{
            serde_json::to_value(serde_json::from_value::<T>(value)?)
        }}
        ",
        schemas_doc = doc("The generated types, described by `utoipa`."),
        round_trip_doc = doc(
            "Decodes a value into the type of a schema and encodes it again.\n\n\
             Returns `None` if the document has no schema of this name, and an error if the value cannot be decoded."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::SMALL;

    fn small() -> String {
        let document = Document::parse("small", "openapi/small.yaml", SMALL).unwrap();
        rust("openapi/small.yaml", &client(&document).unwrap()).unwrap()
    }

    #[test]
    fn types_take_what_the_design_asks_for() {
        let code = small();
        for expected in [
            "pub kind: Option<enums::OpenKind>",
            "pub password: Option<crate::Secret>",
            "pub parts: Option<Vec<String>>",
            "pub count: Option<i64>",
            "skip_serializing_if = \"Option::is_none\"",
            "std::collections::BTreeMap<",
            "cfg_attr(feature = \"utoipa\", derive(utoipa::ToSchema))",
            "value: impl IntoOptional<crate::Secret, M>",
            "value: impl IntoOptional<enums::OpenKind, M>",
        ] {
            assert!(code.contains(expected), "{expected} is not in\n{code}");
        }
        assert!(!code.contains("HashMap<"), "{code}");
        assert!(!code.contains("TryInto<::std::option::Option"), "{code}");
        assert!(!code.contains("reqwest::ClientBuilder"), "{code}");
        assert!(!code.contains("api-version"), "{code}");
        assert!(!code.contains(", utoipa::ToSchema"), "{code}");
    }

    #[test]
    fn the_output_is_the_same_every_time() {
        assert_eq!(small(), small());
        assert!(
            small().starts_with("// Generated by `cargo xtask regen` from openapi/small.yaml.")
        );
    }
}
