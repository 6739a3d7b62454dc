//! Formats output with a jq filter.

use anyhow::{Result, anyhow};
use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Filter, Vars, data, unwrap_valr};
use jaq_json::{Val, read};
use serde_json::Value;

use crate::text;

/// Checks the syntax of a filter, so that a wrong one is rejected before any request is sent.
pub(super) fn check(filter: &str) -> Result<()> {
    compile(filter).map(drop)
}

fn compile(filter: &str) -> Result<Filter<data::JustLut<Val>>> {
    let program = File {
        code: filter,
        path: (),
    };
    let definitions = jaq_core::defs()
        .chain(jaq_std::defs())
        .chain(jaq_json::defs());
    let functions = jaq_core::funs()
        .chain(jaq_std::funs())
        .chain(jaq_json::funs());
    let arena = Arena::default();
    let modules = Loader::new(definitions)
        .load(&arena, program)
        .map_err(|_| anyhow!("`{filter}` is not a valid jq filter"))?;
    Compiler::default()
        .with_funs(functions)
        .compile(modules)
        .map_err(|_| anyhow!("`{filter}` uses an undefined jq function or variable"))
}

/// Returns the results of a filter, one per line; strings have no quotes.
pub(super) fn run(filter: &str, input: &Value) -> Result<Vec<String>> {
    let filter = compile(filter)?;
    let input = read::parse_single(input.to_string().as_bytes())
        .map_err(|error| anyhow!("reading the response for jq: {error}"))?;
    let context = Ctx::<data::JustLut<Val>>::new(&filter.lut, Vars::new([]));
    filter
        .id
        .run((context, input))
        .map(|result| match unwrap_valr(result) {
            Ok(Val::TStr(text)) => Ok(text::visible(&String::from_utf8_lossy(&text))),
            Ok(value) => Ok(text::safe_json(&value.to_string())),
            Err(error) => Err(anyhow!("jq: {error}")),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn filters_run() {
        let input = json!({"data": [{"id": "a", "n": 1}, {"id": "b", "n": 2}]});
        assert_eq!(run(".data[].id", &input).unwrap(), ["a", "b"]);
        assert_eq!(run(".data | map(.n) | add", &input).unwrap(), ["3"]);
        assert!(run(".data[", &input).is_err() && run("nope", &input).is_err());
        assert!(run(".data.x", &input).is_err());
    }
}
