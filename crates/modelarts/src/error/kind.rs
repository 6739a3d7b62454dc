//! `ErrorKind`: what happened, and whether the request may have been carried out.

/// The kind of an error, from [`Error::kind`](crate::Error::kind).
///
/// The predicates of [`Error`](crate::Error) say what to do about an error, and are enough for most programs. The
/// documentation of each kind says whether the last attempt may have been carried out;
/// [`is_outcome_unknown`](crate::Error::is_outcome_unknown) covers the earlier attempts as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument was refused. Nothing was sent.
    InvalidArgument,
    /// The client cannot be built or used with its configuration. Nothing was sent.
    Configuration,
    /// There was no connection to the service or its proxy. Nothing was sent.
    Connect,
    /// The certificate of the server is not trusted; a retry would not help. Nothing was sent.
    Certificate,
    /// The connection broke off before the response was complete. The request may have been carried out.
    Interrupted,
    /// The response is not HTTP; a retry would not help. The request may have been carried out.
    Protocol,
    /// One attempt took longer than its time limit. The request may have been carried out.
    AttemptTimeout,
    /// The call, with all its attempts and delays, took longer than its deadline. The request may have been carried
    /// out.
    DeadlineExceeded,
    /// The response does not have a success status; see the [status](crate::Error::status) and the
    /// [class](crate::Error::class).
    Status,
    /// The response reports success but cannot be decoded, and the request was carried out; or it contains an error, whose
    /// [code](crate::Error::code) says more.
    Decode,
    /// A waiter saw a state from which its target cannot be reached.
    WaitFailed,
    /// A waiter ran out of time. The operation that it waited for continues.
    WaitTimeout,
}
