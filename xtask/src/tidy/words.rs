//! Checks the words in identifiers that are visible to more than one file.

use heck::ToSnakeCase;
use syn::visit::{self, Visit};
use syn::{Ident, Visibility};

use super::finding::Finding;
use super::sources::{Source, is_test};

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
    ("scout", "Resolver"),
    ("settle", "send"),
    ("site", "Resolver"),
    ("stamp", "checkpoint"),
    ("told", "reported"),
    ("touched", "DirtyKey"),
    ("trail", "RequestContext"),
    ("turn", "acquire"),
    ("worded", "GatewayErrorStream"),
];

/// Adds a finding for each identifier with a word to avoid.
pub(super) fn check(sources: &[Source], findings: &mut Vec<Finding>) {
    for source in sources {
        let file = source.name();
        Names { file, findings }.visit_file(&source.syntax);
    }
}

struct Names<'a> {
    file: String,
    findings: &'a mut Vec<Finding>,
}

impl Names<'_> {
    fn name(&mut self, name: &Ident) {
        let snake = name.to_string().to_snake_case();
        for (word, better) in WORDS {
            if snake.split('_').any(|part| part == *word) {
                self.findings.push(Finding {
                    file: self.file.clone(),
                    line: 0,
                    rule: "vocabulary",
                    message: format!("`{name}`: use {better} instead of `{word}`"),
                });
            }
        }
    }

    fn visible(&mut self, visibility: &Visibility, name: &Ident) {
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
        self.visible(&item.vis, &item.sig.ident);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.visible(&item.vis, &item.ident);
        visit::visit_item_struct(self, item);
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if let Some(name) = &field.ident {
            self.visible(&field.vis, name);
        }
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.visible(&item.vis, &item.ident);
        for variant in &item.variants {
            self.visible(&item.vis, &variant.ident);
        }
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.visible(&item.vis, &item.ident);
        for member in &item.items {
            if let syn::TraitItem::Fn(method) = member {
                self.visible(&item.vis, &method.sig.ident);
            }
        }
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.visible(&item.vis, &item.ident);
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.visible(&item.vis, &item.ident);
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.visible(&item.vis, &item.ident);
    }

    fn visit_impl_item_fn(&mut self, method: &'ast syn::ImplItemFn) {
        self.visible(&method.vis, &method.sig.ident);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visible_identifiers_are_checked_for_whole_words() {
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
        let mut findings = Vec::new();
        check(&[source], &mut findings);
        let found: Vec<_> = findings.iter().map(|it| it.message.as_str()).collect();
        assert_eq!(
            found,
            [
                "`answer_all`: use response instead of `answer`",
                "`LookUp`: use poll instead of `look`",
                "`pause`: use delay instead of `pause`",
                "`Told`: use reported instead of `told`",
                "`worded`: use GatewayErrorStream instead of `worded`",
                "`go`: use execute instead of `go`",
            ]
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
        listed.retain(|word| !other.contains(word) && WORDS.iter().all(|(known, _)| known != word));
        assert!(listed.is_empty(), "{listed:?}");
    }
}
