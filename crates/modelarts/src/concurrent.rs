//! Running one operation on many items concurrently.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures::stream::{FuturesUnordered, StreamExt};
use futures::{FutureExt, future};

/// The outcome of one item of [`map_concurrent`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome<K, T, E = crate::Error> {
    /// The item, for example an ID.
    pub item: K,
    /// The result of its call.
    pub result: Result<T, ItemError<E>>,
}

/// Why an item of [`map_concurrent`] has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ItemError<E> {
    /// Its call returned this error.
    Failed(E),
    /// Its call panicked with this message.
    Panicked(String),
}

impl<E> ItemError<E> {
    /// Returns the error of the call; `None` if it panicked.
    pub fn failure(&self) -> Option<&E> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Panicked(_) => None,
        }
    }
}

impl<E: fmt::Display> fmt::Display for ItemError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::Panicked(message) => write!(f, "panicked: {message}"),
        }
    }
}

impl<E: std::error::Error> std::error::Error for ItemError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // `Display` already shows the error itself, so the chain continues with its source.
        self.failure().and_then(std::error::Error::source)
    }
}

/// Calls `action` for every item, at most `limit` at a time, and collects every result in the order of the items.
///
/// `action` is called for an item only once fewer than `limit` calls are running. A failure neither stops nor hides
/// the other calls, a panic fails only its own item, and a slow call does not hold up the items after it. A limit of
/// 0 is treated as 1.
///
/// ```no_run
/// # async fn run(client: modelarts::ModelArts, ids: Vec<String>) {
/// let notebooks = client.notebooks();
/// let outcomes = modelarts::map_concurrent(ids, 8, |id| {
///     let notebooks = notebooks.clone();
///     async move { notebooks.ensure_stopped(&id).await }
/// })
/// .await;
/// for outcome in outcomes {
///     match outcome.result {
///         Ok(_) => println!("{} stopped", outcome.item),
///         Err(error) => eprintln!("{}: {error}", outcome.item),
///     }
/// }
/// # }
/// ```
pub async fn map_concurrent<K, T, E, F, A>(
    items: impl IntoIterator<Item = K>,
    limit: usize,
    action: F,
) -> Vec<Outcome<K, T, E>>
where
    K: Clone,
    F: Fn(K) -> A,
    A: Future<Output = Result<T, E>>,
{
    // Collected because an iterator held across an await would have to be `Send` for `tokio::spawn`.
    let mut waiting = items
        .into_iter()
        .collect::<Vec<_>>()
        .into_iter()
        .enumerate();
    let limit = limit.max(1);
    let mut running = FuturesUnordered::new();
    let mut outcomes = Vec::with_capacity(waiting.len());
    loop {
        while running.len() < limit
            && let Some((number, item)) = waiting.next()
        {
            let call = catch_unwind(AssertUnwindSafe(|| action(item.clone())));
            running.push(async move {
                let result = match call {
                    Ok(call) => AssertUnwindSafe(call).catch_unwind().await,
                    Err(panic) => future::ready(Err(panic)).await,
                };
                let result = match result {
                    Ok(result) => result.map_err(ItemError::Failed),
                    Err(panic) => Err(ItemError::Panicked(message(&*panic))),
                };
                (number, Outcome { item, result })
            });
        }
        match running.next().await {
            Some(outcome) => outcomes.push(outcome),
            None => break,
        }
    }
    outcomes.sort_unstable_by_key(|(number, _)| *number);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a message").to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn all_results_in_order_and_never_more_than_the_limit() {
        let (called, running, most) = (
            AtomicUsize::new(0),
            AtomicUsize::new(0),
            AtomicUsize::new(0),
        );
        let finished = AtomicUsize::new(0);
        let outcomes = map_concurrent(0..20, 3, |n| {
            let open = called.fetch_add(1, Ordering::SeqCst) + 1 - finished.load(Ordering::SeqCst);
            assert!(open <= 3, "{open} were begun at once");
            let (running, most, finished) = (&running, &most, &finished);
            async move {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                running.fetch_sub(1, Ordering::SeqCst);
                finished.fetch_add(1, Ordering::SeqCst);
                match n % 2 {
                    0 => Ok(n * 10),
                    _ => Err(n),
                }
            }
        })
        .await;
        assert_eq!(most.into_inner(), 3);
        assert!(outcomes.iter().map(|outcome| outcome.item).eq(0..20));
        let failed = outcomes
            .iter()
            .filter_map(|outcome| outcome.result.as_ref().err());
        assert!(
            failed
                .map(|error| *error.failure().unwrap())
                .eq((0..20).filter(|n| n % 2 == 1))
        );
    }

    #[tokio::test]
    async fn one_that_takes_long_does_not_hold_up_the_others() {
        let done = AtomicUsize::new(0);
        let outcomes = map_concurrent(0..20, 2, |n| {
            let done = &done;
            async move {
                // The first call waits for all others, which share the second slot.
                while n == 0 && done.load(Ordering::SeqCst) < 19 {
                    tokio::task::yield_now().await;
                }
                Ok::<_, crate::Error>(done.fetch_add(1, Ordering::SeqCst))
            }
        });
        let outcomes = outcomes.await;
        assert_eq!(outcomes[0].result.as_ref().unwrap(), &19);
    }

    #[tokio::test]
    async fn a_panic_is_the_failure_of_its_item_alone() {
        let outcomes = map_concurrent(0..4, 2, |n| {
            assert_ne!(n, 1, "before it began");
            async move {
                assert_ne!(n, 2, "on its way");
                Ok::<_, String>(n)
            }
        })
        .await;
        let messages: Vec<_> = outcomes
            .iter()
            .map(|outcome| match &outcome.result {
                Ok(n) => n.to_string(),
                Err(error) => error
                    .to_string()
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            })
            .collect();
        assert_eq!((messages[0].as_str(), messages[3].as_str()), ("0", "3"));
        assert!(messages[1].contains("before it began"), "{messages:?}");
        assert!(messages[2].contains("on its way"), "{messages:?}");
    }
}
