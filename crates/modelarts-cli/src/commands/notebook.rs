//! `modelarts notebook`

use clap::{Args, Subcommand};
use modelarts::devenviron::enums::NotebookStatus;
use serde_json::{Value, json};

use super::ssh::Ssh;
use super::tag::Tag;
use super::{Limit, Until, auto_stop_notice, ssh_body, volume_body};
use crate::bulk::{Bulk, Filter, check_selector};
use crate::complete::names_of;
use crate::exchange::{Items, Request};
use crate::failure::{Exit, Failure};
use crate::lease::{self, Stop};
use crate::lifecycle::{Action, Generation, Target};
use crate::noun::{FLAVOR, IMAGE, NOTEBOOK};
use crate::output;
use crate::output::table::Layout;
use crate::session::{Session, identity};
use crate::text;
use crate::waiting::{Interval, Wait, follow};

/// Manage notebooks
#[derive(Subcommand)]
pub(crate) enum Command {
    /// List notebooks
    #[command(
        after_help = "Example: modelarts notebook list --running --older-than 8h --no-auto-stop"
    )]
    List(List),
    /// Show a notebook
    #[command(after_help = "Example: modelarts notebook show train-bert -o jq=.status")]
    Show {
        /// Name or ID, or @last for the one created last
        #[arg(value_name = "NAME|ID", add = names_of(&NOTEBOOK))]
        notebook: String,
    },
    /// Create a notebook
    #[command(
        override_usage = "modelarts notebook create [OPTIONS] <NAME> \\\n           --flavor <ID> --image <NAME|ID>",
        after_help = "Example: modelarts notebook create train-bert --flavor modelarts.vm.cpu.2u --image pytorch-nlp --volume 50GB --for 8h --wait"
    )]
    Create(Create),
    /// Update the name, description, flavor, image or disk size of a notebook
    #[command(after_help = "Example: modelarts notebook update train-bert --volume 100GB")]
    Update(Update),
    /// Start a notebook
    #[command(after_help = "Example: modelarts notebook start train-bert --for 8h --wait")]
    Start {
        /// Name or ID, or @last for the one created last
        #[arg(value_name = "NAME|ID", add = names_of(&NOTEBOOK))]
        notebook: String,
        #[command(flatten)]
        until: Until,
        #[command(flatten)]
        wait: Wait,
    },
    /// Stop one or more notebooks
    #[command(after_help = "Example: modelarts notebook stop --all --older-than 8h --dry-run")]
    Stop(Bulk),
    /// Stop a notebook and start it again
    #[command(after_help = "Example: modelarts notebook restart train-bert")]
    Restart {
        /// Name or ID, or @last for the one created last
        #[arg(value_name = "NAME|ID", add = names_of(&NOTEBOOK))]
        notebook: String,
        #[command(flatten)]
        interval: Interval,
    },
    /// Delete one or more notebooks and the data on their disks
    #[command(after_help = "Example: modelarts notebook delete -l name=test-* --yes --wait")]
    Delete(Bulk),
    /// Wait until a notebook is running, stopped or deleted
    #[command(after_help = "Example: modelarts notebook wait @last --for running --timeout 15m")]
    Wait {
        /// Name or ID, or @last for the one created last
        #[arg(value_name = "NAME|ID", add = names_of(&NOTEBOOK))]
        notebook: String,
        /// State to wait for
        #[arg(long = "for", value_enum, value_name = "STATE")]
        target: Target,
        #[command(flatten)]
        interval: Interval,
    },
    /// Open a notebook in the browser
    #[command(after_help = "Example: modelarts notebook open train-bert")]
    Open {
        /// Name or ID, or @last for the one created last
        #[arg(value_name = "NAME|ID", add = names_of(&NOTEBOOK))]
        notebook: String,
        /// Print the URL instead of opening it; anyone who has the URL has access
        #[arg(long)]
        print: bool,
    },
    /// Print a section for ~/.ssh/config
    #[command(
        after_help = "Example: modelarts notebook ssh-config train-bert --identity ~/.ssh/bert.pem >> ~/.ssh/config"
    )]
    SshConfig(Ssh),
    /// Connect to a notebook by SSH
    #[command(after_help = "Example: modelarts notebook ssh train-bert --identity ~/.ssh/bert.pem")]
    Ssh(Ssh),
    /// Manage the tags of notebooks (Huawei Cloud only)
    #[command(subcommand)]
    Tag(Tag),
    /// Save a running notebook as an image
    #[command(
        override_usage = "modelarts notebook save-image [OPTIONS] <NAME|ID> \\\n           --name <NAME> --namespace <NAMESPACE>",
        after_help = "Example: modelarts notebook save-image train-bert --name bert --namespace nlp-team --tag 1.0.0 --wait"
    )]
    SaveImage(SaveImage),
}

#[derive(Args)]
pub(crate) struct List {
    /// List only notebooks with this status
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    /// List only notebooks whose name contains this text
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// List the notebooks of all users of the project
    #[arg(long)]
    all_users: bool,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    limit: Limit,
    #[command(flatten)]
    layout: Layout,
}

#[derive(Args)]
pub(crate) struct Create {
    /// Name of the notebook
    name: String,
    /// Flavor ID, from `modelarts flavor list`
    #[arg(long, value_name = "ID", add = names_of(&FLAVOR))]
    flavor: String,
    /// Image name or ID, from `modelarts image list`
    #[arg(long, value_name = "NAME|ID", add = names_of(&IMAGE))]
    image: String,
    /// Disk size, such as 50GB
    #[arg(long, value_name = "SIZE", value_parser = text::gigabytes)]
    volume: Option<i64>,
    /// Disk category, such as EVS or EFS [default: EVS]
    #[arg(long, value_name = "CATEGORY")]
    volume_category: Option<String>,
    /// URI of your own file system, for EFS
    #[arg(long, value_name = "URI")]
    volume_uri: Option<String>,
    /// Description
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    description: Option<String>,
    /// Name of a key pair for SSH access (repeatable)
    #[arg(long, value_name = "NAME")]
    key_pair: Vec<String>,
    /// Public IP address that may connect by SSH (repeatable)
    #[arg(long, value_name = "IP", requires = "key_pair")]
    allow_ip: Vec<String>,
    /// ID of a dedicated resource pool
    #[arg(long, value_name = "ID")]
    pool: Option<String>,
    /// Workspace ID
    #[arg(long, value_name = "ID")]
    workspace: Option<String>,
    #[command(flatten)]
    until: Until,
    #[command(flatten)]
    wait: Wait,
}

#[derive(Args)]
pub(crate) struct Update {
    /// Name or ID, or @last for the one created last
    #[arg(value_name = "NAME|ID", add = names_of(&NOTEBOOK))]
    notebook: String,
    /// New name
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    name: Option<String>,
    /// New description
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    description: Option<String>,
    /// New flavor ID, from `modelarts flavor switchable`; the notebook must be stopped
    #[arg(long, value_name = "ID", add = names_of(&FLAVOR))]
    flavor: Option<String>,
    /// New image name or ID; the notebook must be stopped
    #[arg(long, value_name = "NAME|ID", add = names_of(&IMAGE))]
    image: Option<String>,
    /// New disk size, such as 100GB; a disk can only grow
    #[arg(long, value_name = "SIZE", value_parser = text::gigabytes)]
    volume: Option<i64>,
}

#[derive(Args)]
pub(crate) struct SaveImage {
    /// Name or ID, or @last for the one created last
    #[arg(value_name = "NAME|ID", add = names_of(&NOTEBOOK))]
    notebook: String,
    /// Name of the image
    #[arg(long)]
    name: String,
    /// Organization in the container registry (SWR)
    #[arg(long)]
    namespace: String,
    /// Tag of the image
    #[arg(long, default_value = "latest")]
    tag: String,
    /// Description
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    description: Option<String>,
    #[command(flatten)]
    wait: Wait,
}

pub(crate) async fn run(command: Command, session: &Session) -> Result<(), Failure> {
    match command {
        Command::List(list) => list.run(session).await,
        Command::Show { notebook } => {
            let id = session.resolve(&NOTEBOOK, &notebook).await?;
            session.print(&NOTEBOOK, &session.show(&NOTEBOOK, &id).await?)
        }
        Command::Create(create) => create.run(session).await,
        Command::Update(update) => update.run(session).await,
        Command::Start {
            notebook,
            until,
            wait,
        } => start(session, &notebook, &until, &wait).await,
        Command::Stop(bulk) => bulk.run(session, Generation::Notebook, Action::Stop).await,
        Command::Restart { notebook, interval } => restart(session, &notebook, &interval).await,
        Command::Delete(bulk) => {
            bulk.run(session, Generation::Notebook, Action::Delete)
                .await
        }
        Command::Wait {
            notebook,
            target,
            interval,
        } => wait_for(session, Generation::Notebook, &notebook, target, &interval).await,
        Command::Open { notebook, print } => open(session, &notebook, print).await,
        Command::SshConfig(ssh) => ssh.config(session).await,
        Command::Ssh(ssh) => ssh.connect(session).await,
        Command::Tag(tag) => tag.run(session).await,
        Command::SaveImage(save) => save.run(session).await,
    }
}

impl List {
    async fn run(&self, session: &Session) -> Result<(), Failure> {
        let mut request = match self.all_users {
            true => Request::of("listAllNotebooks")?,
            false => NOTEBOOK.listing()?,
        };
        let running = self
            .filter
            .running
            .then(|| NotebookStatus::Running.as_str().to_owned());
        for (name, value) in [
            ("status", self.status.clone().or(running)),
            ("name", self.name.clone()),
        ] {
            if let Some(value) = value {
                request = request.query(name, value);
            }
        }
        print_filtered(
            session,
            Generation::Notebook,
            request,
            &self.filter,
            &self.limit,
            &self.layout,
        )
        .await
    }
}

/// Lists the resources that match a filter.
pub(super) async fn print_filtered(
    session: &Session,
    generation: Generation,
    request: Request,
    filter: &Filter,
    limit: &Limit,
    layout: &Layout,
) -> Result<(), Failure> {
    check_selector(&filter.selector, generation.noun())?;
    let checked = layout.check(generation.noun(), &session.format());
    checked.map_err(Failure::usage)?;
    // The filter is applied after fetching, so the limit cannot be passed to the service.
    let most = limit.limit.filter(|_| filter.is_empty());
    let Items {
        mut items,
        mut complete,
    } = session.list(request, most).await?;
    let now = session.now();
    items.retain(|item| filter.selects(item, now));
    if let Some(limit) = limit.limit
        && items.len() > limit
    {
        items.truncate(limit);
        complete = false;
    }
    session.print_all(generation.noun(), layout, Items { items, complete })
}

impl Create {
    async fn run(&self, session: &Session) -> Result<(), Failure> {
        let image = session.resolve(&IMAGE, &self.image).await?;
        let endpoints = (!self.key_pair.is_empty()).then(|| {
            let ips = (!self.allow_ip.is_empty()).then_some(&*self.allow_ip);
            ssh_body(Some(&self.key_pair), ips)
        });
        let request = Request::of("createNotebook")?.body(json!({
            "name": self.name,
            "flavor": self.flavor,
            "image_id": image,
            "description": self.description,
            "endpoints": endpoints,
            "pool_id": self.pool,
            "workspace_id": self.workspace,
            "lease": self.until.stop().map(Stop::body).transpose()?,
            "volume": volume_body(
                self.volume_category.as_deref(),
                self.volume,
                self.volume_uri.as_deref(),
            ),
        }));
        let mut created = session.send(request).await?.unwrap_or_default();
        let id = identity(&created);
        session.remember(&NOTEBOOK, &id);
        if !self.until.is_set() {
            output::note(&auto_stop_notice(&created, "--for, --idle or --off"));
        }
        if self.wait.wait {
            created = waited(
                session,
                &id,
                &self.name,
                Target::Running,
                &self.wait.interval,
            )
            .await?
            .unwrap_or(created);
        } else {
            hint(&id, Target::Running);
        }
        session.print(&NOTEBOOK, &created)
    }
}

/// Prints the command that waits for the target.
fn hint(id: &str, target: Target) {
    output::note(&format!(
        "to wait until it is {0}: modelarts notebook wait {id} --for {0}",
        target.word()
    ));
}

async fn waited(
    session: &Session,
    id: &str,
    name: &str,
    target: Target,
    interval: &Interval,
) -> Result<Option<Value>, Failure> {
    let what = format!("notebook {name}");
    Generation::Notebook
        .wait(session, id, &what, target, interval.interval)
        .await
}

pub(super) async fn wait_for(
    session: &Session,
    generation: Generation,
    name: &str,
    target: Target,
    interval: &Interval,
) -> Result<(), Failure> {
    let noun = generation.noun();
    let id = session.resolve(noun, name).await?;
    let what = format!("{} {name}", noun.name);
    let reached = generation
        .wait(session, &id, &what, target, interval.interval)
        .await?;
    match reached {
        Some(resource) => session.print(noun, &resource),
        None => {
            output::note(&format!("{what} is deleted"));
            Ok(())
        }
    }
}

impl Update {
    async fn run(&self, session: &Session) -> Result<(), Failure> {
        let id = session.resolve(&NOTEBOOK, &self.notebook).await?;
        let image = match &self.image {
            Some(image) => Some(session.resolve(&IMAGE, image).await?),
            None => None,
        };
        let request = Request::of("updateNotebook")?.path("id", &id).body(json!({
            "name": self.name,
            "description": self.description,
            "flavor": self.flavor,
            "image_id": image,
            "storage_new_size": self.volume,
        }));
        if request.body == Some(json!({})) {
            return Err(Failure::new(
                Exit::Usage,
                "nothing to change: give --name, --description, --flavor, --image or --volume",
            ));
        }
        let updated = session.send(request).await?.unwrap_or_default();
        session.print(&NOTEBOOK, &updated)
    }
}

async fn start(session: &Session, name: &str, until: &Until, wait: &Wait) -> Result<(), Failure> {
    let id = session.resolve(&NOTEBOOK, name).await?;
    let started = lease::start(session, &id, name, until.stop(), wait).await?;
    if !wait.wait && until.idle.is_none() {
        hint(&id, Target::Running);
    }
    session.print(&NOTEBOOK, &started)
}

async fn restart(session: &Session, name: &str, interval: &Interval) -> Result<(), Failure> {
    let id = session.resolve(&NOTEBOOK, name).await?;
    let what = format!("notebook {name}");
    let (generation, policy) = (Generation::Notebook, session.policy(interval.interval));
    generation
        .ensure(session, &id, &what, Target::Stopped, policy.clone())
        .await?;
    let running = generation
        .ensure(session, &id, &what, Target::Running, policy)
        .await?;
    session.print(&NOTEBOOK, &running.unwrap_or_default())
}

async fn open(session: &Session, name: &str, print: bool) -> Result<(), Failure> {
    let id = session.resolve(&NOTEBOOK, name).await?;
    let notebook = session.show(&NOTEBOOK, &id).await?;
    let text = |key: &str| {
        notebook
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let (url, token) = (text("url"), text("token"));
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(Failure::new(
            Exit::Conflict,
            format!("notebook {name} has no URL at the moment"),
        )
        .advise(
            "A notebook has a URL only while it is running. To start it: modelarts notebook start",
        ));
    }
    let separator = if url.contains('?') { '&' } else { '?' };
    let address = match token {
        "" => url.to_owned(),
        token => format!("{url}{separator}token={token}"),
    };
    if print {
        return Ok(output::line(&text::one_line(&address))?);
    }
    let opener = match std::env::consts::OS {
        "macos" => "open",
        "windows" => "explorer",
        _ => "xdg-open",
    };
    let status = std::process::Command::new(opener).arg(&address).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        _ => Err(
            Failure::new(Exit::Failed, format!("{opener} could not open the browser"))
                .advise("Use --print to print the URL instead."),
        ),
    }
}

impl SaveImage {
    async fn run(&self, session: &Session) -> Result<(), Failure> {
        let id = session.resolve(&NOTEBOOK, &self.notebook).await?;
        let request = Request::of("createImage")?.path("id", &id).body(json!({
            "name": self.name,
            "namespace": self.namespace,
            "tag": self.tag,
            "description": self.description,
        }));
        let mut image = session.send(request).await?.unwrap_or_default();
        let id = identity(&image);
        session.remember(&IMAGE, &id);
        if self.wait.wait {
            let policy = session.policy(self.wait.interval.interval);
            let waiter = session
                .client
                .images()
                .wait_until_active(&id)
                .policy(policy);
            let active = follow(waiter, &format!("image {}", self.name)).await?;
            image = serde_json::to_value(active).unwrap_or(image);
        }
        session.print(&IMAGE, &image)
    }
}
