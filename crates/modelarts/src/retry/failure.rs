//! What failures mean for retries.

/// What a failed attempt means for the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// Refused for too many requests.
    Throttled,
    /// The request never left.
    NoConnection,
    /// The service or a gateway cannot respond for now; the request may have been carried out.
    Unavailable,
    /// No complete response came; the request may have been carried out.
    Broken,
    /// Repeating would not help.
    Final,
}

impl FailureKind {
    /// In a few words.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::NoConnection => "no connection",
            Self::Unavailable => "service unavailable",
            Self::Broken => "no complete response",
            Self::Final => "refused",
        }
    }
}
