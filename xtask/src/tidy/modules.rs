//! The modules of a crate: which file defines the item at a path.

use std::collections::BTreeMap;

use syn::{Item, UseTree};

use super::sources::is_test;

/// The segments of a path.
pub(super) type Segments = Vec<String>;

#[derive(Default)]
struct Module {
    /// The items it defines, each with its file.
    items: BTreeMap<String, usize>,
    /// The names it imports, each with the path of the item.
    names: BTreeMap<String, Segments>,
    globs: Vec<Segments>,
}

/// The module of a file: `src/a/b.rs` and `src/a/b/mod.rs` are both `a::b`.
pub(super) fn module_of(file: &str) -> Segments {
    let path = file.strip_prefix("src/").unwrap_or(file);
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let mut segments: Segments = path.split('/').map(str::to_owned).collect();
    if segments
        .last()
        .is_some_and(|last| ["lib", "main", "mod"].contains(&last.as_str()))
    {
        segments.pop();
    }
    segments
}

/// All modules of a crate.
#[derive(Default)]
pub(super) struct Modules(BTreeMap<Segments, Module>);

impl Modules {
    /// Reads the modules and items of all files, each of which is identified by its index.
    pub(super) fn read(files: &[(Segments, &[Item])]) -> Self {
        let mut modules = Self::default();
        // Definitions first: they distinguish the first segment of a path from the name of a crate.
        for (file, (module, items)) in files.iter().enumerate() {
            modules.define(module, file, items);
        }
        for (module, items) in files {
            modules.import(module, items);
        }
        modules
    }

    /// Returns the file that defines the item at a path in a module, following re-exports. Returns `None` for modules
    /// and for items of other crates.
    pub(super) fn file_of(&self, module: &Segments, path: &[String]) -> Option<usize> {
        const MAX_REEXPORTS: usize = 16;
        self.resolve(&self.absolute(module, path)?, MAX_REEXPORTS)
    }

    fn define(&mut self, module: &Segments, file: usize, items: &[Item]) {
        self.0.entry(module.clone()).or_default();
        for item in items.iter().filter(|item| !is_test(attributes(item))) {
            let name = match item {
                Item::Const(item) => &item.ident,
                Item::Enum(item) => &item.ident,
                Item::Fn(item) => &item.sig.ident,
                Item::Static(item) => &item.ident,
                Item::Struct(item) => &item.ident,
                Item::Trait(item) => &item.ident,
                Item::Type(item) => &item.ident,
                Item::Union(item) => &item.ident,
                Item::Mod(inner) => {
                    if let Some((_, items)) = &inner.content {
                        self.define(&joined(module, &inner.ident.to_string()), file, items);
                    }
                    continue;
                }
                _ => continue,
            };
            let defined = &mut self.0.entry(module.clone()).or_default().items;
            defined.insert(name.to_string(), file);
        }
    }

    fn import(&mut self, module: &Segments, items: &[Item]) {
        for item in items.iter().filter(|item| !is_test(attributes(item))) {
            match item {
                Item::Use(item) => {
                    for (name, path) in imports(&item.tree) {
                        let Some(path) = self.absolute(module, &path) else {
                            continue;
                        };
                        let module = self.0.entry(module.clone()).or_default();
                        match name {
                            Some(name) => {
                                module.names.insert(name, path);
                            }
                            None => module.globs.push(path),
                        }
                    }
                }
                Item::Mod(inner) => {
                    if let Some((_, items)) = &inner.content {
                        self.import(&joined(module, &inner.ident.to_string()), items);
                    }
                }
                _ => {}
            }
        }
    }

    /// Makes a path in a module absolute; `None` if it leads to another crate.
    fn absolute(&self, module: &Segments, path: &[String]) -> Option<Segments> {
        let (first, rest) = path.split_first()?;
        let mut base = match first.as_str() {
            "crate" => Vec::new(),
            "self" => module.clone(),
            "super" => module.split_last()?.1.to_vec(),
            name => {
                let here = self.0.get(module)?;
                if let Some(target) = here.names.get(name) {
                    return Some([target.as_slice(), rest].concat());
                }
                let child = joined(module, name);
                if !self.0.contains_key(&child) && !here.items.contains_key(name) {
                    return None;
                }
                return Some([child.as_slice(), rest].concat());
            }
        };
        let mut rest = rest;
        while let Some((first, left)) = rest.split_first()
            && first == "super"
        {
            base.pop()?;
            rest = left;
        }
        base.extend(rest.iter().cloned());
        Some(base)
    }

    /// Resolves an absolute path through at most `depth` re-exports.
    fn resolve(&self, path: &[String], depth: usize) -> Option<usize> {
        let depth = depth.checked_sub(1)?;
        let mut at = Vec::new();
        for (index, segment) in path.iter().enumerate() {
            let child = joined(&at, segment);
            if self.0.contains_key(&child) {
                at = child;
                continue;
            }
            let module = self.0.get(&at)?;
            if let Some(file) = module.items.get(segment) {
                return Some(*file);
            }
            let rest = &path[index + 1..];
            if let Some(target) = module.names.get(segment) {
                return self.resolve(&[target.as_slice(), rest].concat(), depth);
            }
            return module
                .globs
                .iter()
                .find_map(|glob| self.resolve(&[glob.as_slice(), &path[index..]].concat(), depth));
        }
        None
    }
}

fn joined(module: &[String], name: &str) -> Segments {
    let mut path = module.to_vec();
    path.push(name.to_owned());
    path
}

pub(super) fn attributes(item: &Item) -> &[syn::Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// The paths of a `use`, each with the imported name; `None` for `*`.
pub(super) fn imports(tree: &UseTree) -> Vec<(Option<String>, Segments)> {
    let mut leaves = Vec::new();
    flatten(tree, &mut Vec::new(), &mut leaves);
    leaves
}

fn flatten(tree: &UseTree, before: &mut Segments, leaves: &mut Vec<(Option<String>, Segments)>) {
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            flatten(&path.tree, before, leaves);
            before.pop();
        }
        UseTree::Group(group) => group
            .items
            .iter()
            .for_each(|tree| flatten(tree, before, leaves)),
        UseTree::Glob(_) => leaves.push((None, before.clone())),
        UseTree::Name(name) if name.ident == "self" => {
            leaves.push((before.last().cloned(), before.clone()))
        }
        UseTree::Name(name) => {
            let name = name.ident.to_string();
            leaves.push((Some(name.clone()), joined(before, &name)));
        }
        UseTree::Rename(renamed) => {
            let path = match renamed.ident == "self" {
                true => before.clone(),
                false => joined(before, &renamed.ident.to_string()),
            };
            leaves.push((Some(renamed.rename.to_string()), path));
        }
    }
}
