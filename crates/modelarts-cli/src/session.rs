//! The session of a command: the client, the flags, and the printer for its nouns.

use std::sync::Arc;

use modelarts::{Clock as _, ModelArts, PollPolicy, SystemClock, Timestamp};
use serde_json::Value;

use crate::connection::Global;
use crate::document;
use crate::embedded::Embedded;
use crate::exchange::{Items, Request};
use crate::failure::{Exit, Failure};
use crate::noun::Noun;
use crate::output::table::{self, Layout};
use crate::output::{self, Format};
use crate::schema;
use crate::tokens::Tokens;

pub(crate) struct Session {
    pub(crate) client: ModelArts,
    pub(crate) global: Global,
    /// The emulator, which serves until the command ends.
    emulator: Option<Embedded>,
}

impl Session {
    pub(crate) async fn start(global: &Global) -> Result<Self, Failure> {
        Self::with_tokens(global, global.tokens(false)).await
    }

    /// Starts a session with this token cache, or without one.
    pub(crate) async fn with_tokens(
        global: &Global,
        tokens: Option<Arc<Tokens>>,
    ) -> Result<Self, Failure> {
        global.observe()?;
        let emulator = match global.connection.emulator {
            true => Some(Embedded::start().await?),
            false => None,
        };
        Ok(Self {
            client: global.client(emulator.as_ref(), tokens).await?,
            global: global.clone(),
            emulator,
        })
    }

    /// Returns the service and project in which ids are unique, in a form that is the same for each command.
    pub(crate) fn scope(&self) -> String {
        let endpoint = match self.emulator {
            // Its port differs each time.
            Some(Embedded::Own { .. }) => "emulator",
            _ => self.client.endpoint(),
        };
        format!("{endpoint} {}", self.client.project_id())
    }

    pub(crate) fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    pub(crate) async fn send(&self, request: Request) -> Result<Option<Value>, Failure> {
        let described = request.operation.body.as_ref();
        if let (Some(described), Some(body)) = (described, &request.body) {
            let problems = schema::problems(described.schema, body);
            if !problems.is_empty() {
                let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
                let message = format!("{}: {}", request.operation.id, problems.join("; "));
                return Err(Failure::new(Exit::Usage, message));
            }
        }
        request.warn_of_unknown_values();
        request.send(&self.client).await
    }

    /// Reads a resource of a noun.
    pub(crate) async fn show(&self, noun: &Noun, id: &str) -> Result<Value, Failure> {
        let (operation, parameter) = noun.show.unwrap_or_default();
        let request = Request::of(operation)?.path(parameter, id);
        Ok(self.send(request).await?.unwrap_or_default())
    }

    /// Reads the items of a list: all of them, or at most `most`.
    pub(crate) async fn list(
        &self,
        request: Request,
        most: Option<usize>,
    ) -> Result<Items, Failure> {
        request.warn_of_unknown_values();
        request.items(&self.client, most).await
    }

    /// Returns the poll policy, from `--timeout` and the interval of the command.
    pub(crate) fn policy(&self, interval: Option<std::time::Duration>) -> PollPolicy {
        let mut policy = PollPolicy::default();
        if let Some(interval) = interval {
            policy = policy.initial_delay(interval).interval(interval);
        }
        if let Some(timeout) = self.global.connection.timeout {
            policy = policy.deadline(timeout);
        }
        policy
    }

    pub(crate) fn hidden(&self, noun: &Noun, value: &Value, of_list: bool) -> Value {
        let mut value = value.clone();
        if self.global.printing.show_secrets {
            return value;
        }
        let operation = match (of_list, noun.show) {
            (false, Some((show, _))) => show,
            _ => noun.list,
        };
        let schema = document::find(operation).and_then(|operation| operation.response);
        if let Some(schema) = schema {
            match of_list {
                true => schema
                    .properties()
                    .filter_map(|(_, property)| property.items())
                    .for_each(|items| output::hide_secrets(&mut value, items)),
                false => output::hide_secrets(&mut value, schema),
            }
        }
        value
    }

    /// Prints one resource.
    pub(crate) fn print(&self, noun: &Noun, value: &Value) -> Result<(), Failure> {
        let value = self.hidden(noun, value, false);
        let one = std::slice::from_ref(&value);
        match self.format() {
            Format::Table => table::details(noun, &value, self.now())?,
            Format::Name => match identity(&value) {
                name if name.is_empty() => {
                    let message = format!("a {} has neither an ID nor a name", noun.name);
                    return Err(Failure::new(Exit::Usage, message));
                }
                name => output::line(&name)?,
            },
            Format::Csv => {
                let columns = table::columns(
                    noun,
                    &Layout {
                        wide: true,
                        ..Layout::default()
                    },
                )?;
                table::csv(&columns, one, self.now())?;
            }
            other => output::data(&other, &value)?,
        }
        Ok(())
    }

    /// Prints a list.
    pub(crate) fn print_all(
        &self,
        noun: &Noun,
        layout: &Layout,
        found: Items,
    ) -> Result<(), Failure> {
        let mut items: Vec<_> = found
            .items
            .iter()
            .map(|item| self.hidden(noun, item, true))
            .collect();
        let now = self.now();
        table::sort(noun, layout, &mut items, now).map_err(Failure::usage)?;
        let columns = table::columns(noun, layout).map_err(Failure::usage)?;
        match self.format() {
            Format::Table if items.is_empty() => output::note(&format!("no {} found", noun.plural)),
            Format::Table => table::print(&columns, &items, now)?,
            Format::Csv => table::csv(&columns, &items, now)?,
            Format::Name => items
                .iter()
                .try_for_each(|item| output::line(&identity(item)))?,
            other => output::data(&other, &Value::Array(items))?,
        }
        if !found.complete {
            output::note("there are more results; raise or omit --limit");
        }
        Ok(())
    }

    pub(crate) fn format(&self) -> Format {
        self.global.printing.output.clone().unwrap_or(Format::Table)
    }
}

/// Returns the identifier to pass to the next command.
pub(crate) fn identity(value: &Value) -> String {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    crate::text::one_line(text("id").or_else(|| text("name")).unwrap_or_default())
}
