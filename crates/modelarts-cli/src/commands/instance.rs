//! `modelarts instance`

use clap::{Args, Subcommand};
use modelarts::devenviron::enums::DevEnvStorageType;
use modelarts::devenviron::types::DevEnvInstanceAction;
use serde_json::{Value, json};

use super::auto_stop::{InstanceStop, auto_stop_notice};
use super::names::InstanceName;
use super::{Limit, generations};
use crate::bulk::{Bulk, Filter};
use crate::exchange::Request;
use crate::failure::{Exit, Failure};
use crate::lifecycle::{Action, Generation, Target, manage};
use crate::noun::INSTANCE;
use crate::output;
use crate::output::table::Layout;
use crate::session::{Session, identity};
use crate::waiting::{Interval, Wait};

/// Manage development environment instances (the old generation of the API)
#[derive(Subcommand)]
pub(crate) enum Command {
    /// List instances
    #[command(after_help = "Example: modelarts instance list --wide")]
    List {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        limit: Limit,
        #[command(flatten)]
        layout: Layout,
    },
    /// Show an instance
    #[command(after_help = "Example: modelarts instance show demo -o yaml")]
    Show(InstanceName),
    /// Create an instance
    #[command(
        override_usage = "modelarts instance create [OPTIONS] <NAME> \\\n           --profile-id <ID> --flavor <NAME>",
        after_help = "Example: modelarts instance create demo --profile-id 'Multi-Engine 1.0 (python3)-cpu' --flavor modelarts.vm.cpu.2u --path /bucket/notebooks/ --for 2h"
    )]
    Create(Create),
    /// Update the description or the automatic stop of an instance
    #[command(after_help = "Example: modelarts instance update demo --for 4h")]
    Update {
        #[command(flatten)]
        instance: InstanceName,
        /// New description
        #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
        description: Option<String>,
        #[command(flatten)]
        stop: InstanceStop,
    },
    /// Start an instance
    #[command(after_help = "Example: modelarts instance start demo --wait")]
    Start {
        #[command(flatten)]
        instance: InstanceName,
        #[command(flatten)]
        wait: Wait,
    },
    /// Stop one or more instances
    #[command(after_help = "Example: modelarts instance stop --all --yes")]
    Stop(Bulk),
    /// Restart an ML Studio instance
    #[command(after_help = "Example: modelarts instance restart studio --wait")]
    Restart {
        #[command(flatten)]
        instance: InstanceName,
        #[command(flatten)]
        wait: Wait,
    },
    /// Delete one or more instances
    #[command(after_help = "Example: modelarts instance delete demo --yes --wait")]
    Delete(Bulk),
    /// Wait until an instance is running, stopped or deleted
    #[command(after_help = "Example: modelarts instance wait demo --for stopped")]
    Wait {
        #[command(flatten)]
        instance: InstanceName,
        /// State to wait for
        #[arg(long = "for", value_enum, value_name = "STATE")]
        target: Target,
        #[command(flatten)]
        interval: Interval,
    },
}

#[derive(Args)]
pub(crate) struct Create {
    /// Name of the instance
    name: String,
    /// Profile ID, which determines the image and the hardware
    #[arg(long, value_name = "ID")]
    profile_id: String,
    /// Flavor name
    #[arg(long, value_name = "NAME")]
    flavor: String,
    /// Storage type for the files [default: obs]
    #[arg(long, value_name = "TYPE")]
    storage: Option<String>,
    /// Folder in the storage, such as /bucket/notebooks/
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// Description
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    description: Option<String>,
    #[command(flatten)]
    stop: InstanceStop,
    #[command(flatten)]
    wait: Wait,
}

pub(crate) async fn run(command: Command, session: &Session) -> Result<(), Failure> {
    const INSTANCES: Generation = Generation::Instance;
    match command {
        Command::List {
            filter,
            limit,
            layout,
        } => {
            let request = INSTANCE.listing()?;
            generations::list(session, INSTANCES, request, &filter, &limit, &layout).await
        }
        Command::Show(instance) => {
            let id = instance.resolve(session).await?;
            session.print(&INSTANCE, &session.show(&INSTANCE, &id).await?)
        }
        Command::Create(create) => create.run(session).await,
        Command::Update {
            instance,
            description,
            stop,
        } => update(session, &instance, description.as_deref(), &stop).await,
        Command::Start { instance, wait } => {
            send_action(session, &instance, DevEnvInstanceAction::Start, &wait).await
        }
        Command::Restart { instance, wait } => {
            send_action(session, &instance, DevEnvInstanceAction::Restart, &wait).await
        }
        Command::Stop(bulk) => bulk.run(session, INSTANCES, Action::Stop).await,
        Command::Delete(bulk) => bulk.run(session, INSTANCES, Action::Delete).await,
        Command::Wait {
            instance,
            target,
            interval,
        } => {
            let id = instance.resolve(session).await?;
            let name = instance.as_entered();
            generations::wait(session, INSTANCES, &id, name, target, &interval).await
        }
    }
}

async fn update(
    session: &Session,
    instance: &InstanceName,
    description: Option<&str>,
    stop: &InstanceStop,
) -> Result<(), Failure> {
    let auto_stop = stop.body()?;
    if description.is_none() && auto_stop.is_none() {
        return Err(Failure::new(
            Exit::Usage,
            "nothing to change: give --description, --for or --off",
        ));
    }
    let id = instance.resolve(session).await?;
    let spec = auto_stop.map(|auto_stop| json!({ "auto_stop": auto_stop }));
    let request = Request::of("updateDevEnvInstance")?
        .path("instance_id", &id)
        .body(json!({"description": description, "spec": spec}));
    let updated = session.send(request).await?.unwrap_or_default();
    session.print(&INSTANCE, &updated)
}

async fn send_action(
    session: &Session,
    instance: &InstanceName,
    action: DevEnvInstanceAction,
    wait: &Wait,
) -> Result<(), Failure> {
    let id = instance.resolve(session).await?;
    session.send(manage(&id, action)?).await?;
    let running = match wait.wait {
        true => running(session, &id, instance.as_entered(), wait).await?,
        false => None,
    };
    let instance = match running {
        Some(instance) => instance,
        None => session.show(&INSTANCE, &id).await?,
    };
    session.print(&INSTANCE, &instance)
}

async fn running(
    session: &Session,
    id: &str,
    name: &str,
    wait: &Wait,
) -> Result<Option<Value>, Failure> {
    let what = format!("instance {name}");
    Generation::Instance
        .wait(session, id, &what, Target::Running, wait.interval.interval)
        .await
}

impl Create {
    async fn run(&self, session: &Session) -> Result<(), Failure> {
        let storage = self.storage.as_deref();
        let storage = storage.unwrap_or(DevEnvStorageType::Obs.as_str());
        let location = self.path.as_ref().map(|path| json!({ "path": path }));
        let request = Request::of("createDevEnvInstance")?.body(json!({
            "name": self.name,
            "description": self.description,
            "profile_id": self.profile_id,
            "flavor": self.flavor,
            "spec": {
                "storage": {"type": storage, "location": location},
                "auto_stop": self.stop.body()?,
            },
        }));
        let mut created = session.send(request).await?.unwrap_or_default();
        let id = identity(&created);
        session.remember(&INSTANCE, &id);
        if self.stop.body()?.is_none() {
            output::note(&auto_stop_notice(&created, "--for or --off"));
        }
        if self.wait.wait {
            created = running(session, &id, &self.name, &self.wait)
                .await?
                .unwrap_or(created);
        }
        session.print(&INSTANCE, &created)
    }
}
