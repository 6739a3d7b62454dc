//! Types: rewrites the generator's types into an API that can be published, and adds builders for requests.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use heck::ToUpperCamelCase as _;
use modelarts_document::{Schema, SchemaType};
use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::Parser as _;

use crate::document::Document;
use crate::emit::{doc_lines, import_enums, spread_docs};
use crate::syntax::argument;
use crate::texts;

const MODULE_DOCS: &str = "
/// The types of request and response bodies.
///
/// A later release may add fields to any type, so no type can be created with a struct literal. Types that are sent
/// have a `builder()`. To create a type that is only returned, for example in a test or a server, start with its
/// `Default`.
";

/// Rewrites the types in the generator's output.
pub(crate) fn rewrite(document: &Document, file: &mut syn::File) -> Result<()> {
    let types = file.items.iter_mut().find_map(|item| match item {
        syn::Item::Mod(module) if module.ident == "types" => Some(module),
        _ => None,
    });
    let types = types.context("the generator's output has no module `types`")?;
    types.attrs = syn::Attribute::parse_outer.parse_str(MODULE_DOCS)?;
    let (_, items) = types
        .content
        .as_mut()
        .context("the module `types` is not inline")?;
    let schemas: BTreeMap<String, Schema<'_>> = document
        .schemas()
        .map(|(name, schema)| (name.to_upper_camel_case(), schema))
        .collect();
    let requested = requested(document);
    let paged = paged(document);
    let mut builders: Vec<syn::Item> = Vec::new();
    let import = import_enums(document);
    for item in std::mem::take(items) {
        match item {
            syn::Item::Mod(module) if module.ident == "builder" => {}
            // `builder()` is generated below for types that have one.
            syn::Item::Impl(methods) if makes_builder(&methods) => {}
            syn::Item::Struct(mut item) => {
                spread_docs(&mut item.attrs);
                item.attrs.push(syn::parse_quote!(#[non_exhaustive]));
                let Some(schema) = schemas.get(&item.ident.to_string()) else {
                    items.push(syn::Item::Struct(item));
                    continue;
                };
                let fields = fields(&mut item, *schema);
                let records = paged.get(&item.ident.to_string());
                only_objects(&mut item, records);
                let name = item.ident.clone();
                items.push(syn::Item::Struct(item));
                if !fields.is_empty() && requested.contains(&name.to_string()) {
                    items.push(entrance(&name));
                    builders.extend(builder(&name, &fields));
                }
            }
            syn::Item::Enum(mut item) => {
                spread_docs(&mut item.attrs);
                item.attrs.push(syn::parse_quote!(#[non_exhaustive]));
                items.push(syn::Item::Enum(item));
            }
            other => items.push(other),
        }
    }
    if !builders.is_empty() {
        items.push(syn::parse_quote! {
            /// Builders for the types of request bodies.
            pub mod builder {
                #[allow(unused_imports)]
                use std::fmt::Display;
                use crate::request_error::Problems;
                #[allow(unused_imports)]
                use crate::{IntoOptional, RequestError};
                #import
                #(#builders)*
            }
        });
    }
    items.insert(0, import);
    Ok(())
}

/// The properties with the records of a page, if those are objects, by the type of the page.
fn paged(document: &Document) -> BTreeMap<String, Vec<String>> {
    let lists = document
        .operations()
        .filter_map(|operation| modelarts_document::Pagination::read(&operation)?.ok());
    let pages = lists.filter_map(|list| {
        let is_object = list.item()?.schema_type() == SchemaType::Object;
        let items = list.items.iter().map(|name| (*name).to_owned()).collect();
        is_object.then_some((list.page.name()?.to_upper_camel_case(), items))
    });
    pages.collect()
}

/// Rejects records that are not objects when a page is decoded, instead of reading them as objects without members.
fn only_objects(item: &mut syn::ItemStruct, records: Option<&Vec<String>>) {
    for field in &mut item.fields {
        let Some(name) = &field.ident else {
            continue;
        };
        let name = renamed(&field.attrs).unwrap_or_else(|| name.to_string());
        if records.is_some_and(|records| records.contains(&name)) {
            field.attrs.push(
                syn::parse_quote!(#[serde(default, deserialize_with = "crate::object::rows")]),
            );
        }
    }
}

/// The types that occur in request bodies.
fn requested(document: &Document) -> BTreeSet<String> {
    let bodies = document.operations().filter_map(|operation| {
        let body = operation.value.get("requestBody")?;
        Some(document.reachable(body))
    });
    bodies
        .flatten()
        .map(|name| name.to_upper_camel_case())
        .collect()
}

fn makes_builder(item: &syn::ItemImpl) -> bool {
    item.trait_.is_none()
        && matches!(&item.items[..], [syn::ImplItem::Fn(only)] if only.sig.ident == "builder")
}

/// A field of a generated type.
struct Field {
    name: syn::Ident,
    /// The name in the document.
    wire_name: String,
    /// The type of the value without `Option`.
    value: syn::Type,
    required: bool,
    docs: Vec<syn::Attribute>,
}

/// Adds documentation and number decoding to every field, and returns the fields.
fn fields(item: &mut syn::ItemStruct, schema: Schema<'_>) -> Vec<Field> {
    let syn::Fields::Named(named) = &mut item.fields else {
        return Vec::new();
    };
    let mut fields = Vec::new();
    for field in &mut named.named {
        let Some(name) = field.ident.clone() else {
            continue;
        };
        let plain = name.to_string();
        let wire_name =
            renamed(&field.attrs).unwrap_or_else(|| plain.trim_start_matches("r#").to_owned());
        let docs = schema
            .property(&wire_name)
            .map(|property| doc_lines(&texts::of_schema("", property)))
            .unwrap_or_default();
        field
            .attrs
            .retain(|attribute| !attribute.path().is_ident("doc"));
        field.attrs.splice(0..0, docs.iter().cloned());
        let optional = argument(&field.ty, "Option");
        let value = optional.unwrap_or(&field.ty).clone();
        let required = optional.is_none();
        if is_number(&value) {
            let read = match required {
                true => quote!(deserialize_with = "crate::number::required"),
                // With `deserialize_with`, serde rejects an absent field unless it has a default.
                false => quote!(default, deserialize_with = "crate::number::optional"),
            };
            add_to_serde(&mut field.attrs, &read);
        }
        fields.push(Field {
            name,
            wire_name,
            value,
            required,
            docs,
        });
    }
    fields
}

/// Adds an argument to the attribute `serde`.
fn add_to_serde(attributes: &mut Vec<syn::Attribute>, more: &TokenStream) {
    for attribute in &mut *attributes {
        if attribute.path().is_ident("serde")
            && let syn::Meta::List(list) = &mut attribute.meta
        {
            let tokens = &list.tokens;
            list.tokens = quote!(#tokens, #more);
            return;
        }
    }
    attributes.push(syn::parse_quote!(#[serde(#more)]));
}

/// The name in `#[serde(rename = …)]`.
fn renamed(attributes: &[syn::Attribute]) -> Option<String> {
    let mut name = None;
    for attribute in attributes.iter().filter(|it| it.path().is_ident("serde")) {
        // Other arguments, without a value or with one in parentheses, are ignored.
        attribute
            .parse_nested_meta(|meta| {
                if let Ok(value) = meta.value() {
                    let value: syn::Expr = value.parse()?;
                    if meta.path.is_ident("rename")
                        && let syn::Expr::Lit(syn::ExprLit {
                            lit: syn::Lit::Str(text),
                            ..
                        }) = value
                    {
                        name = Some(text.value());
                    }
                }
                Ok(())
            })
            .ok();
    }
    name
}

fn is_number(of: &syn::Type) -> bool {
    const NUMBERS: [&str; 10] = [
        "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f32", "f64",
    ];
    matches!(of, syn::Type::Path(path) if NUMBERS.iter().any(|name| path.path.is_ident(name)))
}

fn entrance(name: &syn::Ident) -> syn::Item {
    let docs = format!(" Returns a builder of [`{name}`].");
    syn::parse_quote! {
        impl #name {
            #[doc = #docs]
            pub fn builder() -> builder::#name {
                Default::default()
            }
        }
    }
}

fn builder(name: &syn::Ident, fields: &[Field]) -> [syn::Item; 3] {
    let subject = name.to_string();
    let docs = format!(" Builds a [`{name}`](super::{name}).");
    let names: Vec<_> = fields.iter().map(|field| &field.name).collect();
    let values = fields.iter().map(|field| in_builder(&field.value));
    let setters = fields.iter().map(|field| {
        let Field {
            name,
            wire_name,
            docs,
            ..
        } = field;
        let value = in_builder(&field.value);
        match field.required {
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
    });
    let required: Vec<_> = fields.iter().filter(|field| field.required).collect();
    let required_names: Vec<_> = required.iter().map(|field| &field.name).collect();
    let required_wire_names = required.iter().map(|field| &field.wire_name);
    let problems = match required.is_empty() {
        true => quote!(problems),
        false => quote!(mut problems),
    };
    [
        syn::parse_quote! {
            #[doc = #docs]
            #[derive(Clone, Debug, Default)]
            #[must_use = "a builder does nothing until `build`"]
            pub struct #name {
                #(#names: Option<#values>,)*
                problems: Problems,
            }
        },
        syn::parse_quote! {
            impl #name {
                #(#setters)*

                /// Builds the value.
                ///
                /// # Errors
                /// When a field is missing or invalid; the error names all such fields.
                pub fn build(self) -> Result<super::#name, RequestError> {
                    let Self { #(#names,)* #problems } = self;
                    #(problems.require(#required_wire_names, &#required_names);)*
                    match (#(#required_names,)*) {
                        (#(Some(#required_names),)*) if problems.is_empty() => Ok(super::#name { #(#names,)* }),
                        _ => Err(problems.of(#subject)),
                    }
                }
            }
        },
        syn::parse_quote! {
            impl TryFrom<#name> for super::#name {
                type Error = RequestError;

                fn try_from(builder: #name) -> Result<Self, RequestError> {
                    builder.build()
                }
            }
        },
    ]
}

/// The type as written inside the module `builder`.
fn in_builder(of: &syn::Type) -> syn::Type {
    struct Outside;
    impl syn::visit_mut::VisitMut for Outside {
        fn visit_path_mut(&mut self, path: &mut syn::Path) {
            const BUILT_IN: [&str; 16] = [
                "bool", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f32", "f64", "char",
                "Box", "Option", "String", "Vec",
            ];
            syn::visit_mut::visit_path_mut(self, path);
            let is_own = path.leading_colon.is_none()
                && path.segments.len() == 1
                && !BUILT_IN.iter().any(|name| path.segments[0].ident == name);
            if is_own {
                path.segments.insert(0, syn::parse_quote!(super));
            }
        }
    }
    let mut of = of.clone();
    syn::visit_mut::VisitMut::visit_type_mut(&mut Outside, &mut of);
    of
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "
openapi: 3.0.3
info: {title: Small, version: '1'}
paths:
  /v1/things:
    post:
      tags: [Things]
      operationId: createThing
      summary: Create a thing
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: '#/components/schemas/ThingReq'}}}
      responses:
        '200': {description: d, content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}}
components:
  schemas:
    Kind: {type: string, description: A kind., x-extensible-enum: [BIG, SMALL]}
    ThingReq:
      type: object
      description: A thing to make.
      required: [name, type]
      properties:
        name: {type: string, description: Its name., maxLength: 8}
        type: {$ref: '#/components/schemas/Kind'}
        size: {type: integer, format: int32}
        inner: {$ref: '#/components/schemas/ThingReq'}
    Thing:
      type: object
      description: A thing.
      properties:
        name: {type: string}
        size: {type: number, format: double}
        parts: {type: array, items: {$ref: '#/components/schemas/Thing'}}
";

    fn code() -> String {
        let document = Document::parse("small", "openapi/small.yaml", DOCUMENT).unwrap();
        crate::generate::client(&document).unwrap()
    }

    #[test]
    fn requests_have_builders_and_responses_have_none() {
        let code = code();
        for expected in [
            "impl ThingReq { # [doc = \" Returns a builder of [`ThingReq`].\"] pub fn builder ()",
            "self . type_ = self . problems . required (\"type\" , value)",
            "problems . require (\"name\" , & name) ; problems . require (\"type\" , & type_)",
            "problems . of (\"ThingReq\")",
        ] {
            assert!(code.contains(expected), "{expected} is not in\n{code}");
        }
        assert!(!code.contains("impl Thing {"), "{code}");
    }

    #[test]
    fn fields_and_setters_have_the_texts_of_the_document() {
        let code = code();
        let name = "# [doc = \" Its name.\"]";
        assert_eq!(code.matches(name).count(), 2, "{code}");
        let kind =
            "# [doc = \" A kind.\"] # [doc = \"\"] # [doc = \" Known values: `BIG`, `SMALL`.\"]";
        assert_eq!(code.matches(kind).count(), 2, "{code}");
    }

    #[test]
    fn numbers_are_read_in_every_form_and_may_be_left_out() {
        let code = code();
        let lenient = "default , deserialize_with = \"crate::number::optional\")]";
        assert_eq!(code.matches(lenient).count(), 2, "{code}");
    }

    #[test]
    fn a_type_may_contain_itself() {
        let code = code();
        assert!(
            code.contains("inner : Option < Box < super :: ThingReq > >"),
            "{code}"
        );
    }

    /// Public types of a file that users can create with a literal or match exhaustively.
    fn literal_types(items: &[syn::Item]) -> Vec<String> {
        let public =
            |visibility: &syn::Visibility| matches!(visibility, syn::Visibility::Public(_));
        let may_grow = |attributes: &[syn::Attribute]| {
            let mut attributes = attributes.iter();
            attributes.any(|attribute| attribute.path().is_ident("non_exhaustive"))
        };
        let mut found = Vec::new();
        for item in items {
            match item {
                syn::Item::Struct(item)
                    if public(&item.vis)
                        && !item.fields.is_empty()
                        && item.fields.iter().all(|field| public(&field.vis))
                        && !may_grow(&item.attrs) =>
                {
                    found.push(item.ident.to_string());
                }
                syn::Item::Enum(item)
                    if public(&item.vis) && !item.variants.is_empty() && !may_grow(&item.attrs) =>
                {
                    found.push(item.ident.to_string());
                }
                syn::Item::Mod(module) => {
                    let items = module.content.as_ref().map(|(_, items)| &items[..]);
                    found.extend(literal_types(items.unwrap_or_default()));
                }
                _ => {}
            }
        }
        found
    }

    #[test]
    fn every_public_type_of_the_client_may_grow() {
        let root = crate::workspace::root();
        let mut types = 0;
        for file in crate::tidy::files(&root).unwrap() {
            if !file.starts_with("crates/modelarts-client/src")
                || file.extension().is_none_or(|it| it != "rs")
            {
                continue;
            }
            let text = std::fs::read_to_string(root.join(&file)).unwrap();
            types += text.matches("#[non_exhaustive]").count();
            let items = syn::parse_file(&text).unwrap().items;
            assert_eq!(literal_types(&items), [""; 0], "{}", file.display());
        }
        assert!(types > 100, "{types}");
    }

    #[test]
    fn types_of_a_document_may_grow() {
        let code = code();
        for name in ["ThingReq", "Thing"] {
            let expected = format!("# [non_exhaustive] pub struct {name} {{");
            assert!(code.contains(&expected), "{expected} is not in\n{code}");
        }
        let types = syn::parse_file(&code).unwrap();
        assert_eq!(literal_types(&types.items), [""; 0]);
        let closed =
            syn::parse_file("pub struct Open { pub a: u8 } pub enum Closed { A }").unwrap();
        assert_eq!(literal_types(&closed.items), ["Open", "Closed"]);
    }
}
