//! The same for many.

use std::future::Future;

use futures::{StreamExt, stream};

use crate::error::Result;

/// What became of one item of [`for_each`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome<K, T> {
    /// The item, an id for example.
    pub item: K,
    /// What its call returned.
    pub result: Result<T>,
}

/// Calls `action` for every item, at most `limit` at a time, and collects every result in the order of the items.
///
/// One failure neither stops nor hides the others, and one that takes long does not hold up those behind it.
///
/// ```no_run
/// # async fn run(client: modelarts::ModelArts, ids: Vec<String>) {
/// let notebooks = client.notebooks();
/// let outcomes = modelarts::for_each(ids, 8, |id| {
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
pub async fn for_each<K, T, F, A>(
    items: impl IntoIterator<Item = K>,
    limit: usize,
    action: F,
) -> Vec<Outcome<K, T>>
where
    K: Clone,
    F: Fn(K) -> A,
    A: Future<Output = Result<T>>,
{
    // Made before anything is awaited: a closure kept across an await would not do for `tokio::spawn`.
    let calls: Vec<_> = items
        .into_iter()
        .enumerate()
        .map(|(number, item)| {
            let call = action(item.clone());
            async move {
                let result = call.await;
                (number, Outcome { item, result })
            }
        })
        .collect();
    let finished = stream::iter(calls).buffer_unordered(limit.max(1));
    let mut outcomes: Vec<_> = finished.collect().await;
    outcomes.sort_unstable_by_key(|(number, _)| *number);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::error::Error;

    #[tokio::test]
    async fn all_results_in_order_and_never_more_than_the_limit() {
        let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let outcomes = for_each(0..20, 3, |n| {
            let (running, most) = (&running, &most);
            async move {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                running.fetch_sub(1, Ordering::SeqCst);
                match n % 2 {
                    0 => Ok(n * 10),
                    _ => Err(Error::argument(format!("{n}"))),
                }
            }
        })
        .await;
        assert_eq!(most.into_inner(), 3);
        assert!(outcomes.iter().map(|outcome| outcome.item).eq(0..20));
        assert_eq!(
            outcomes
                .iter()
                .filter(|outcome| outcome.result.is_err())
                .count(),
            10
        );
    }

    #[tokio::test]
    async fn one_that_takes_long_does_not_hold_up_the_others() {
        let done = AtomicUsize::new(0);
        let outcomes = for_each(0..20, 2, |n| {
            let done = &done;
            async move {
                // The first waits for all others, which share the other place.
                while n == 0 && done.load(Ordering::SeqCst) < 19 {
                    tokio::task::yield_now().await;
                }
                Ok(done.fetch_add(1, Ordering::SeqCst))
            }
        });
        let outcomes = outcomes.await;
        assert_eq!(outcomes[0].result.as_ref().unwrap(), &19);
    }
}
