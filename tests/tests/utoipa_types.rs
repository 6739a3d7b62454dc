//! The generated types and the emulator's routes, described by `utoipa`, say what the documents say.

use modelarts_document::Document;
use modelarts_tests::described::{compare_operations, compare_schemas};
use modelarts_tests::documents;

#[test]
fn the_types_of_every_document_lose_and_invent_nothing() {
    for document in documents::all() {
        let described = serde_json::to_value((document.schemas)()).unwrap();
        let described = Document::new(described).unwrap();
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
        let described = modelarts_emulator::family_description(document.name);
        assert_eq!(
            described.is_some(),
            document.emulated,
            "{}: what `emulated` says in openapi/documents.toml is not what the emulator does",
            document.name
        );
        let Some(described) = described else {
            continue;
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
