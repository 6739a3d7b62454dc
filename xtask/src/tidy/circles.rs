//! Finds circular imports: files of a crate that use each other's items.
//!
//! An arrow is the use of an item and points to the file that defines it; re-exports are followed. `mod` items,
//! re-exports themselves and test code are ignored. Method calls are not seen, since they have no path.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Item, UseTree, Visibility};

use super::files::{Source, is_test};

/// A set of files that use each other's items.
#[derive(Debug)]
pub(super) struct Circle {
    /// Whether these are two files that use each other directly. Otherwise every file reaches every other along
    /// arrows.
    pub(super) pair: bool,
    /// Folder of the crate.
    pub(super) of: String,
    /// Paths relative to `of`.
    pub(super) files: BTreeSet<String>,
    /// One line per arrow between the files.
    pub(super) arrows: Vec<String>,
}

type Segments = Vec<String>;

#[derive(Default)]
struct Module {
    /// The items it defines, each with its file.
    items: BTreeMap<String, usize>,
    /// The names it imports, each with the path of the item.
    names: BTreeMap<String, Segments>,
    globs: Vec<Segments>,
}

/// The circles of a crate.
pub(super) fn find(folder: &Path, sources: &[Source]) -> Vec<Circle> {
    let files: Vec<String> = sources
        .iter()
        .map(|source| {
            let path = source.path.strip_prefix(folder).unwrap_or(&source.path);
            path.to_string_lossy().replace('\\', "/")
        })
        .collect();
    let mut modules = Modules::default();
    // Definitions first: they distinguish the first segment of a path from the name of a crate.
    for (file, source) in sources.iter().enumerate() {
        modules.define(&module_of(&files[file]), file, &source.syntax.items);
    }
    for (file, source) in sources.iter().enumerate() {
        modules.import(&module_of(&files[file]), &source.syntax.items);
    }
    let mut arrows = BTreeMap::new();
    for (file, source) in sources.iter().enumerate() {
        let mut uses = Uses {
            modules: &modules,
            module: module_of(&files[file]),
            file,
            arrows: &mut arrows,
        };
        uses.visit_file(&source.syntax);
    }
    circles(
        &folder.to_string_lossy().replace('\\', "/"),
        &files,
        &arrows,
    )
}

/// The module of a file: `src/a/b.rs` and `src/a/b/mod.rs` are both `a::b`.
fn module_of(file: &str) -> Segments {
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

#[derive(Default)]
struct Modules(BTreeMap<Segments, Module>);

enum Found {
    Module,
    /// An item of this file.
    Item(usize),
}

impl Modules {
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
                    let mut leaves = Vec::new();
                    flatten(&item.tree, &mut Vec::new(), &mut leaves);
                    for (name, path) in leaves {
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
    fn resolve(&self, path: &[String], depth: usize) -> Option<Found> {
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
                return Some(Found::Item(*file));
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
        Some(Found::Module)
    }
}

fn joined(module: &[String], name: &str) -> Segments {
    let mut path = module.to_vec();
    path.push(name.to_owned());
    path
}

fn attributes(item: &Item) -> &[syn::Attribute] {
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

/// Collects the paths of a `use`, each with the imported name; `None` for `*`.
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

/// Collects the arrows from one file.
struct Uses<'a> {
    modules: &'a Modules,
    module: Segments,
    file: usize,
    /// Arrows from file to file, each with the name of an item.
    arrows: &'a mut BTreeMap<(usize, usize), String>,
}

impl Uses<'_> {
    fn path(&mut self, path: &[String]) {
        const REEXPORTS: usize = 16;
        let Some(absolute) = self.modules.absolute(&self.module, path) else {
            return;
        };
        if let Some(Found::Item(file)) = self.modules.resolve(&absolute, REEXPORTS)
            && file != self.file
        {
            let name = path.last().cloned().unwrap_or_default();
            self.arrows.entry((self.file, file)).or_insert(name);
        }
    }

    /// Finds paths in the arguments of macros.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Segments = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.path(&std::mem::take(&mut path));
                    }
                    path.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                token => {
                    self.path(&std::mem::take(&mut path));
                    colons = 0;
                    if let TokenTree::Group(group) = token {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.path(&path);
    }
}

impl<'ast> Visit<'ast> for Uses<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_test(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if matches!(item.vis, Visibility::Inherited) {
            let mut leaves = Vec::new();
            flatten(&item.tree, &mut Vec::new(), &mut leaves);
            for (_, path) in leaves {
                self.path(&path);
            }
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Segments = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        if path.leading_colon.is_none() {
            self.path(&segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
    }
}

/// The strongly connected components with more than one file, and the pairs of files with arrows in both directions.
fn circles(of: &str, files: &[String], arrows: &BTreeMap<(usize, usize), String>) -> Vec<Circle> {
    let count = files.len();
    let mut reach = vec![vec![false; count]; count];
    for (from, to) in arrows.keys() {
        reach[*from][*to] = true;
    }
    for middle in 0..count {
        let beyond = reach[middle].clone();
        for from in reach.iter_mut().filter(|from| from[middle]) {
            from.iter_mut()
                .zip(&beyond)
                .for_each(|(reached, further)| *reached |= further);
        }
    }
    let circle = |pair: bool, members: &BTreeSet<usize>| Circle {
        pair,
        of: of.to_owned(),
        files: members
            .iter()
            .map(|member| files[*member].clone())
            .collect(),
        arrows: arrows
            .iter()
            .filter(|((from, to), _)| members.contains(from) && members.contains(to))
            .map(|((from, to), name)| {
                format!("    {} uses `{name}` of {}", files[*from], files[*to])
            })
            .collect(),
    };
    let mut found = Vec::new();
    for (first, reached) in reach.iter().enumerate() {
        let members: BTreeSet<usize> = (0..count)
            .filter(|other| reached[*other] && reach[*other][first])
            .collect();
        if members.len() > 1 && members.first() == Some(&first) {
            found.push(circle(false, &members));
        }
    }
    for (from, to) in arrows.keys() {
        if from < to && arrows.contains_key(&(*to, *from)) {
            found.push(circle(true, &BTreeSet::from([*from, *to])));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let sources: Vec<_> = files
            .iter()
            .map(|(path, code)| Source {
                path: format!("crates/x/src/{path}").into(),
                syntax: syn::parse_file(code).unwrap(),
            })
            .collect();
        let found = find(Path::new("crates/x"), &sources);
        found
            .into_iter()
            .filter(|circle| !circle.pair)
            .map(|circle| circle.files.into_iter().collect())
            .collect()
    }

    #[test]
    fn a_pair_is_two_files_and_a_circle_may_be_more() {
        let file = |path: &str, code: &str| Source {
            path: format!("x/src/{path}").into(),
            syntax: syn::parse_file(code).unwrap(),
        };
        let sources = [
            file("a.rs", "use crate::b::B; pub struct A;"),
            file("b.rs", "use crate::c::C; pub struct B;"),
            file("c.rs", "use crate::a::A; use crate::d::D; pub struct C;"),
            file("d.rs", "use crate::c::C; pub struct D;"),
        ];
        let found = find(Path::new("x"), &sources);
        let sizes = found
            .iter()
            .map(|circle| (circle.pair, circle.files.len(), circle.arrows.len()));
        assert_eq!(sizes.collect::<Vec<_>>(), [(false, 4, 5), (true, 2, 2)]);
    }

    #[test]
    fn two_files_that_use_each_other_are_a_circle() {
        let circle = [["src/a.rs", "src/b.rs"]];
        for code in [
            "use crate::a::A; pub struct B;",
            "use super::a::{self, A as Other}; pub struct B;",
            "use crate::a; pub struct B; fn f() { a::A::new(); }",
            "pub struct B; fn f() -> crate::a::A { loop {} }",
            "pub struct B; fn f() { println!(\"{}\", crate::a::A); }",
            "use crate::again::A; pub struct B;",
            "use crate::again; pub struct B; fn f(_: again::A) {}",
            "use crate::all::A; pub struct B;",
        ] {
            let files = [
                (
                    "lib.rs",
                    "mod a; mod b; mod again { pub use crate::a::A; } mod all { pub use super::a::*; }",
                ),
                ("a.rs", "use crate::b::B; pub struct A;"),
                ("b.rs", code),
            ];
            assert_eq!(of(&files), circle, "{code}");
        }
    }

    #[test]
    fn a_parent_and_its_child_are_a_circle_as_well() {
        let files = [
            ("a/mod.rs", "mod b; pub struct A; fn f() { b::go(); }"),
            ("a/b.rs", "use super::A; pub fn go() {}"),
        ];
        assert_eq!(of(&files), [["src/a/b.rs", "src/a/mod.rs"]]);
    }

    #[test]
    fn what_does_not_count_is_no_arrow() {
        for code in [
            "pub use crate::a::A; pub struct B;",
            "pub(crate) use crate::a::A; pub struct B;",
            "#[cfg(test)] mod tests { use crate::a::A; } pub struct B;",
            "#[cfg(test)] use crate::a::A; pub struct B;",
            "use other::a::A; pub struct B;",
            "use crate::a; pub struct B;",
        ] {
            let files = [
                ("lib.rs", "mod a; mod b;"),
                ("a.rs", "use crate::b::B; pub struct A;"),
                ("b.rs", code),
            ];
            assert!(of(&files).is_empty(), "{code}");
        }
    }
}
