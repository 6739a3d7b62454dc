//! Tag `Lease`.

use modelarts_client::devenviron::types;

use crate::app::App;
use crate::error::ApiResult;
use crate::generated::devenviron::{Lease, RenewLeaseQuery, RenewLeaseResponse};
use crate::http::{Cx, Reply};

impl Lease for App {
    async fn show_lease(&self, cx: &Cx, id: &str) -> ApiResult<Reply<types::Lease>> {
        let lease = self.read_for(cx, |state, at| state.show_lease(at, id))?;
        Ok(lease.into())
    }

    async fn renew_lease(
        &self,
        cx: &Cx,
        id: &str,
        query: RenewLeaseQuery,
        body: Option<types::LeaseReq>,
    ) -> ApiResult<RenewLeaseResponse> {
        let lease = self.write_for(cx, |state, at| {
            state.renew_lease(at, id, query.duration, body.as_ref())
        });
        Ok(RenewLeaseResponse::Ok(lease.await?.into()))
    }
}
