//! The extensions in published documents; all others exist only in the source.

/// Name, place, meaning.
const PUBLISHED: [(&str, &str, &str); 12] = [
    (
        "x-extensible-enum",
        "strings and integers",
        "Known values. Other values may be added; preserve unknown values.",
    ),
    (
        "x-enum-descriptions",
        "next to `x-extensible-enum` or `enum`",
        "A sentence for each value, in the order of the values.",
    ),
    (
        "x-enum-varnames",
        "next to `x-extensible-enum` or `enum`",
        "Names for the values in code, in the order of the values.",
    ),
    (
        "x-states",
        "the enumeration of a status",
        "Assigns every value to `transient` (changes without further requests), `settled`, `failed` or `gone`, with a list of \
         actions: for a transient value the actions in progress, for a settled or gone value the actions that end in it, for a \
         failed value the actions that can be retried. For clients that wait.",
    ),
    (
        "x-idempotent",
        "operations",
        "If true, repeating the request has no further effect, so it can be retried after a lost response.",
    ),
    (
        "x-required-when",
        "properties of requests",
        "Condition under which an optional property is required.",
    ),
    (
        "x-default",
        "parameters, properties of requests",
        "Value that the service assumes if nothing is sent. Not `default`, because generated clients would send it.",
    ),
    (
        "x-pagination",
        "operations",
        "How a list is paged. `style`: the position counts records (`offset`) or pages (`page`, from `first`), or is the `next` \
         value of the previous page (`token`). `limit` and `offset` or `token`: names of the parameters. `items`: name of the \
         property with the records, or of several with the same records. `total`: name of the property with the number of \
         records on all pages. `size`: number of records to request at a time.",
    ),
    (
        "x-since",
        "anything",
        "Service revision that introduced it.",
    ),
    (
        "x-clouds",
        "anything",
        "Clouds that support it, if not all of them do.",
    ),
    (
        "x-variant",
        "`info`",
        "`open enumerations` or `closed enumerations`: the only difference between the two.",
    ),
    (
        "x-emulated",
        "operations",
        "False if the emulator only returns status 501.",
    ),
];

/// Whether published documents contain the extension.
pub(super) fn is_published(name: &str) -> bool {
    PUBLISHED.iter().any(|(known, ..)| *known == name)
}

/// The page that explains the extensions.
pub(super) fn page() -> String {
    let mut page = String::from(
        "# Extensions\n\nThe published documents use these keywords, which OpenAPI does not define. Tools ignore keywords that they do \
         not know.\n\n\
         | extension | used on | meaning |\n|---|---|---|\n",
    );
    for (name, place, meaning) in PUBLISHED {
        page += &format!("| `{name}` | {place} | {meaning} |\n");
    }
    page
}
