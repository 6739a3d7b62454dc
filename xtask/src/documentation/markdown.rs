//! Converts Markdown to HTML.

use std::collections::BTreeMap;

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

/// Converts a page. Headings get anchors, and table cells the name of their column, so narrow screens can show rows
/// as lists.
pub(super) fn page(text: &str) -> String {
    let mut body = String::new();
    html::push_html(&mut body, with_columns(with_anchors(text)).into_iter());
    body
}

/// Converts a single line, without a paragraph.
pub(super) fn inline(text: &str) -> String {
    let body = page(text.trim());
    let inner = body.trim();
    let inner = inner.strip_prefix("<p>").unwrap_or(inner);
    inner.strip_suffix("</p>").unwrap_or(inner).to_owned()
}

/// Escapes the special characters of HTML.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn with_anchors(text: &str) -> Vec<Event<'_>> {
    let mut events: Vec<Event<'_>> = Parser::new_ext(text, Options::ENABLE_TABLES).collect();
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    for index in 0..events.len() {
        if !matches!(events[index], Event::Start(Tag::Heading { .. })) {
            continue;
        }
        let mut anchor = anchor(&words(&events[index + 1..]));
        let count = taken.entry(anchor.clone()).or_default();
        *count += 1;
        if *count > 1 {
            anchor = format!("{anchor}-{count}");
        }
        if let Event::Start(Tag::Heading { id, .. }) = &mut events[index] {
            *id = Some(CowStr::from(anchor));
        }
    }
    events
}

/// The text up to the end of the heading or cell.
fn words(events: &[Event<'_>]) -> String {
    let mut text = String::new();
    for event in events {
        match event {
            Event::Text(part) | Event::Code(part) => text += part,
            Event::End(TagEnd::Heading(_) | TagEnd::TableCell) => break,
            _ => {}
        }
    }
    text
}

fn anchor(text: &str) -> String {
    let letters = text.chars().map(|letter| {
        if letter.is_alphanumeric() {
            letter.to_ascii_lowercase()
        } else {
            '-'
        }
    });
    let letters: String = letters.collect();
    let parts = letters.split('-').filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-")
}

fn with_columns(events: Vec<Event<'_>>) -> Vec<Event<'_>> {
    let mut columns: Vec<String> = Vec::new();
    let mut is_head = false;
    let mut column = 0;
    let mut written = Vec::with_capacity(events.len());
    for (index, event) in events.iter().enumerate() {
        match event {
            Event::Start(Tag::Table(_)) => {
                columns.clear();
                written.push(Event::Html("<div class=\"table\">".into()));
                written.push(event.clone());
            }
            Event::End(TagEnd::Table) => {
                written.push(event.clone());
                written.push(Event::Html("</div>\n".into()));
            }
            Event::Start(Tag::TableHead) => {
                is_head = true;
                written.push(event.clone());
            }
            Event::End(TagEnd::TableHead) => {
                is_head = false;
                written.push(event.clone());
            }
            Event::Start(Tag::TableRow) => {
                column = 0;
                written.push(event.clone());
            }
            Event::Start(Tag::TableCell) if is_head => {
                columns.push(words(&events[index + 1..]));
                written.push(event.clone());
            }
            Event::Start(Tag::TableCell) => {
                let label = columns.get(column).map_or("", String::as_str);
                written.push(Event::Html(
                    format!("<td data-column=\"{}\">", escaped(label)).into(),
                ));
                column += 1;
            }
            Event::End(TagEnd::TableCell) if !is_head => {
                written.push(Event::Html("</td>".into()));
            }
            other => written.push(other.clone()),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_can_be_linked_to_even_if_two_are_the_same() {
        assert_eq!(
            page("## Signing in\n\n## Signing `in`\n"),
            "<h2 id=\"signing-in\">Signing in</h2>\n<h2 id=\"signing-in-2\">Signing <code>in</code></h2>\n"
        );
    }

    #[test]
    fn cells_know_their_column() {
        let body = page("| a & b | c |\n|---|---|\n| 1 | 2 |\n");
        assert!(
            body.contains("<td data-column=\"a &amp; b\">1</td><td data-column=\"c\">2</td>"),
            "{body}"
        );
        assert!(body.starts_with("<div class=\"table\"><table>"), "{body}");
        assert!(body.trim_end().ends_with("</table>\n</div>"), "{body}");
    }

    #[test]
    fn a_line_has_no_paragraph_and_no_markup_of_its_own() {
        assert_eq!(
            inline("Use `a<b>` & go."),
            "Use <code>a&lt;b&gt;</code> &amp; go."
        );
    }
}
