//! `cargo xtask site`: writes the documentation as a static site that works offline.
//!
//! The emulator serves the same pages; `regen` writes them into its crate. Only `context.js` differs: on the site it
//! contains the documents, in the emulator it links to them.

mod errors;
mod generations;
mod layout;
mod markdown;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use layout::{framed, searchable};

use crate::catalogue::Catalogue;
use crate::document::{Document, text};
use crate::{publish, workspace};

/// Folder of the generated pages, from the root of the checkout.
pub(crate) const FOLDER: &str = "crates/modelarts-emulator/pages";
/// File name of the renderer's script.
const RENDERER: &str = "scalar.js";

/// Generates all pages, styles and scripts, by their path from the root of the checkout. `context.js` and the
/// renderer are not among them: the site and the emulator add their own.
pub(crate) fn pages(
    root: &Path,
    documents: &[Document],
    catalogue: &Catalogue,
) -> Result<BTreeMap<PathBuf, String>> {
    let mut files = BTreeMap::new();
    let mut add = |name: &str, text: String| {
        files.insert(Path::new(FOLDER).join(name), text);
    };
    let version = documents.first().map_or("", |document| {
        let info = document.value().get("info").unwrap_or(&Value::Null);
        text(info, "version")
    });
    let mut page = |file: &str, body: &str| add(file, framed(file, version, body));
    let start = included(root, include_str!("documentation/start.md"))?;
    page("index.html", &markdown::page(&start));
    page("basics.html", &markdown::page(&basics(documents)));
    page(
        "reference.html",
        include_str!("documentation/reference.html"),
    );
    page("errors.html", &errors::page(catalogue));
    page("generations.html", &generations::page(documents));
    let errata = publish::errata(root)?;
    page("errata.html", &searchable(&markdown::page(&errata)));
    page(
        "emulator.html",
        &markdown::page(include_str!("documentation/emulator.md")),
    );
    add(
        "style.css",
        include_str!("documentation/style.css").to_owned(),
    );
    add(
        "reference.js",
        include_str!("documentation/reference.js").to_owned(),
    );
    add(
        "search.js",
        include_str!("documentation/search.js").to_owned(),
    );
    add(
        "licences.txt",
        include_str!("documentation/licences.txt").to_owned(),
    );
    Ok(files)
}

/// Writes the site into a folder, by default `target/site`.
pub fn run(folder: Option<&Path>) -> Result<bool> {
    let root = workspace::root();
    let folder = folder.map_or_else(|| root.join("target/site"), Path::to_path_buf);
    clear(&folder)?;
    fs::create_dir_all(folder.join("openapi"))?;
    copy(&root.join(FOLDER), &folder)?;
    copy(&root.join(publish::FOLDER), &folder.join("openapi"))?;
    let renderer = scalar_api_reference::get_asset(RENDERER)
        .with_context(|| format!("scalar_api_reference has no {RENDERER}"))?;
    fs::write(folder.join(RENDERER), renderer)?;
    fs::write(folder.join("context.js"), context(&root)?)?;
    let (files, bytes) = size(&folder)?;
    println!(
        "{files} files, {} KiB: {}",
        bytes.div_ceil(1024),
        folder.join("index.html").display()
    );
    Ok(true)
}

/// Removes the site of an earlier run; fails if the folder contains anything else.
fn clear(folder: &Path) -> Result<()> {
    let is_empty = fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
    if is_empty {
        return Ok(());
    }
    if !folder.join("context.js").is_file() {
        bail!(
            "{} is not empty and contains no site; pass an empty or new folder with --out",
            folder.display()
        );
    }
    fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))
}

/// A script that contains the documents, because a page opened from a file cannot fetch them.
fn context(root: &Path) -> Result<String> {
    let mut documents = Vec::new();
    for family in workspace::families(root)? {
        let file = root.join(format!("{}/{}-3.1.json", publish::FOLDER, family.name));
        let content = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let content: Value = serde_json::from_str(&content)?;
        let title = text(content.get("info").unwrap_or(&Value::Null), "title").to_owned();
        documents.push(json!({"title": title, "slug": family.name, "content": content}));
    }
    // Escaped, so that the script can also be inlined into an HTML page.
    let context = json!({ "documents": documents }).to_string();
    Ok(format!(
        "window.reference = {};\n",
        context.replace('<', "\\u003c")
    ))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// The number of files below a folder, and their total size in bytes.
fn size(folder: &Path) -> Result<(usize, u64)> {
    let mut total = (0, 0);
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        let (files, bytes) = if metadata.is_dir() {
            size(&entry.path())?
        } else {
            (1, metadata.len())
        };
        total = (total.0 + files, total.1 + bytes);
    }
    Ok(total)
}

/// Replaces lines of the form `{{file LANGUAGE}}` with the file as a code block.
fn included(root: &Path, text: &str) -> Result<String> {
    let mut page = String::new();
    for line in text.lines() {
        let directive = line.strip_prefix("{{").and_then(|it| it.strip_suffix("}}"));
        if let Some((file, language)) = directive.and_then(|it| it.split_once(' ')) {
            let code = fs::read_to_string(root.join(file))
                .with_context(|| format!("reading {file}"))?
                .replace("\r\n", "\n");
            page += &format!("```{language}\n{code}```\n");
        } else {
            page += line;
            page.push('\n');
        }
    }
    Ok(page)
}

/// Joins the introductions of all documents.
fn basics(documents: &[Document]) -> String {
    let mut page = String::from("# Basics\n");
    for document in documents {
        let info = document.value().get("info").unwrap_or(&Value::Null);
        page += &format!(
            "\n## {}\n\n{}\n",
            text(info, "title"),
            text(info, "description")
        );
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_of_the_navigation_is_written_and_links_lead_somewhere() {
        let root = workspace::root();
        let documents = crate::check::documents(&root).unwrap().unwrap();
        let catalogue = Catalogue::read(&root).unwrap();
        let pages = pages(&root, &documents, &catalogue).unwrap();
        let mut names: Vec<_> = pages
            .keys()
            .map(|path| path.file_name().unwrap().to_str().unwrap())
            .collect();
        names.extend([RENDERER, "context.js"]);
        for (file, _) in layout::NAVIGATION {
            assert!(names.contains(&file), "{file}");
        }
        let link = regex::Regex::new(r##"(?:href|src)="([^"#:]+)""##).unwrap();
        for (path, text) in &pages {
            if path.extension().is_none_or(|ending| ending != "html") {
                continue;
            }
            for target in link.captures_iter(text).map(|found| found[1].to_owned()) {
                assert!(
                    names.contains(&target.as_str()),
                    "{} leads to {target}",
                    path.display()
                );
            }
        }
    }

    #[test]
    fn code_is_taken_from_the_file_that_is_tested() {
        let root = workspace::root();
        let page = included(
            &root,
            "Before\n\n{{xtask/src/documentation/search.js js}}\n",
        )
        .unwrap();
        assert!(page.starts_with("Before\n\n```js\n"), "{page}");
        assert!(page.ends_with("```\n"), "{page}");
        assert!(included(&root, "{{no/such.file js}}").is_err());
    }

    #[test]
    fn a_document_in_a_script_ends_no_element() {
        let context = context(&workspace::root()).unwrap();
        assert!(context.starts_with("window.reference = {\"documents\":["));
        assert!(!context.contains('<'), "every < is escaped");
    }
}
