//! Line ends at the end of a text that was read from a file or a prompt.

/// Removes the line end from a text. Blanks stay: a password may begin or end with one.
pub(crate) fn without_line_end(text: &str) -> &str {
    text.trim_end_matches(['\r', '\n'])
}
