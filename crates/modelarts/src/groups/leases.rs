//! How long notebooks may run.

use std::sync::Arc;

use modelarts_client::devenviron::enums::LeaseType;
use modelarts_client::devenviron::types::{Lease, LeaseReq};

use crate::client::ModelArts;
use crate::error::{Result, accepted};
use crate::units::AutoStop;
use crate::wait::{Polled, Verdict, Waiter};

/// Operations on the lease of a notebook, from [`ModelArts::lease`].
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

    /// Lets a running notebook run on: for 1 to 72 hours from now, or without an end.
    ///
    /// # Errors
    /// When the notebook does not run; when the time is not a number of milliseconds that fits.
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

    /// Waits until the lease is another one than it was `before` the renewal: changed since, shorter, longer or without
    /// an end.
    ///
    /// ```no_run
    /// # async fn run(client: modelarts::ModelArts, id: &str) -> modelarts::Result<()> {
    /// use modelarts::AutoStop;
    ///
    /// let before = client.lease().show(id).await?;
    /// client.lease().renew(id, AutoStop::hours(8)).await?;
    /// client.lease().wait_until_renewed(id, &before).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait_until_renewed(&self, notebook_id: &str, before: &Lease) -> Waiter<Lease> {
        let (client, id) = (self.client.clone(), notebook_id.to_owned());
        let before = before.clone();
        Waiter::new(
            format!("the lease of notebook {id} to be renewed"),
            client.poll_settings(),
            Arc::new(move |left| {
                let (leases, id) = (client.for_poll(left).lease(), id.clone());
                let before = before.clone();
                Box::pin(async move {
                    let lease = leases.show(&id).await?;
                    Ok(polled(lease, &before))
                })
            }),
        )
    }
}

fn polled(lease: Lease, before: &Lease) -> Polled<Lease> {
    let endless = lease.enable == Some(false);
    // A read may still show the lease from before; a renewal for a shorter time is one too.
    let terms = |lease: &Lease| (lease.enable, lease.duration);
    let renewed = terms(&lease) != terms(before) || lease.update_at > before.update_at;
    let status = match lease.duration {
        _ if endless => "without an end".to_owned(),
        Some(millis) => format!("{} s", millis / 1000),
        None => "without a duration".to_owned(),
    };
    Polled {
        resource: Some(lease),
        status,
        fail_reason: None,
        progress: None,
        missing: None,
        verdict: if renewed {
            Verdict::Done
        } else {
            Verdict::Wait
        },
        refusal: None,
    }
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
