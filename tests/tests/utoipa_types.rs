//! The schemas that `utoipa` derives from the generated types must match the documents.

use modelarts_document::Document;
use modelarts_tests::described::compare_schemas;
use modelarts_tests::documents;

#[test]
fn derived_schemas_match_the_documents() {
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
