//! Compares limits, defaults and units that a page states with those of the document.

use std::collections::BTreeSet;

use modelarts_document::Schema;
use serde_json::{Number, Value};

use super::report::{Aspect, Kind};
use crate::prose::{self, Stated};

/// A parameter or property in the document.
pub(crate) struct Documented<'a> {
    pub(crate) schema: Schema<'a>,
    /// The descriptions that apply, the nearest first.
    pub(crate) descriptions: Vec<&'a str>,
    pub(crate) default: Option<&'a Value>,
}

/// A compared fact: the aspect, and how page and document differ, if they do.
pub(crate) type Fact = (Aspect, Option<(Kind, String)>);

/// Compares what a page states; limits and defaults only in requests.
pub(crate) fn facts(description: &str, documented: &Documented<'_>, is_request: bool) -> Vec<Fact> {
    let is_list = documented.schema.items().is_some();
    let page = prose::stated(description, is_list);
    let mut facts = Vec::new();
    if is_request {
        limits(&page, documented, &mut facts);
        default(&page, documented, &mut facts);
    }
    if let Some(unit) = page.unit {
        let own = documented
            .descriptions
            .iter()
            .find_map(|text| prose::stated(text, is_list).unit);
        let difference = (own != Some(unit)).then(|| {
            let own = own.unwrap_or("no unit");
            let message = format!("has the unit {unit} on the page and {own} in the document");
            (Kind::Unit, message)
        });
        facts.push((Aspect::Units, difference));
    }
    facts
}

fn limits(page: &Stated, documented: &Documented<'_>, facts: &mut Vec<Fact>) {
    let schema = documented.schema.items().unwrap_or(documented.schema);
    let own = schema.limits();
    let whole = |limit: Option<&Number>| limit.and_then(Number::as_i64);
    let signed = |limit: Option<u64>| limit.and_then(|limit| i64::try_from(limit).ok());
    for (word, listed, own) in [
        ("minLength", signed(page.min_length), signed(own.min_length)),
        ("maxLength", signed(page.max_length), signed(own.max_length)),
        ("minimum", page.minimum, whole(own.minimum)),
        ("maximum", page.maximum, whole(own.maximum)),
        (
            "maxItems",
            signed(page.max_items),
            signed(documented.schema.limits().max_items),
        ),
    ] {
        // A minimum length of 0 is no limit, and pages do not state a minimum of 1.
        let is_idle = word == "minLength" && listed.unwrap_or(0) == 0 && own.unwrap_or(0) <= 1;
        if listed == own && listed.is_none() || is_idle {
            continue;
        }
        let words = |limit: Option<i64>| limit.map_or("none".to_owned(), |limit| limit.to_string());
        let difference = (listed != own).then(|| {
            let message = format!(
                "the page states the {word} {}, the document has {}",
                words(listed),
                words(own)
            );
            (Kind::Limit, message)
        });
        facts.push((Aspect::Limits, difference));
    }
    let taken = own
        .pattern
        .and_then(|pattern| prose::characters_of_pattern(pattern, own.min_length.unwrap_or(1)));
    let message = match (&page.characters, &taken) {
        (None, None) => return,
        (Some(listed), Some(taken)) if listed == taken => None,
        (Some(listed), Some(taken)) => {
            let text = |set: BTreeSet<&char>| set.into_iter().collect::<String>();
            let more = text(taken.difference(listed).collect());
            let less = text(listed.difference(taken).collect());
            Some(format!(
                "the pattern allows `{more}`, which the page does not, and rejects `{less}`, which the page allows"
            ))
        }
        (Some(_), None) => {
            Some("the page restricts the characters, but the document has no pattern".to_owned())
        }
        (None, Some(_)) => Some(
            "the document has a pattern, but the page does not restrict the characters".to_owned(),
        ),
    };
    facts.push((
        Aspect::Limits,
        message.map(|message| (Kind::Limit, message)),
    ));
}

fn default(page: &Stated, documented: &Documented<'_>, facts: &mut Vec<Fact>) {
    let in_words = || {
        documented
            .descriptions
            .iter()
            .find_map(|text| prose::stated(text, false).default)
    };
    let own = match documented.default {
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => Some(other.to_string()),
        None => in_words(),
    };
    if page.default.is_none() && documented.default.is_none() {
        return;
    }
    let difference = (page.default != own).then(|| {
        let words = |default: &Option<String>| default.clone().unwrap_or("none".to_owned());
        let message = format!(
            "the page states the default {}, the document has {}",
            words(&page.default),
            words(&own)
        );
        (Kind::Default, message)
    });
    facts.push((Aspect::Defaults, difference));
}
