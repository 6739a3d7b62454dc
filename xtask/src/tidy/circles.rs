//! Finds circular imports: files of a crate that use each other's items.
//!
//! An arrow is the use of an item and points to the file that defines it; re-exports are followed. `mod` items,
//! re-exports themselves and test code are ignored. Method calls are not seen, since they have no path.

use std::collections::BTreeMap;
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Item, Visibility};

use super::finding::Finding;
use super::modules::{Modules, Segments, attributes, imports, module_of};
use super::sources::{Source, is_test};

/// Arrows from file to file, each with the name of an item.
type Arrows = BTreeMap<(usize, usize), String>;

/// Files that all reach each other along arrows.
struct Circle {
    /// Paths relative to the folder of the crate.
    files: Vec<String>,
    /// One line per arrow between the files.
    arrows: Vec<String>,
}

/// Adds a finding for each circle of a crate.
pub(super) fn check(folder: &Path, sources: &[Source], findings: &mut Vec<Finding>) {
    for circle in circles(folder, sources) {
        findings.push(Finding {
            file: folder.to_string_lossy().replace('\\', "/"),
            line: 0,
            rule: "circle",
            message: format!(
                "the files {} use each other's items; move shared items to a file of their own:\n{}",
                circle.files.join(", "),
                circle.arrows.join("\n")
            ),
        });
    }
}

fn circles(folder: &Path, sources: &[Source]) -> Vec<Circle> {
    let files: Vec<String> = sources
        .iter()
        .map(|source| {
            let path = source.path.strip_prefix(folder).unwrap_or(&source.path);
            path.to_string_lossy().replace('\\', "/")
        })
        .collect();
    let names = files.iter().map(|file| module_of(file));
    let items = sources.iter().map(|source| source.syntax.items.as_slice());
    let modules = Modules::read(&names.zip(items).collect::<Vec<_>>());
    let mut arrows = Arrows::new();
    for (file, source) in sources.iter().enumerate() {
        let mut uses = Uses {
            modules: &modules,
            module: module_of(&files[file]),
            file,
            arrows: &mut arrows,
        };
        uses.visit_file(&source.syntax);
    }
    connected(&files, &arrows)
}

/// Collects the arrows from one file.
struct Uses<'a> {
    modules: &'a Modules,
    module: Segments,
    file: usize,
    arrows: &'a mut Arrows,
}

impl Uses<'_> {
    fn path(&mut self, path: &[String]) {
        if let Some(file) = self.modules.file_of(&self.module, path)
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
            for (_, path) in imports(&item.tree) {
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

/// The strongly connected components with more than one file.
fn connected(files: &[String], arrows: &Arrows) -> Vec<Circle> {
    let reach = reachable(files.len(), arrows);
    let mut found = Vec::new();
    for (first, reached) in reach.iter().enumerate() {
        let members: Vec<usize> = (0..files.len())
            .filter(|other| reached[*other] && reach[*other][first])
            .collect();
        if members.len() < 2 || members.first() != Some(&first) {
            continue;
        }
        let inside = arrows
            .iter()
            .filter(|((from, to), _)| members.contains(from) && members.contains(to));
        found.push(Circle {
            files: members.iter().map(|it| files[*it].clone()).collect(),
            arrows: inside
                .map(|((from, to), name)| {
                    format!("    {} uses `{name}` of {}", files[*from], files[*to])
                })
                .collect(),
        });
    }
    found
}

/// For each file, which files can be reached along arrows.
fn reachable(count: usize, arrows: &Arrows) -> Vec<Vec<bool>> {
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
    reach
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
        circles(Path::new("crates/x"), &sources)
            .into_iter()
            .map(|circle| circle.files)
            .collect()
    }

    #[test]
    fn a_circle_may_have_more_than_two_files() {
        let files = [
            ("a.rs", "use crate::b::B; pub struct A;"),
            ("b.rs", "use crate::c::C; pub struct B;"),
            ("c.rs", "use crate::a::A; use crate::d::D; pub struct C;"),
            ("d.rs", "pub struct D;"),
        ];
        assert_eq!(of(&files), [["src/a.rs", "src/b.rs", "src/c.rs"]]);
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
    fn a_parent_and_its_child_can_be_a_circle() {
        let files = [
            ("a/mod.rs", "mod b; pub struct A; fn f() { b::go(); }"),
            ("a/b.rs", "use super::A; pub fn go() {}"),
        ];
        assert_eq!(of(&files), [["src/a/mod.rs", "src/a/b.rs"]]);
    }

    #[test]
    fn re_exports_modules_and_test_code_are_ignored() {
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
