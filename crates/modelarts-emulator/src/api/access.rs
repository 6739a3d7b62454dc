//! Access to the state on behalf of a caller.

use crate::app::App;
use crate::domain::{At, State};
use crate::error::ApiResult;
use crate::http::Cx;

impl App {
    /// Reads the state for a caller.
    pub(super) fn read_for<T>(
        &self,
        cx: &Cx,
        read: impl FnOnce(&State, &At<'_>) -> ApiResult<T>,
    ) -> ApiResult<T> {
        let caller = &cx.caller;
        self.read(|state, now| read(state, &At { now, caller }))
    }

    /// Changes the state for a caller. Returns once the change is persisted.
    pub(super) async fn write_for<T>(
        &self,
        cx: &Cx,
        change: impl FnOnce(&mut State, &At<'_>) -> ApiResult<T>,
    ) -> ApiResult<T> {
        let caller = &cx.caller;
        let changed = self.write(|state, now| change(state, &At { now, caller }));
        changed.await
    }
}
