//! The page of error codes, generated from the error catalogue.

use std::fmt::Write as _;

use super::layout::searchable;
use super::markdown::{escaped, inline};
use crate::catalogue::{Catalogue, Meaning};

/// Prefixes of codes, each with the heading of its section.
const SOURCES: [(&str, &str); 4] = [
    ("ModelArts.", "ModelArts"),
    ("APIGW.", "Gateway in front of the services"),
    ("APIG.", "API gateway"),
    ("IAM.", "Identity service"),
];

pub(super) fn page(catalogue: &Catalogue) -> String {
    let mut body = format!(
        "<h1>Error codes</h1>\n<p>{} codes, each with its meaning and its remedy. The class states how a program should handle \
         the error. <a href=\"basics.html#errors\">Errors</a> describes what all errors have in common.</p>\n",
        catalogue.errors.len()
    );
    for (prefix, name) in SOURCES {
        let entries = catalogue
            .errors
            .iter()
            .filter(|entry| entry.code.starts_with(prefix));
        let mut list = String::new();
        for entry in entries {
            let code = escaped(&entry.code);
            let statuses: Vec<_> = entry.statuses.iter().map(u16::to_string).collect();
            list += &format!(
                "<section class=\"entry\" id=\"{code}\">\n<h3><a href=\"#{code}\">{code}</a> <small>{}</small></h3>\n{}",
                statuses.join(", "),
                meaning(&entry.meaning)
            );
            for (status, it) in &entry.by_status {
                let _ = write!(list, "<h4>With status {status}</h4>\n{}", meaning(it));
            }
            list += "</section>\n";
        }
        if !list.is_empty() {
            body += &format!("<h2>{name}</h2>\n{list}");
        }
    }
    searchable(&body)
}

fn meaning(meaning: &Meaning) -> String {
    format!(
        "<p><span class=\"class\">{}</span> {}</p>\n<p class=\"remedy\">{}</p>\n",
        escaped(&meaning.class),
        inline(&meaning.meaning),
        inline(&meaning.remedy)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_on_the_page_with_its_remedies() {
        let catalogue = Catalogue::read(&crate::workspace::root()).unwrap();
        let page = page(&catalogue);
        for entry in &catalogue.errors {
            assert!(
                page.contains(&format!("id=\"{}\"", entry.code)),
                "{}",
                entry.code
            );
            let meanings = entry.by_status.values().chain([&entry.meaning]);
            for meaning in meanings {
                assert!(page.contains(&inline(&meaning.remedy)), "{}", entry.code);
            }
        }
    }
}
