//! Checks the words in identifiers that are visible to more than one file.

use std::collections::BTreeMap;

use heck::ToSnakeCase;
use syn::visit::{self, Visit};
use syn::{Ident, Visibility};

use super::files::{Source, is_test};

/// Words to avoid, each with the established term. The glossary is in `CONTRIBUTING.md`.
const WORDS: &[(&str, &str)] = &[
    ("act", "execute"),
    ("actor", "Reconciler"),
    ("agenda", "timers"),
    ("answer", "response"),
    ("answered", "response"),
    ("answers", "responses"),
    ("carry", "send"),
    ("chance", "rng"),
    ("given", "a hidden trait"),
    ("go", "execute"),
    ("goal", "TargetState"),
    ("heads", "headers"),
    ("keeper", "ClockObserver"),
    ("look", "poll"),
    ("looker", "PollFn"),
    ("looks", "polls"),
    ("machine", "Lifecycle"),
    ("mark", "checkpoint"),
    ("notes", "RequestContext"),
    ("observation", "PollEvent"),
    ("observed", "PollStatus"),
    ("outside", "ServerConfig"),
    ("pace", "PollPolicy"),
    ("patience", "Timeouts"),
    ("pause", "delay"),
    ("perhaps", "a hidden trait"),
    ("recent", "BoundedCache"),
    ("said", "ErrorBody"),
    ("saved", "Snapshot"),
    ("scout", "ResolvedEndpoint"),
    ("settle", "send"),
    ("site", "ResolvedEndpoint"),
    ("stamp", "checkpoint"),
    ("told", "reported"),
    ("touched", "DirtyKeys"),
    ("trail", "RequestContext"),
    ("turn", "acquire"),
    ("worded", "GatewayErrorStream"),
];

/// The term to use instead of a word, if the word is to be avoided.
pub(super) fn instead(word: &str) -> Option<&'static str> {
    let (_, better) = WORDS.iter().find(|(known, _)| *known == word)?;
    Some(better)
}

/// The uses of each word: file and identifier.
#[derive(Default)]
pub(super) struct Uses(pub(super) BTreeMap<&'static str, Vec<(String, String)>>);

pub(super) fn collect(sources: &[Source], uses: &mut Uses) {
    for source in sources {
        let file = source.path.to_string_lossy().replace('\\', "/");
        Names { file, uses }.visit_file(&source.syntax);
    }
}

struct Names<'a> {
    file: String,
    uses: &'a mut Uses,
}

impl Names<'_> {
    fn name(&mut self, name: &Ident) {
        let snake = name.to_string().to_snake_case();
        for (word, _) in WORDS {
            if snake.split('_').any(|part| part == *word) {
                let uses = self.uses.0.entry(word).or_default();
                uses.push((self.file.clone(), name.to_string()));
            }
        }
    }

    fn seen(&mut self, visibility: &Visibility, name: &Ident) {
        if !matches!(visibility, Visibility::Inherited) {
            self.name(name);
        }
    }
}

impl<'ast> Visit<'ast> for Names<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            // Every file of the crate can see a module.
            self.name(&item.ident);
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.seen(&item.vis, &item.sig.ident);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.seen(&item.vis, &item.ident);
        visit::visit_item_struct(self, item);
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if let Some(name) = &field.ident {
            self.seen(&field.vis, name);
        }
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.seen(&item.vis, &item.ident);
        for variant in &item.variants {
            self.seen(&item.vis, &variant.ident);
        }
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.seen(&item.vis, &item.ident);
        for member in &item.items {
            if let syn::TraitItem::Fn(method) = member {
                self.seen(&item.vis, &method.sig.ident);
            }
        }
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.seen(&item.vis, &item.ident);
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.seen(&item.vis, &item.ident);
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.seen(&item.vis, &item.ident);
    }

    fn visit_impl_item_fn(&mut self, method: &'ast syn::ImplItemFn) {
        self.seen(&method.vis, &method.sig.ident);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_of_what_others_see_are_counted() {
        let code = "
            pub fn answer_all() {}
            fn answer() {}
            pub struct LookUp { pub pause: u8, pace: u8 }
            pub(crate) enum E { Told, Lookup }
            mod worded;
            #[cfg(test)] mod tests { pub fn look() {} }
            impl E { pub(crate) fn go(&self) {} fn act(&self) {} }
        ";
        let source = Source {
            path: "src/a.rs".into(),
            syntax: syn::parse_file(code).unwrap(),
        };
        let mut uses = Uses::default();
        collect(&[source], &mut uses);
        let found: Vec<_> = uses
            .0
            .iter()
            .map(|(word, uses)| (*word, uses.len()))
            .collect();
        assert_eq!(
            found,
            [
                ("answer", 1),
                ("go", 1),
                ("look", 1),
                ("pause", 1),
                ("told", 1),
                ("worded", 1)
            ]
        );
        assert_eq!(
            uses.0["look"],
            [("src/a.rs".to_owned(), "LookUp".to_owned())]
        );
    }

    #[test]
    fn the_words_are_those_of_the_glossary() {
        assert!(WORDS.is_sorted());
        let path = crate::workspace::root().join("CONTRIBUTING.md");
        let text = std::fs::read_to_string(path).unwrap();
        let table = text.split("| write | not |\n|---|---|\n").nth(1).unwrap();
        let rows = table.lines().take_while(|line| line.starts_with('|'));
        let mut listed: Vec<_> = rows
            .filter_map(|row| row.trim_end_matches(" |").rsplit("| ").next())
            .flat_map(|words| words.split(", "))
            .collect();
        listed.sort_unstable();
        // These are also words of Rust and of the documents.
        let other = ["try"];
        let missing: Vec<_> = WORDS
            .iter()
            .map(|(word, _)| *word)
            .filter(|word| !listed.contains(word))
            .collect();
        let forms = ["answered", "answers", "looks"];
        assert_eq!(missing, forms);
        listed.retain(|word| !other.contains(word) && instead(word).is_none());
        assert!(listed.is_empty(), "{listed:?}");
    }
}
