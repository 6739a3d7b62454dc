//! The nouns of the command line: how each kind of resource is listed, named and shown.

use modelarts_document::SchemaType;

use crate::document::{self, Place};
use crate::exchange::Request;
use crate::failure::Failure;
use crate::schema::nearest;

pub(crate) use column::Column;
pub(crate) use kinds::{FLAVOR, GROUP, IMAGE, INSTANCE, LEASE, NOTEBOOK, STORAGE, TAG};
pub(crate) use state::{has_no_auto_stop, is_running, running_since, status};

mod cells;
mod column;
mod kinds;
mod state;

/// A kind of resource.
#[derive(Debug)]
pub(crate) struct Noun {
    pub(crate) name: &'static str,
    pub(crate) plural: &'static str,
    /// The command that lists it.
    pub(crate) list_command: &'static str,
    /// The operation that lists it.
    pub(crate) list: &'static str,
    /// The operation that reads one resource, and the parameter for its id.
    pub(crate) show: Option<(&'static str, &'static str)>,
    pub(crate) columns: &'static [Column],
}

impl Noun {
    /// Returns the request that lists it.
    pub(crate) fn listing(&self) -> Result<Request, Failure> {
        let request = Request::of(self.list)?;
        let parameters = request.operation.parameters.iter();
        // A required parameter with a single known value is set to that value.
        let required =
            parameters.filter(|parameter| parameter.place == Place::Query && parameter.required);
        Ok(required.fold(request.clone(), |request, parameter| {
            match parameter.known.as_slice() {
                [only] => request.query(&parameter.name, only),
                _ => request,
            }
        }))
    }

    /// Checks that its resources have a field of this name, with dots between the names of nested fields.
    ///
    /// A tag is a field, too, named by its key: `tags.team`.
    pub(crate) fn check_field(&self, field: &str) -> Result<(), String> {
        let list = document::find(self.list);
        let mut schema = list.and_then(|list| {
            let names = list.items();
            list.response?.property(names.first()?)?.items()
        });
        for name in field.split('.') {
            let Some(object) = schema else { return Ok(()) };
            let property = object.property(name);
            let is_tags = property.is_some_and(|it| it.schema_type() == SchemaType::Array);
            let names = || object.properties().map(|(known, _)| known);
            match property {
                Some(_) if is_tags && name == "tags" => return Ok(()),
                Some(inner) => schema = Some(inner).filter(|it| it.properties().next().is_some()),
                // A free-form object can have any field.
                None if names().next().is_none() => return Ok(()),
                None => {
                    let plural = self.plural;
                    return Err(match nearest(name, names()) {
                        Some(nearest) => {
                            format!("{plural} have no field `{field}`; did you mean `{nearest}`?")
                        }
                        None => format!(
                            "{plural} have no field `{field}`; the fields are {}",
                            names().collect::<Vec<_>>().join(", ")
                        ),
                    });
                }
            }
        }
        Ok(())
    }
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_takes_only_fields_that_exist() {
        for field in [
            "name",
            "lease.enable",
            "tags.team",
            "tags.cost.center",
            "image.name",
        ] {
            assert_eq!(NOTEBOOK.check_field(field), Ok(()), "{field}");
        }
        assert_eq!(INSTANCE.check_field("spec.auto_stop.enable"), Ok(()));
        assert_eq!(
            NOTEBOOK.check_field("nmae").unwrap_err(),
            "notebooks have no field `nmae`; did you mean `name`?"
        );
        assert!(
            NOTEBOOK
                .check_field("lease.zzz")
                .unwrap_err()
                .contains("the fields are ")
        );
        assert!(INSTANCE.check_field("tags.team").is_err());
    }

    #[test]
    fn a_required_parameter_with_one_value_is_set() {
        let query = |noun: &Noun| noun.listing().unwrap().query;
        let kind = ("de_type".to_owned(), "Notebook".to_owned());
        assert_eq!(query(&INSTANCE), [kind]);
        assert_eq!(query(&NOTEBOOK), []);
    }
}
