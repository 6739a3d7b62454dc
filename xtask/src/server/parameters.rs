//! Generates the struct of an operation's query or header parameters.

use anyhow::{Context, Result, bail};
use heck::{ToShoutySnakeCase as _, ToSnakeCase as _, ToUpperCamelCase as _};
use modelarts_document::{Location, Parameter, Schema, SchemaType};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::Value;

use crate::document::Operation;
use crate::emit::doc_lines;
use crate::enums;
use crate::texts;

/// A struct with all parameters of one location.
pub(super) struct Parameters {
    pub(super) name: syn::Ident,
    location: Location,
    operation: String,
    fields: Vec<Field>,
}

struct Field {
    name: syn::Ident,
    /// The name on the wire, and other names of the same parameter.
    wire_names: Vec<String>,
    value: TokenStream,
    required: bool,
    /// Type and value of the default.
    default: Option<(TokenStream, TokenStream)>,
    docs: String,
}

impl Parameters {
    /// Returns `None` if the operation has no parameter in this location.
    pub(super) fn new(operation: Operation<'_>, location: Location) -> Result<Option<Self>> {
        let fields = operation.parameters_in(location).map(|parameter| {
            Field::new(parameter).with_context(|| format!("the parameter `{}`", parameter.name()))
        });
        let fields: Vec<Field> = fields.collect::<Result<_>>()?;
        let end = match location {
            Location::Header => "Headers",
            _ => "Query",
        };
        let name = format_ident!("{}{end}", operation.id().to_upper_camel_case());
        Ok((!fields.is_empty()).then(|| Self {
            name,
            location,
            operation: operation.id().to_owned(),
            fields,
        }))
    }

    fn says_the_same(&self, other: &Self) -> bool {
        let facts = |field: &Field| {
            let default = field.default.as_ref();
            let default = default.map(|(kind, value)| (kind.to_string(), value.to_string()));
            (
                field.wire_names.clone(),
                field.value.to_string(),
                field.required,
                default,
            )
        };
        self.location == other.location
            && self
                .fields
                .iter()
                .map(facts)
                .eq(other.fields.iter().map(facts))
    }

    /// The struct, or an alias for an earlier one with the same fields.
    pub(super) fn items(&self, earlier: &[&Self]) -> TokenStream {
        let Self {
            name, operation, ..
        } = self;
        let place = match self.location {
            Location::Header => "headers",
            _ => "query",
        };
        let docs = doc_lines(&format!("The {place} of `{operation}`."));
        if let Some(other) = earlier.iter().find(|other| self.says_the_same(other)) {
            let docs = doc_lines(&format!(
                "The {place} of `{operation}`, the same as for `{}`.",
                other.operation
            ));
            let other = &other.name;
            return quote! {
                #(#docs)*
                pub(crate) type #name = #other;
            };
        }
        let fields = self.fields.iter().map(|field| {
            let Field { name, value, .. } = field;
            let docs = doc_lines(&field.docs);
            match field.required {
                true => quote!(#(#docs)* pub(crate) #name: #value),
                false => quote!(#(#docs)* pub(crate) #name: Option<#value>),
            }
        });
        let read = self.fields.iter().map(|field| {
            let Field {
                name, wire_names, ..
            } = field;
            let first = wire_names.first();
            let read = match self.location {
                Location::Header => quote!(request.header(#first)?),
                _ => quote!(request.query(&[#(#wire_names),*])?),
            };
            match field.required {
                true => {
                    let place = format!(" in the {place}");
                    quote!(#name: #read.ok_or_else(|| ApiError::required(#first, #place))?)
                }
                false => quote!(#name: #read),
            }
        });
        let defaults = self.fields.iter().filter_map(|field| {
            let (kind, value) = field.default.as_ref()?;
            let wire_name = field.wire_names.first()?;
            let constant = format_ident!("DEFAULT_{}", wire_name.to_shouty_snake_case());
            let docs = doc_lines(&format!(
                "Default of `{wire_name}` if the request omits it."
            ));
            Some(quote!(#(#docs)* pub(crate) const #constant: #kind = #value;))
        });
        quote! {
            #(#docs)*
            #[derive(Clone, Debug)]
            pub(crate) struct #name {
                #(#fields,)*
            }

            impl #name {
                #(#defaults)*

                fn read(request: &http::AcceptedRequest) -> Result<Self, ApiError> {
                    Ok(Self { #(#read,)* })
                }
            }
        }
    }
}

impl Field {
    fn new(parameter: Parameter<'_>) -> Result<Self> {
        let schema = parameter.schema();
        let names = [parameter.name()]
            .into_iter()
            .chain(parameter.other_names());
        let value = of_text(schema)?;
        let default = parameter.default_value();
        Ok(Self {
            name: identifier(parameter.name())?,
            wire_names: names.map(str::to_owned).collect(),
            default: default
                .map(|default| constant(schema, &value, default))
                .transpose()?,
            value,
            required: parameter.is_required(),
            docs: texts::of_schema(parameter.description(), schema),
        })
    }
}

/// The Rust type of a parameter, which is text on the wire.
pub(super) fn of_text(schema: Schema<'_>) -> Result<TokenStream> {
    if let Some(name) = closed(schema) {
        return Ok(quote!(types::#name));
    }
    Ok(match (schema.schema_type(), schema.name()) {
        (SchemaType::String, Some(name)) if !schema.known_values().is_empty() => {
            let name = format_ident!("Open{name}");
            quote!(enums::#name)
        }
        (SchemaType::String, _) => quote!(String),
        (SchemaType::Integer, _) if schema.format() == "int32" => quote!(i32),
        (SchemaType::Integer, _) => quote!(i64),
        (SchemaType::Number, _) => quote!(f64),
        (SchemaType::Boolean, _) => quote!(bool),
        (other, _) => bail!(
            "parameters must be strings, numbers, booleans or enumerations; this one has the type {other:?}"
        ),
    })
}

/// The type of a closed enumeration, which must be parsed from text.
pub(super) fn closed(schema: Schema<'_>) -> Option<syn::Ident> {
    let is_text = schema.schema_type() == SchemaType::String;
    let name = schema
        .name()
        .filter(|_| is_text && !schema.enum_values().is_empty())?;
    Some(format_ident!("{}", name.to_upper_camel_case()))
}

/// The constant of a default.
fn constant(
    schema: Schema<'_>,
    value: &TokenStream,
    default: &Value,
) -> Result<(TokenStream, TokenStream)> {
    let known = schema.known_values();
    Ok(match (schema.schema_type(), default) {
        (SchemaType::String, Value::String(text)) if !known.is_empty() => {
            let index = known.iter().position(|known| known == default);
            let index = index.with_context(|| format!("`{text}` is not a known value"))?;
            let values = enums::texts(schema.value(), "x-extensible-enum");
            let name = format_ident!("{}", schema.name().context("an enumeration has no name")?);
            let variant = format_ident!("{}", enums::variant(schema.value(), &values, index));
            (quote!(enums::#name), quote!(enums::#name::#variant))
        }
        (SchemaType::String, Value::String(text)) => (quote!(&'static str), quote!(#text)),
        (SchemaType::Integer, Value::Number(number)) => {
            let number: TokenStream = number.to_string().parse().map_err(lexed)?;
            (value.clone(), number)
        }
        (SchemaType::Boolean, Value::Bool(truth)) => (value.clone(), quote!(#truth)),
        _ => bail!("its default {default} does not match its type"),
    })
}

fn lexed(error: proc_macro2::LexError) -> anyhow::Error {
    anyhow::anyhow!("{error}")
}

/// The Rust identifier for a name on the wire.
pub(super) fn identifier(name: &str) -> Result<syn::Ident> {
    let plain = name.to_snake_case();
    // Names of other arguments; keywords do not parse.
    let taken = ["cx", "query", "headers", "body"].contains(&plain.as_str());
    let found = syn::parse_str(&plain).ok().filter(|_| !taken);
    match found {
        Some(found) => Ok(found),
        None => syn::parse_str(&format!("{plain}_"))
            .with_context(|| format!("`{name}` is not usable as an argument name")),
    }
}
