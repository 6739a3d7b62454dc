//! Generates the facade's list builders: one per operation with `x-pagination`, with a setter for each filter.

use anyhow::{Context, Result, bail};
use heck::{ToSnakeCase as _, ToUpperCamelCase as _};
use modelarts_document::{Location, Pagination, PaginationStyle, Schema, SchemaType};
use quote::ToTokens as _;
use syn::visit_mut::VisitMut;

use crate::document::{Document, Operation, text};
use crate::emit::doc;
use crate::workspace::Service;

/// The path parameter that the client fills in.
const PROJECT: &str = "project_id";

/// Generates the module `lists` of a family; empty if no operation has pages. The types of the filters are those of
/// the setters in `client`, the generated client.
pub(crate) fn module(document: &Document, service: Service, client: &str) -> Result<String> {
    let file = syn::parse_file(client).context("the generated client does not parse")?;
    let mut lists = String::new();
    for operation in document.operations() {
        let Some(pagination) = Pagination::read(&operation) else {
            continue;
        };
        let id = operation.id();
        let pagination = pagination.map_err(|error| anyhow::anyhow!("{id}: {error}"))?;
        let list = ListBuilder::new(document, service, operation, pagination, &file);
        lists += &list
            .and_then(|list| list.code())
            .with_context(|| format!("the list of {id}"))?;
    }
    if lists.is_empty() {
        return Ok(String::new());
    }
    let docs =
        doc("List builders: set filters, then get the items, the pages or the complete list.");
    Ok(format!(
        "{docs}
        pub mod lists {{
            use modelarts_client::IntoOptional;

            #[allow(unused_imports)]
            use super::{{enums, types}};
            use crate::client::ModelArts;
            use crate::error::Result;
            use crate::pages::{{List, ListQuery, Position, Style, list_methods}};

            {lists}
        }}
        "
    ))
}

/// A setter of the operation's generated builder.
struct Setter {
    name: String,
    /// The name of the parameter in the document.
    wire_name: String,
    /// The type of the value.
    value: String,
    required: bool,
    docs: String,
}

impl Setter {
    /// The code that copies the value of a borrowed field.
    fn copy(&self) -> &'static str {
        match self.value.as_str() {
            "bool" | "i32" | "i64" | "f32" | "f64" => "",
            _ => ".clone()",
        }
    }
}

struct ListBuilder<'a> {
    document: &'a Document,
    service: Service,
    operation: Operation<'a>,
    pagination: Pagination<'a>,
    /// The path parameters without the project.
    path: Vec<Setter>,
    has_project: bool,
    filters: Vec<Setter>,
    limit: Setter,
    position: Setter,
}

impl<'a> ListBuilder<'a> {
    fn new(
        document: &'a Document,
        service: Service,
        operation: Operation<'a>,
        pagination: Pagination<'a>,
        client: &syn::File,
    ) -> Result<Self> {
        let methods = methods(client, &operation.id().to_upper_camel_case())
            .context("the generated client has no builder for it")?;
        let (mut path, mut filters) = (Vec::new(), Vec::new());
        let (mut limit, mut position, mut has_project) = (None, None, false);
        for parameter in operation.parameters() {
            let name = parameter.name();
            if name == PROJECT {
                has_project = true;
                continue;
            }
            let setter = methods.iter().find_map(|method| setter(method, name));
            let setter = setter.with_context(|| format!("`{name}` has no setter"))?;
            match parameter.location() {
                Location::Path => path.push(setter),
                Location::Query if name == pagination.limit => limit = Some(setter),
                Location::Query if name == pagination.position => position = Some(setter),
                _ => filters.push(setter),
            }
        }
        Ok(Self {
            document,
            service,
            operation,
            pagination,
            path,
            has_project,
            filters,
            limit: limit.context("its limit has no setter")?,
            position: position.context("its position has no setter")?,
        })
    }

    fn name(&self) -> String {
        self.operation.id().to_upper_camel_case()
    }

    fn page(&self) -> Result<String> {
        type_name(self.pagination.page).context("the schema of a page has no name")
    }

    fn item(&self) -> Result<String> {
        let item = self
            .pagination
            .item()
            .context("the schema of a page has no records")?;
        match type_name(item) {
            Some(name) => Ok(name),
            None if item.schema_type() == SchemaType::String => Ok("String".to_owned()),
            None => bail!("its records must be strings or objects with a named schema"),
        }
    }

    fn code(&self) -> Result<String> {
        let (name, page, item) = (self.name(), self.page()?, self.item()?);
        let size = self.pagination.size;
        Ok(format!(
            "{declaration}
            impl {name} {{ {new} {setters} }}
            {list}
            list_methods!({name}, {page}, {item}, {size});
            ",
            declaration = self.declaration(),
            new = self.new_function(),
            setters = self.setters(),
            list = self.list(&page, &item)?,
        ))
    }

    fn declaration(&self) -> String {
        let name = self.name();
        let docs = doc(&format!(
            "{summary}. Calls `{id}` page by page.\n\n{description}",
            summary = text(self.operation.value, "summary").trim_end_matches('.'),
            id = self.operation.id(),
            description = text(self.operation.value, "description").trim(),
        ));
        let path = self.path.iter().map(|it| format!("{}: String,", it.name));
        let filters = self.filters.iter();
        let filters = filters.map(|it| format!("{}: Option<{}>,", it.name, it.value));
        let fields: String = path.chain(filters).collect();
        format!(
            "{docs}
            #[derive(Clone, Debug)]
            #[must_use = \"a list does nothing until it is sent or streamed\"]
            pub struct {name} {{ query: ListQuery, {fields} }}
            "
        )
    }

    fn new_function(&self) -> String {
        let parameters = self.path.iter();
        let parameters: String = parameters
            .map(|it| format!(", {}: impl Into<String>", it.name))
            .collect();
        let path = self
            .path
            .iter()
            .map(|it| format!("{0}: {0}.into(),", it.name));
        let filters = self.filters.iter().map(|it| format!("{}: None,", it.name));
        let fields: String = path.chain(filters).collect();
        let docs = doc("Creates a list without filters.");
        format!(
            "{docs}
            pub fn new(client: &ModelArts{parameters}) -> Self {{
                Self {{ query: ListQuery::new(client, {size}), {fields} }}
            }}
            ",
            size = self.pagination.size,
        )
    }

    fn setters(&self) -> String {
        let filters = self.filters.iter().map(|setter| {
            let Setter {
                name,
                wire_name,
                required,
                ..
            } = setter;
            let method = if *required { "required" } else { "optional" };
            let body = format!("self.{name} = self.query.{method}({wire_name:?}, value);");
            setter.method(&setter.docs, &body)
        });
        let filters: String = filters.collect();
        let position = &self.position;
        let docs = format!(
            "{}\n\nSets the position at which the list starts.",
            position.docs
        );
        let body = format!(
            "let start = self.query.optional::<{}, _, _>({:?}, value);
            self.query.set_start(start.map(Position::from));",
            position.value, position.wire_name,
        );
        filters + &position.method(&docs, &body)
    }

    fn list(&self, page: &str, item: &str) -> Result<String> {
        let name = self.name();
        let family = &self.document.name;
        let id = self.operation.id();
        let operation = id.to_snake_case();
        let mark = match self.service {
            Service::ModelArts => "",
            Service::Identity => "?",
        };
        let (style, kind) = match self.pagination.style {
            PaginationStyle::Offset => ("Style::Offset".to_owned(), "number"),
            PaginationStyle::Page(first) => (format!("Style::Page({first})"), "number"),
            PaginationStyle::Token => ("Style::Token".to_owned(), "token"),
        };
        let project = match self.has_project {
            true => ".project_id(client.project_id())",
            false => "",
        };
        let path = self
            .path
            .iter()
            .map(|it| format!(".{0}(self.{0}.as_str())", it.name));
        let optional = self.filters.iter().filter(|it| !it.required);
        let optional = optional.map(|it| format!(".{0}(self.{0}{1})", it.name, it.copy()));
        let values: String = path.chain(optional).collect();
        let required: Vec<_> = self.filters.iter().filter(|it| it.required).collect();
        let binding = if required.is_empty() {
            "let request"
        } else {
            "let mut request"
        };
        let required = required.iter().map(|it| {
            let value = match it.copy() {
                "" => "*value",
                _ => "value.clone()",
            };
            format!(
                "if let Some(value) = &self.{0} {{ request = request.{0}({value}); }}\n",
                it.name
            )
        });
        let required: String = required.collect();
        let fields: Vec<String> = self.pagination.items.iter().map(|it| field(it)).collect();
        let (first, others) = fields.split_first().context("`items` is empty")?;
        let or = |call: &str| -> String {
            let others = others.iter();
            others.map(|it| format!(".or(page.{it}{call})")).collect()
        };
        Ok(format!(
            "impl List for {name} {{
                type Page = {page};
                type Item = {item};

                const STYLE: Style = {style};
                const ITEMS: &'static [&'static str] = &{items:?};

                async fn fetch(&self, position: Option<Position>) -> Result<{page}> {{
                    let client = self.query.client({id:?})?;
                    let api = client.{family}(){mark};
                    {binding} = api.{operation}(){project}
                        .{limit}(self.query.page_size())
                        .{position}(Position::{kind}(position)){values};
                    {required}
                    Ok(request.send().await?.into_inner())
                }}

                fn items(page: &{page}) -> Option<&[{item}]> {{
                    page.{first}.as_deref(){or_items}
                }}

                fn take_items(page: &mut {page}) -> Vec<{item}> {{
                    page.{first}.take(){or_taken}.unwrap_or_default()
                }}

                fn set_items(page: &mut {page}, items: Vec<{item}>) {{
                    page.{first} = Some(items);
                }}

                {total}
                {next}
                {key}
            }}
            ",
            items = self.pagination.items,
            limit = self.limit.name,
            position = self.position.name,
            or_items = or(".as_deref()"),
            or_taken = or(".take()"),
            total = self.total(page)?,
            next = match self.pagination.next {
                Some(next) => format!(
                    "fn next(page: &{page}) -> Option<&str> {{ page.{}.as_deref() }}",
                    field(next)
                ),
                None => format!("fn next(_: &{page}) -> Option<&str> {{ None }}"),
            },
            key = self.key(item),
        ))
    }

    fn total(&self, page: &str) -> Result<String> {
        let Some(total) = self.pagination.total else {
            return Ok(format!("fn total(_: &{page}) -> Option<i64> {{ None }}"));
        };
        let schema = self
            .pagination
            .page
            .property(total)
            .context("the page has no property of the name in `total`")?;
        let conversion = match schema.format() {
            "int64" => "",
            _ => ".map(i64::from)",
        };
        Ok(format!(
            "fn total(page: &{page}) -> Option<i64> {{ page.{}{conversion} }}",
            field(total)
        ))
    }

    /// The function that identifies a record: by itself if it is a string, otherwise by its `id` if it has one.
    fn key(&self, item: &str) -> String {
        let id = self.pagination.item().and_then(|item| item.property("id"));
        let has_id = id.is_some_and(|id| id.schema_type() == SchemaType::String);
        match (item, has_id) {
            ("String", _) => "fn id(item: &String) -> Option<&str> { Some(item) }".to_owned(),
            (item, true) => {
                format!("fn id(item: &{item}) -> Option<&str> {{ item.id.as_deref() }}")
            }
            (item, false) => format!("fn id(_: &{item}) -> Option<&str> {{ None }}"),
        }
    }
}

impl Setter {
    /// A method with the same signature and another body.
    fn method(&self, docs: &str, body: &str) -> String {
        let Self {
            name,
            value,
            required,
            ..
        } = self;
        let docs = doc(docs);
        let (generics, bound) = match required {
            true => ("", format!("TryInto<{value}, Error: std::fmt::Display>")),
            false => ("<M>", format!("IntoOptional<{value}, M>")),
        };
        format!(
            "{docs}
            pub fn {name}{generics}(mut self, value: impl {bound}) -> Self {{
                {body}
                self
            }}
            "
        )
    }
}

/// The Rust type of a named schema, as seen from the module `lists`.
fn type_name(schema: Schema<'_>) -> Option<String> {
    Some(format!("types::{}", schema.name()?.to_upper_camel_case()))
}

/// The Rust field name of a property.
fn field(property: &str) -> String {
    let name = property.to_snake_case();
    match syn::parse_str::<syn::Ident>(&name) {
        Ok(_) => name,
        Err(_) => name + "_",
    }
}

/// The methods of one builder in the generated client.
fn methods<'a>(client: &'a syn::File, builder: &str) -> Option<Vec<&'a syn::ImplItemFn>> {
    let module = client.items.iter().find_map(|item| match item {
        syn::Item::Mod(module) if module.ident == "builder" => module.content.as_ref(),
        _ => None,
    });
    let (_, items) = module?;
    let methods = items.iter().find_map(|item| match item {
        syn::Item::Impl(item) => match &*item.self_ty {
            syn::Type::Path(path) if path.path.segments.last()?.ident == builder => {
                Some(&item.items)
            }
            _ => None,
        },
        _ => None,
    });
    let methods = methods?.iter().filter_map(|item| match item {
        syn::ImplItem::Fn(method) => Some(method),
        _ => None,
    });
    Some(methods.collect())
}

/// The setter of a parameter, if this method is the setter.
fn setter(method: &syn::ImplItemFn, wire_name: &str) -> Option<Setter> {
    let name = method.sig.ident.to_string();
    if name.trim_end_matches('_') != wire_name.to_snake_case() || method.sig.inputs.len() != 2 {
        return None;
    }
    let syn::FnArg::Typed(argument) = method.sig.inputs.last()? else {
        return None;
    };
    let syn::Type::ImplTrait(bounds) = &*argument.ty else {
        return None;
    };
    let syn::TypeParamBound::Trait(bound) = bounds.bounds.first()? else {
        return None;
    };
    let bound = bound.path.segments.last()?;
    let required = bound.ident == "TryInto";
    let syn::PathArguments::AngleBracketed(arguments) = &bound.arguments else {
        return None;
    };
    let syn::GenericArgument::Type(value) = arguments.args.first()? else {
        return None;
    };
    let mut value = value.clone();
    Elsewhere.visit_type_mut(&mut value);
    let docs = method.attrs.iter().filter_map(|attribute| {
        let syn::Meta::NameValue(pair) = &attribute.meta else {
            return None;
        };
        match &pair.value {
            syn::Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Str(text),
                ..
            }) => Some(text.value()),
            _ => None,
        }
    });
    let docs: Vec<String> = docs.collect();
    let lines = docs.iter().flat_map(|text| text.split('\n'));
    let lines = lines.map(|line| line.strip_prefix(' ').unwrap_or(line));
    Some(Setter {
        name,
        wire_name: wire_name.to_owned(),
        value: value.to_token_stream().to_string(),
        required,
        docs: lines.collect::<Vec<_>>().join("\n"),
    })
}

/// `crate::devenviron::enums::…` → `enums::…`
struct Elsewhere;

impl VisitMut for Elsewhere {
    fn visit_path_mut(&mut self, path: &mut syn::Path) {
        syn::visit_mut::visit_path_mut(self, path);
        let names: Vec<String> = path
            .segments
            .iter()
            .map(|it| it.ident.to_string())
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        match names.as_slice() {
            ["crate", _, "enums" | "types", ..] => {
                path.segments = path.segments.iter().skip(2).cloned().collect();
            }
            ["crate", ..] => path.segments[0].ident = syn::parse_quote!(modelarts_client),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tests::GOOD;
    use crate::emit::rust;

    /// The list builders of the small document after a change.
    fn code(changes: &[(&str, &str)], service: Service) -> String {
        let mut text = GOOD.to_owned();
        for (from, to) in changes {
            assert!(text.contains(from), "{from}");
            text = text.replacen(from, to, 1);
        }
        let document = Document::parse("small", "openapi/small.yaml", &text).unwrap();
        let document = document.changed(crate::words::in_words).unwrap();
        let client = rust("", &crate::generate::client(&document).unwrap()).unwrap();
        let code = module(&document, service, &client).unwrap();
        rust("openapi/small.yaml", &code).unwrap()
    }

    fn holds(code: &str, expected: &[&str]) {
        for expected in expected {
            assert!(code.contains(expected), "{expected} is not in\n{code}");
        }
    }

    #[test]
    fn a_list_has_a_documented_setter_for_every_filter() {
        let filter = "- {name: kind, in: query, description: The kind., schema: {$ref: '#/components/schemas/Kind'}}";
        let position = "- {name: limit, in: query,";
        let change = format!("{filter}\n        {position}");
        let code = code(&[(position, &change)], Service::ModelArts);
        holds(
            &code,
            &[
                "/// List things. Calls `listThings` page by page.",
                "/// The kind.\n        ///\n        /// Known values: `BIG`, `SMALL`.\n        pub fn kind<M>(mut self, value: impl IntoOptional<enums::OpenKind, M>) -> Self {",
                "/// The last thing.\n        pub fn after<M>(",
                "/// Things to skip.\n        ///\n        /// Sets the position at which the list starts.\n        pub fn offset<M>(",
                "const STYLE: Style = Style::Offset;",
                "const ITEMS: &'static [&'static str] = &[\"things\"];",
                ".limit(self.query.page_size())",
                ".offset(Position::number(position))",
                ".kind(self.kind.clone())",
                "page.total.map(i64::from)",
                "list_methods!(ListThings, types::ThingList, types::Thing, 50);",
            ],
        );
        assert!(!code.contains("pub fn limit"), "{code}");
        // A thing has no ID.
        holds(&code, &["fn id(_: &types::Thing) -> Option<&str> {"]);
    }

    #[test]
    fn other_styles_have_their_own_position() {
        let offset =
            "{style: offset, limit: limit, offset: offset, items: things, total: total, size: 50}";
        let page = "{style: page, first: 1, limit: limit, offset: offset, items: things}";
        let token = "{style: token, limit: limit, token: after, next: next, items: things}";
        let next = (
            "        total: {type: integer,",
            "        next: {type: string, description: For the next page.}\n        total: {type: integer,",
        );
        let page = code(&[(offset, page)], Service::ModelArts);
        holds(
            &page,
            &[
                "Style::Page(1)",
                "fn total(_: &types::ThingList)",
                "ListQuery::new(client, 100)",
            ],
        );
        let token = code(&[(offset, token), next], Service::Identity);
        holds(
            &token,
            &[
                "Style::Token",
                ".after(Position::token(position))",
                "page.next.as_deref()",
                "client.small()?",
                ".offset(self.offset)",
            ],
        );
    }

    #[test]
    fn parameters_of_the_path_come_first() {
        let path = (
            "  /things:\n    get:",
            "  /{project_id}/boxes/{box_id}/things:\n    parameters:\n      \
             - {name: project_id, in: path, required: true, description: Which., schema: {type: string}}\n      \
             - {name: box_id, in: path, required: true, description: Which box., schema: {type: string}}\n    get:",
        );
        let required = (
            "- {name: after, in: query,",
            "- {name: after, in: query, required: true,",
        );
        let code = code(&[path, required], Service::ModelArts);
        holds(
            &code,
            &[
                "pub fn new(client: &ModelArts, box_id: impl Into<String>) -> Self {",
                ".project_id(client.project_id())",
                ".box_id(self.box_id.as_str())",
                "impl TryInto<String, Error: std::fmt::Display>,",
                "request = request.after(value.clone());",
            ],
        );
    }

    #[test]
    fn a_document_without_lists_has_no_module() {
        let text = GOOD.replace("      x-pagination:", "      x-nothing:");
        let document = Document::parse("small", "openapi/small.yaml", &text).unwrap();
        let client = rust("", &crate::generate::client(&document).unwrap()).unwrap();
        assert_eq!(module(&document, Service::ModelArts, &client).unwrap(), "");
    }
}
