//! The extensions that published documents carry; every other one is for the source alone.

/// Name, where it stands, what it means.
const PUBLISHED: [(&str, &str, &str); 12] = [
    (
        "x-extensible-enum",
        "texts and integers",
        "The known values. Others may come; keep what you do not know.",
    ),
    (
        "x-enum-descriptions",
        "beside `x-extensible-enum` or `enum`",
        "A sentence for each value, in the order of the values.",
    ),
    (
        "x-enum-varnames",
        "beside `x-extensible-enum` or `enum`",
        "Names for the values in code, in the order of the values.",
    ),
    (
        "x-states",
        "the enumeration of a status",
        "Every value sorted into `transient` (it changes by itself), `settled`, `failed` and `gone`, each with a list of actions: \
         of a transient value those under way, of a settled or gone one those that end there, of a failed one those that may \
         be tried again. A client that waits goes by it.",
    ),
    (
        "x-idempotent",
        "operations",
        "When true, sending the request twice does no more than once, so it may be sent again after a lost response.",
    ),
    (
        "x-required-when",
        "properties of requests",
        "The condition under which an optional property has to be given.",
    ),
    (
        "x-default",
        "parameters, properties of requests",
        "What the service assumes when nothing is sent. Not `default`, which generated clients would send.",
    ),
    (
        "x-pagination",
        "operations",
        "How a list pages. `style`: the position counts records (`offset`) or pages (`page`, from `first`), or is the text that \
         the page before has in `next` (`token`). `limit` and `offset` or `token`: the parameters. `items`: the property with \
         the records, or several with the same. `total`: the one with their number on all pages. `size`: how many to ask \
         for at once.",
    ),
    (
        "x-since",
        "anything",
        "The revision of the service that brought it.",
    ),
    (
        "x-clouds",
        "anything",
        "The clouds that have it, where not all of them do.",
    ),
    (
        "x-variant",
        "`info`",
        "`open enumerations` or `closed enumerations`: the two differ in nothing else.",
    ),
    (
        "x-emulated",
        "operations",
        "False where the emulator has no answer but status 501.",
    ),
];

/// Whether an extension belongs into published documents.
pub(super) fn is_published(name: &str) -> bool {
    PUBLISHED.iter().any(|(known, ..)| *known == name)
}

/// The page that explains them.
pub(super) fn page() -> String {
    let mut page = String::from(
        "# Extensions\n\nKeywords of the published documents that OpenAPI does not define. A tool that does not know one ignores it.\n\n\
         | extension | stands on | meaning |\n|---|---|---|\n",
    );
    for (name, place, meaning) in PUBLISHED {
        page += &format!("| `{name}` | {place} | {meaning} |\n");
    }
    page
}
