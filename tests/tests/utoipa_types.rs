//! The generated types and the emulator's routes, described by `utoipa`, say what the documents say.

use modelarts_client::{devenviron, iam};
use modelarts_document::Document;
use modelarts_tests::described::{compare_operations, compare_schemas};
use modelarts_tests::documents;
use utoipa::OpenApi as _;

#[test]
fn the_types_of_every_document_lose_and_invent_nothing() {
    for document in documents::all() {
        let described = match document.name {
            "devenviron" => devenviron::Schemas::openapi(),
            "iam" => iam::Schemas::openapi(),
            other => panic!("which type describes the document {other}?"),
        };
        let described = Document::new(serde_json::to_value(described).unwrap()).unwrap();
        let found = compare_schemas(&document.document, &described);
        assert!(
            found.is_empty(),
            "{} differs from its Rust types; if the document changed, run `cargo xtask regen`: {found:#?}",
            document.name
        );
    }
}

#[test]
fn the_routes_of_the_emulator_are_the_operations_of_the_documents() {
    for document in documents::all() {
        let described = match document.name {
            "devenviron" => modelarts_emulator::api_description(),
            "iam" => modelarts_emulator::iam_description(),
            other => panic!("nothing emulates the document {other}"),
        };
        let described = Document::new(serde_json::to_value(described).unwrap()).unwrap();
        let mut found = compare_operations(&document.document, &described);
        found.extend(compare_schemas(&document.document, &described));
        assert!(
            found.is_empty(),
            "{} differs from the routes of the emulator: {found:#?}",
            document.name
        );
    }
}
