//! The HTML around the text of a page.

/// File name and title of each page, in the order of the navigation.
pub(super) const NAVIGATION: [(&str, &str); 7] = [
    ("index.html", "Start"),
    ("basics.html", "Basics"),
    ("reference.html", "Reference"),
    ("errors.html", "Errors"),
    ("generations.html", "Generations"),
    ("errata.html", "Errata"),
    ("emulator.html", "Emulator"),
];

/// Adds header, navigation and footer to a page.
pub(super) fn framed(file: &str, version: &str, body: &str) -> String {
    let name = NAVIGATION.iter().find(|(page, _)| *page == file);
    let title = name.map_or("", |(_, name)| name);
    let links = NAVIGATION.iter().map(|(page, name)| {
        let current = if *page == file {
            " aria-current=\"page\""
        } else {
            ""
        };
        format!("<a href=\"{page}\"{current}>{name}</a>\n")
    });
    let links: String = links.collect();
    let kind = file.trim_end_matches(".html");
    let foot = if kind == "reference" {
        String::new()
    } else {
        format!("<footer>Documents {version} · <a href=\"licences.txt\">Licences</a></footer>\n")
    };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title} · ModelArts API</title>\n<link rel=\"icon\" href=\"data:,\">\n\
         <link rel=\"stylesheet\" href=\"style.css\">\n</head>\n<body class=\"{kind}\">\n\
         <header><strong>ModelArts API</strong>\n<nav aria-label=\"Pages\">\n{links}</nav></header>\n\
         <main>\n{body}</main>\n{foot}</body>\n</html>\n"
    )
}

/// Adds a search field that filters the entries of a page.
pub(super) fn searchable(body: &str) -> String {
    let (title, rest) = body.split_once("</h1>\n").unwrap_or(("", body));
    format!(
        "{title}</h1>\n<p><input id=\"search\" type=\"search\" placeholder=\"Search this page\" \
         aria-label=\"Search this page\"> <output for=\"search\" id=\"found\"></output></p>\n{rest}\
         <script src=\"search.js\"></script>\n"
    )
}
