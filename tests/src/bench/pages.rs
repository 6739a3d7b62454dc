//! Lists of notebooks of any length, generated from the examples of the document.

use std::io::Write as _;

use serde_json::Value;

use crate::documents;

/// The JSON of a notebook, split at its id.
type Template = Vec<String>;

/// An endless supply of notebooks.
#[derive(Debug)]
pub struct Notebooks(Vec<Template>);

impl Notebooks {
    /// Cycles through all notebooks in the document's examples.
    pub fn documented() -> Self {
        let document = documents::devenviron();
        let mut notebooks = Vec::new();
        for sample in document.samples() {
            match (sample.schema.as_str(), sample.value) {
                ("Notebook", notebook) => notebooks.push(notebook),
                ("NotebookList", mut page) => {
                    notebooks.append(page["data"].as_array_mut().unwrap());
                }
                _ => {}
            }
        }
        notebooks.retain(|notebook: &Value| notebook["id"].is_string());
        Self(notebooks.iter().map(template).collect())
    }

    /// Uses only the largest notebook.
    pub fn one(&self) -> Vec<u8> {
        let richest = self.0.iter().max_by_key(|template| template.concat().len());
        let mut json = Vec::new();
        write_notebook(&mut json, richest.unwrap(), 0);
        json
    }

    /// Returns a page with this many notebooks.
    pub fn page(&self, length: usize) -> Vec<u8> {
        let mut json = Vec::new();
        json.extend_from_slice(b"{\"current\":0,\"data\":[");
        for number in 0..length {
            if number > 0 {
                json.push(b',');
            }
            write_notebook(&mut json, &self.0[number % self.0.len()], number);
        }
        write!(json, "],\"pages\":1,\"size\":{length},\"total\":{length}}}").unwrap();
        json
    }
}

fn template(notebook: &Value) -> Template {
    let json = notebook.to_string();
    let pieces = json.split(notebook["id"].as_str().unwrap());
    pieces.map(str::to_owned).collect()
}

fn write_notebook(json: &mut Vec<u8>, template: &Template, number: usize) {
    for (index, piece) in template.iter().enumerate() {
        if index > 0 {
            write!(json, "{number:08x}-1c1e-4f39-9f4e-6a3a1f0b7c55").unwrap();
        }
        json.extend_from_slice(piece.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use modelarts_client::devenviron::types::NotebookList;

    use super::*;

    #[test]
    fn pages_are_lists_of_distinct_notebooks() {
        let notebooks = Notebooks::documented();
        let page: NotebookList = serde_json::from_slice(&notebooks.page(10)).unwrap();
        let notebooks = page.data.unwrap().into_iter();
        let ids: Vec<_> = notebooks.map(|notebook| notebook.id.unwrap()).collect();
        assert_eq!(ids.len(), 10);
        assert!(ids.is_sorted() && ids[0] != ids[1], "{ids:?}");
    }
}
