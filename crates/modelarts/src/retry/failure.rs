//! The kinds of failures, as far as retries depend on them.

/// The kind of a failed attempt, which decides whether it is retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// Refused because of too many requests.
    Throttled,
    /// The request was not sent.
    NoConnection,
    /// The service or a gateway is temporarily unavailable; the request may have been carried out.
    Unavailable,
    /// No complete response was received; the request may have been carried out.
    Broken,
    /// A retry would not help.
    Final,
}

impl FailureKind {
    /// Whether a request that failed like this may have been carried out.
    pub(crate) fn may_have_been_carried_out(self) -> bool {
        matches!(self, Self::Unavailable | Self::Broken)
    }

    /// The kind in a few words, for the log.
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
