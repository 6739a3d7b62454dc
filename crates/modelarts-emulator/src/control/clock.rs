//! Routes of the clock.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::error::{ControlError, ControlResult, bad_request};
use super::extract::Body;
use crate::app::App;
use crate::clock::{ClockReading, FASTEST, LATEST, Millis};

#[utoipa::path(
    get, path = "/_emulator/clock", operation_id = "showClock", tag = "Clock", summary = "Get the emulated time",
    responses((status = 200, description = "The time.", body = ClockReading))
)]
pub(super) async fn show_clock(State(app): State<Arc<App>>) -> Json<ClockReading> {
    Json(app.clock.reading())
}

/// A change to the clock. All given properties are applied, in this order.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ClockChange {
    /// `true` switches to manual mode, in which the clock only moves when it is advanced.
    manual: bool,
    /// Emulated seconds per real second, more than 0.
    scale: Option<f64>,
    /// `true` stops the clock, `false` resumes it.
    frozen: Option<bool>,
    /// By how many milliseconds to advance the clock.
    advance_ms: Option<u64>,
    /// The time to advance the clock to, in milliseconds since the epoch.
    advance_to: Option<i64>,
}

#[utoipa::path(
    post, path = "/_emulator/clock", operation_id = "setClock", tag = "Clock", summary = "Advance, scale or stop the time",
    request_body = ClockChange,
    responses(
        (status = 200, description = "The time after the change.", body = ClockReading),
        (status = 400, description = "The change is not possible; no part of it was applied.", body = ControlError)
    )
)]
pub(super) async fn set_clock(
    State(app): State<Arc<App>>,
    Body(change): Body<ClockChange>,
) -> ControlResult<ClockReading> {
    let clock = &app.clock;
    change.check(clock.now_millis()).map_err(bad_request)?;
    if change.manual {
        clock.set_manual();
    }
    if let Some(scale) = change.scale {
        clock.set_scale(scale);
    }
    match change.frozen {
        Some(true) => clock.freeze(),
        Some(false) => clock.resume(),
        None => {}
    }
    if let Some(by) = change.advance_ms {
        clock.advance(Duration::from_millis(by));
    }
    if let Some(target) = change.advance_to {
        clock.advance_to(target);
    }
    Ok(Json(clock.reading()))
}

impl ClockChange {
    /// Rejects a change that cannot be applied as a whole.
    fn check(&self, now: Millis) -> Result<(), String> {
        if let Some(scale) = self.scale
            && !(scale.is_finite() && scale > 0.0 && scale <= FASTEST)
        {
            return Err(format!(
                "scale must be more than 0 and at most {FASTEST}; use frozen to stop the time"
            ));
        }
        if self.manual && self.scale.is_some() {
            return Err("manual and scale cannot be combined; send only one of them".into());
        }
        let after = i64::try_from(self.advance_ms.unwrap_or_default())
            .ok()
            .and_then(|by| now.checked_add(by))
            .filter(|after| *after <= LATEST)
            .ok_or_else(|| {
                format!(
                    "advance_ms must not move the time beyond 9999-01-01 ({LATEST}), the end of the clock's range"
                )
            })?;
        match self.advance_to {
            Some(target) if target > LATEST => Err(format!(
                "advance_to must not be later than 9999-01-01 ({LATEST}), the end of the clock's range"
            )),
            Some(target) if target < after => Err(format!(
                "advance_to must not be earlier than the present time ({after}); to go back in time, restore a snapshot"
            )),
            _ => Ok(()),
        }
    }
}
