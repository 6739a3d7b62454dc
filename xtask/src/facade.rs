//! Generates the facade's module of each family.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use heck::ToSnakeCase as _;
use modelarts_document::Location;
use serde_json::Value;

use crate::document::{Document, text};
use crate::emit::{doc, rust};
use crate::lists;
use crate::workspace::{Family, Service};

/// Folder of the facade's generated code, from the root of the checkout.
pub(crate) const CODE: &str = "crates/modelarts/src/generated";

/// Generates a module per family and the module that declares them, by their path from the root of the checkout.
///
/// `client` returns the generated client of a family.
pub(crate) fn files(
    documents: &[Document],
    families: &[Family],
    client: impl Fn(&str) -> String,
) -> Result<BTreeMap<PathBuf, String>> {
    let code = Path::new(CODE);
    let mut files = BTreeMap::new();
    let mut modules = String::new();
    for document in documents {
        let name = &document.name;
        modules += &format!("#[cfg(feature = {name:?})]\npub mod {name};\n");
        let family = families.iter().find(|family| family.name == *name);
        let service = family.map_or(Service::default(), |family| family.service);
        let module = module(document, service) + &lists::module(document, service, &client(name))?;
        let text = rust(&document.file, &module)?;
        files.insert(code.join(format!("{name}.rs")), text);
    }
    let text = rust("the list of documents", &modules)?;
    files.insert(code.join("mod.rs"), text);
    Ok(files)
}

/// A family's module: re-exports, and the method that returns the generated client with the facade as transport.
fn module(document: &Document, service: Service) -> String {
    let name = &document.name;
    let info = document.value().get("info").unwrap_or(&Value::Null);
    let title = text(info, "title");
    let version = text(info, "version");
    let (result, body, errors, mark) = match service {
        Service::ModelArts => (
            "Client<Self>",
            "Client::new_with_client(self.endpoint(), self.http()).with_transport(self.clone())",
            "",
            "",
        ),
        Service::Identity => (
            "crate::Result<Client<Self>>",
            "let address = self.identity_endpoint()?;
            Ok(Client::new_with_client(address, self.http()).with_transport(self.clone()))",
            "\n\n# Errors\nWhen the address of the identity service is unknown.",
            "?",
        ),
    };
    let example = example(document).map_or_else(String::new, |call| {
        format!(
            "\n\n```no_run\n# async fn run(client: modelarts::ModelArts) -> modelarts::Result<()> {{\n\
             let response = client.{name}(){mark}.{call}.send().await?;\n\
             # let _ = response;\n# Ok(())\n# }}\n```"
        )
    });
    let docs = doc(&format!(
        "Returns the generated client of the family [`{name}`](crate::{name}), with every operation and all its \
         parameters.\n\n\
         Its requests pass through the same pipeline as every call: credentials, retries, time limits, \
         errors.{example}{errors}"
    ));
    format!(
        "//! {title}, version {version}: types, enumerations and the generated client.
        //!
        //! [`ModelArts::{name}`](crate::ModelArts::{name}) sends requests of this family.

        pub use modelarts_client::{name}::{{Client, OPERATIONS, builder, enums, types}};

        impl crate::ModelArts {{
            {docs}
            pub fn {name}(&self) -> {result} {{
                {body}
            }}
        }}

        {conversion_docs}
        impl From<types::error::ConversionError> for crate::Error {{
            fn from(error: types::error::ConversionError) -> Self {{
                Self::argument(error.to_string())
            }}
        }}
        ",
        conversion_docs =
            doc("Converts the error for a string that is not a value of a closed enumeration."),
    )
}

/// An operation without required parameters other than the project, for the example.
fn example(document: &Document) -> Option<String> {
    let project = "project_id";
    let operation = document.operations().find(|operation| {
        let mut parameters = operation.parameters().into_iter();
        operation.method == "get" && parameters.all(|it| !it.is_required() || it.name() == project)
    })?;
    let has_project = operation
        .parameters_in(Location::Path)
        .any(|parameter| parameter.name() == project);
    let method = operation.id().to_snake_case();
    Some(match has_project {
        true => format!("{method}().project_id(client.project_id())"),
        false => format!("{method}()"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "
openapi: 3.0.3
info: {title: Small, version: '1'}
paths:
  /v1/{project_id}/things:
    get:
      operationId: listThings
      parameters:
        - {name: project_id, in: path, required: true, schema: {type: string}}
      responses: {'200': {description: d}}
";

    #[test]
    fn a_client_of_the_identity_service_may_have_no_address() {
        let document = Document::parse("small", "openapi/small.yaml", SMALL).unwrap();
        let code = |service| rust("openapi/small.yaml", &module(&document, service)).unwrap();
        let call = "list_things().project_id(client.project_id()).send()";
        for (service, signature, call) in [
            (
                Service::ModelArts,
                "pub fn small(&self) -> Client<Self> {",
                format!("client.small().{call}"),
            ),
            (
                Service::Identity,
                "pub fn small(&self) -> crate::Result<Client<Self>> {",
                format!("client.small()?.{call}"),
            ),
        ] {
            let code = code(service);
            assert!(code.contains(signature), "{code}");
            assert!(code.contains(&call), "{code}");
        }
    }
}
