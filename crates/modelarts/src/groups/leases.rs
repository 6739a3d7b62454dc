//! How long notebooks may run.

use modelarts_client::devenviron::enums::LeaseType;
use modelarts_client::devenviron::types::{Lease, LeaseReq};

use crate::client::ModelArts;
use crate::clock::BoxFuture;
use crate::error::{Result, accepted};
use crate::units::AutoStop;
use crate::wait::{PollContext, PollFn, Polled, Verdict, Waiter};

/// Operations on the lease of a notebook, from [`ModelArts::leases`].
#[derive(Clone, Debug)]
pub struct Leases {
    client: ModelArts,
}

impl Leases {
    pub(crate) fn new(client: &ModelArts) -> Self {
        Self {
            client: client.clone(),
        }
    }

    /// Reads the lease of a notebook.
    ///
    /// # Errors
    /// [`is_not_found`](crate::Error::is_not_found) when the notebook does not exist.
    pub async fn show(&self, notebook_id: &str) -> Result<Lease> {
        let request = self
            .client
            .api()
            .show_lease()
            .project_id(self.client.project_id())
            .id(notebook_id);
        self.client.execute(request.prepare()?).await
    }

    /// Renews the lease of a running notebook: for 1 to 72 hours from now, or without an end.
    ///
    /// # Errors
    /// When the notebook is not running, or when the duration does not fit the API's milliseconds.
    pub async fn renew(&self, notebook_id: &str, auto_stop: AutoStop) -> Result<Lease> {
        let body = LeaseReq::builder()
            .duration(auto_stop.as_millis()?)
            .type_(LeaseType::Timing);
        let request = self
            .client
            .api()
            .renew_lease()
            .project_id(self.client.project_id())
            .id(notebook_id)
            .body(body);
        let response = self.client.execute(request.prepare()?).await;
        accepted(response)
    }

    /// Waits until the lease differs from what it was `before` the renewal: changed since, shorter, longer or without
    /// an end.
    ///
    /// ```no_run
    /// # async fn run(client: modelarts::ModelArts, id: &str) -> modelarts::Result<()> {
    /// use modelarts::AutoStop;
    ///
    /// let before = client.leases().show(id).await?;
    /// client.leases().renew(id, AutoStop::hours(8)).await?;
    /// client.leases().wait_until_renewed(id, &before).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait_until_renewed(&self, notebook_id: &str, before: &Lease) -> Waiter<Lease> {
        let renewal = Renewal {
            client: self.client.clone(),
            notebook_id: notebook_id.to_owned(),
            before: before.clone(),
        };
        Waiter::new(
            format!("the lease of notebook {notebook_id} to be renewed"),
            self.client.poll_settings(),
            renewal,
            |last| last,
        )
    }
}

/// Reads a lease until it differs from the earlier one.
struct Renewal {
    client: ModelArts,
    notebook_id: String,
    before: Lease,
}

impl PollFn<Lease> for Renewal {
    fn poll(&mut self, context: PollContext) -> BoxFuture<'_, Result<Polled<Lease>>> {
        Box::pin(async move {
            let leases = self.client.for_poll(context.left).leases();
            match leases.show(&self.notebook_id).await {
                Ok(lease) => Ok(polled(lease, &self.before)),
                Err(error) if error.is_not_found() && context.may_lag() => {
                    Ok(Polled::absent(Verdict::Wait))
                }
                Err(error) => Err(error),
            }
        })
    }
}

fn polled(lease: Lease, before: &Lease) -> Polled<Lease> {
    let endless = lease.enable == Some(false);
    // A read may still show the lease from before the renewal, and a renewal may shorten it.
    let terms = |lease: &Lease| (lease.enable, lease.duration);
    let renewed = terms(&lease) != terms(before) || lease.update_at > before.update_at;
    let status = match lease.duration {
        _ if endless => "without an end".to_owned(),
        Some(millis) => format!("{} s", millis / 1000),
        None => "without a duration".to_owned(),
    };
    let verdict = match renewed {
        true => Verdict::Done,
        false => Verdict::Wait,
    };
    Polled::new(lease, status, verdict)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renewed_is_whatever_differs_from_before() {
        let lease = |duration: i64, update_at: i64| {
            let mut lease = Lease::default();
            lease.duration = Some(duration);
            lease.enable = Some(duration >= 0);
            lease.update_at = Some(update_at);
            lease
        };
        let verdict = |before: Lease, after: Lease| polled(after, &before).verdict;
        let hour = || lease(3_600_000, 1);
        assert_eq!(verdict(hour(), hour()), Verdict::Wait);
        assert_eq!(verdict(hour(), lease(3_600_000, 2)), Verdict::Done);
        assert_eq!(verdict(hour(), lease(7_200_000, 1)), Verdict::Done);
        assert_eq!(verdict(lease(7_200_000, 1), hour()), Verdict::Done);
        assert_eq!(verdict(hour(), lease(-1, 1)), Verdict::Done);
        assert_eq!(verdict(lease(-1, 1), lease(-1, 1)), Verdict::Wait);
        assert_eq!(verdict(lease(-1, 1), hour()), Verdict::Done);
    }
}
