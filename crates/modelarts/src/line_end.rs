//! Ends of lines that stick to what was read from a file or a prompt.

/// A password may begin or end with a blank, but never with the end of the line that it was read from.
pub(crate) fn without_line_end(text: &str) -> &str {
    text.trim_end_matches(['\r', '\n'])
}
