//! What a document says about an operation and its requests.

use foldhash::HashMap;
use modelarts_client::Service;
use modelarts_document::{Document, Location};

use super::rule::Rule;
use super::rule_reader::Rules;

/// An operation of a document, and the rules for its requests.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) id: String,
    /// In upper case.
    pub(crate) method: String,
    /// The template of the path.
    pub(crate) path: String,
    /// The methods of all operations of the path, as in the header `Allow`.
    pub(crate) path_methods: String,
    /// The service, which determines the form of errors.
    pub(crate) service: Service,
    /// Whether it belongs to the old generation.
    pub(crate) old: bool,
    /// Whether its path names a project.
    pub(crate) project: bool,
    /// Whether a request needs credentials.
    pub(crate) secured: bool,
    pub(super) query: Vec<Parameter>,
    pub(super) headers: Vec<Parameter>,
    pub(super) body: Option<Body>,
}

#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    /// Further names of the same parameter.
    pub(super) also: Vec<String>,
    pub(super) required: bool,
    pub(super) rule: Rule,
}

#[derive(Debug)]
pub(super) struct Body {
    pub(super) required: bool,
    pub(super) rule: Rule,
}

impl Operation {
    /// Reads the operations with these ids from a document, in the order of the ids.
    pub(crate) fn read_all<'a>(
        document: &str,
        service: Service,
        ids: impl IntoIterator<Item = &'a str>,
    ) -> Vec<Self> {
        // The document is checked before it is compiled in; an unreadable one would have no operations.
        let Ok(document) = Document::from_json(document) else {
            return Vec::new();
        };
        let mut methods: HashMap<&str, Vec<String>> = HashMap::default();
        for described in document.operations() {
            let methods = methods.entry(described.path).or_default();
            methods.push(described.method.to_ascii_uppercase());
        }
        methods.values_mut().for_each(|methods| methods.sort());
        let mut rules = Rules::default();
        ids.into_iter()
            .filter_map(|id| {
                let described = document.operation(id)?;
                let of_path = methods.get(described.path);
                let of_path = of_path.map(|methods| methods.join(", "));
                let of_path = of_path.unwrap_or_default();
                Some(Self::read(described, service, of_path, &mut rules))
            })
            .collect()
    }

    fn read(
        described: modelarts_document::Operation<'_>,
        service: Service,
        path_methods: String,
        rules: &mut Rules,
    ) -> Self {
        let mut parameters = |location| {
            let parameters = described.parameters_in(location);
            let read = parameters.map(|parameter| Parameter {
                name: parameter.name().to_owned(),
                also: parameter.other_names().map(str::to_owned).collect(),
                required: parameter.is_required(),
                rule: rules.read(parameter.schema()),
            });
            read.collect()
        };
        let (query, headers) = (parameters(Location::Query), parameters(Location::Header));
        let body = described.request_body().and_then(|body| {
            Some(Body {
                required: body.is_required(),
                rule: rules.read(body.json()?.schema()?),
            })
        });
        Self {
            id: described.id().to_owned(),
            method: described.method.to_ascii_uppercase(),
            path: described.path.to_owned(),
            path_methods,
            service,
            old: described.path.contains("/demanager/"),
            project: described.path.contains("{project_id}"),
            secured: described.is_secured(),
            query,
            headers,
            body,
        }
    }
}

#[cfg(test)]
mod tests {
    use modelarts_client::{devenviron, iam};

    use super::*;

    #[test]
    fn an_operation_knows_what_the_document_says_around_it() {
        let ids = devenviron::OPERATIONS.iter().map(|it| it.id);
        let all = Operation::read_all(devenviron::DOCUMENT, Service::ModelArts, ids);
        let find = |id: &str| all.iter().find(|it| it.id == id).unwrap();
        let show = find("showNotebook");
        assert_eq!(show.path_methods, "DELETE, GET, PUT");
        assert!(show.secured && show.project && !show.old);
        assert!(find("listDevEnvInstances").old);
        let ids = iam::OPERATIONS.iter().map(|it| it.id);
        let iam = Operation::read_all(iam::DOCUMENT, Service::Identity, ids);
        let secured = iam.iter().filter(|it| it.secured).map(|it| it.id.as_str());
        assert_eq!(
            secured.collect::<Vec<_>>(),
            ["listAuthDomains", "listProjects"]
        );
    }
}
