//! `modelarts notebook`

use clap::{Args, Subcommand};
use modelarts::devenviron::enums::NotebookStatus;

use self::create::Create;
use self::open::Open;
use self::save_image::SaveImage;
use self::ssh::Ssh;
use self::tag::Tag;
use self::update::Update;
use super::auto_stop::NotebookStop;
use super::names::NotebookName;
use super::{Limit, generations};
use crate::bulk::{Bulk, Filter};
use crate::exchange::Request;
use crate::failure::Failure;
use crate::lease;
use crate::lifecycle::{Action, Generation, Target};
use crate::noun::NOTEBOOK;
use crate::output::table::Layout;
use crate::session::Session;
use crate::waiting::{Interval, Wait};

mod create;
mod open;
mod save_image;
mod ssh;
mod tag;
mod update;

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
    Show(NotebookName),
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
        #[command(flatten)]
        notebook: NotebookName,
        #[command(flatten)]
        stop: NotebookStop,
        #[command(flatten)]
        wait: Wait,
    },
    /// Stop one or more notebooks
    #[command(after_help = "Example: modelarts notebook stop --all --older-than 8h --dry-run")]
    Stop(Bulk),
    /// Stop a notebook and start it again
    #[command(after_help = "Example: modelarts notebook restart train-bert")]
    Restart {
        #[command(flatten)]
        notebook: NotebookName,
        #[command(flatten)]
        interval: Interval,
    },
    /// Delete one or more notebooks and the data on their disks
    #[command(after_help = "Example: modelarts notebook delete -l name=test-* --yes --wait")]
    Delete(Bulk),
    /// Wait until a notebook is running, stopped or deleted
    #[command(after_help = "Example: modelarts notebook wait @last --for running --timeout 15m")]
    Wait {
        #[command(flatten)]
        notebook: NotebookName,
        /// State to wait for
        #[arg(long = "for", value_enum, value_name = "STATE")]
        target: Target,
        #[command(flatten)]
        interval: Interval,
    },
    /// Open a notebook in the browser
    #[command(after_help = "Example: modelarts notebook open train-bert")]
    Open(Open),
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

pub(crate) async fn run(command: Command, session: &Session) -> Result<(), Failure> {
    const NOTEBOOKS: Generation = Generation::Notebook;
    match command {
        Command::List(list) => list.run(session).await,
        Command::Show(notebook) => {
            let id = notebook.resolve(session).await?;
            session.print(&NOTEBOOK, &session.show(&NOTEBOOK, &id).await?)
        }
        Command::Create(create) => create.run(session).await,
        Command::Update(update) => update.run(session).await,
        Command::Start {
            notebook,
            stop,
            wait,
        } => start(session, &notebook, &stop, &wait).await,
        Command::Stop(bulk) => bulk.run(session, NOTEBOOKS, Action::Stop).await,
        Command::Restart { notebook, interval } => restart(session, &notebook, &interval).await,
        Command::Delete(bulk) => bulk.run(session, NOTEBOOKS, Action::Delete).await,
        Command::Wait {
            notebook,
            target,
            interval,
        } => {
            let id = notebook.resolve(session).await?;
            let name = notebook.as_entered();
            generations::wait(session, NOTEBOOKS, &id, name, target, &interval).await
        }
        Command::Open(open) => open.run(session).await,
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
        let (filter, limit, layout) = (&self.filter, &self.limit, &self.layout);
        generations::list(
            session,
            Generation::Notebook,
            request,
            filter,
            limit,
            layout,
        )
        .await
    }
}

async fn start(
    session: &Session,
    notebook: &NotebookName,
    stop: &NotebookStop,
    wait: &Wait,
) -> Result<(), Failure> {
    let id = notebook.resolve(session).await?;
    let stop = stop.stop();
    let started = lease::start(session, &id, notebook.as_entered(), stop, wait).await?;
    if !wait.wait && !matches!(stop, Some(lease::Stop::Idle(_))) {
        generations::wait_hint(&id, Target::Running);
    }
    session.print(&NOTEBOOK, &started)
}

async fn restart(
    session: &Session,
    notebook: &NotebookName,
    interval: &Interval,
) -> Result<(), Failure> {
    let id = notebook.resolve(session).await?;
    let what = format!("notebook {}", notebook.as_entered());
    let (generation, policy) = (Generation::Notebook, session.policy(interval.interval));
    generation
        .ensure(session, &id, &what, Target::Stopped, policy.clone())
        .await?;
    let running = generation
        .ensure(session, &id, &what, Target::Running, policy)
        .await?;
    session.print(&NOTEBOOK, &running.unwrap_or_default())
}
