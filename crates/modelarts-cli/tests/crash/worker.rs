//! Random changes, one after the other, until the emulator no longer responds.

use std::io;
use std::sync::mpsc::Sender;

use serde_json::{Value, json};

use crate::resource::{Change, Kind, Resource, What, status};
use crate::service::Service;

const FLAVOR: &str = "modelarts.vm.cpu.2u";
const IMAGE: &str = "278e88d1-5b71-4766-8502-b3ba72e824d9";
const HOUR: i64 = 3_600_000;
/// The description of saved images, which distinguishes them from registered ones.
const SAVED: &str = "saved";
const MOST_SAVED: usize = 10;

/// Below the limit of ten mounts per instance.
const MOST_MOUNTS: usize = 8;

/// Changes only the resources that it owns, so that it knows what to expect.
pub(crate) struct Worker<'a> {
    pub(crate) service: &'a Service,
    pub(crate) resources: Vec<Resource>,
    pub(crate) random: Random,
    /// The prefix of all names that it chooses.
    pub(crate) name: String,
    pub(crate) named: u32,
    /// Receives a message for each acknowledged change.
    pub(crate) done: Sender<()>,
}

/// The request for a change.
struct Request {
    what: What,
    method: &'static str,
    path: String,
    body: Option<Value>,
}

impl Request {
    fn post(what: What, path: String, body: Value) -> Self {
        let (method, body) = ("POST", Some(body));
        Self {
            what,
            method,
            path,
            body,
        }
    }
}

impl Worker<'_> {
    pub(crate) fn run(mut self) -> Vec<Resource> {
        while self.step().is_ok() {}
        self.resources
    }

    fn step(&mut self) -> io::Result<()> {
        // Saved images are never deleted, so they are not counted.
        let count = self.resources.len() - self.saved_images();
        if count < 4 || (count < 15 && self.random.below(3) == 0) {
            return self.create();
        }
        let count = self.resources.len();
        let first = self.random.below(count);
        // While the clock does not advance, a resource in transition accepts no change; then the next one is tried.
        for index in (first..count).chain(0..first) {
            if let Some(request) = self.request(index) {
                return self.change(index, request);
            }
        }
        self.create()
    }

    fn saved_images(&self) -> usize {
        let saved = |each: &&Resource| is_saved(each);
        self.resources.iter().filter(saved).count()
    }

    fn create(&mut self) -> io::Result<()> {
        let name = self.next_name();
        let duration = [-1, HOUR][self.random.below(2)];
        let (kind, list, body) = match self.random.below(4) {
            0 => {
                let body = json!({ "swr_path": format!("swr.example.com/atelier/{name}:1.0") });
                (Kind::Image, "/images", body)
            }
            1 => {
                let storage = json!({ "type": "obs", "location": { "path": "/corpus/train/" } });
                let body = json!({
                    "name": name,
                    "profile_id": "Python3-cpu",
                    "flavor": FLAVOR,
                    "spec": { "storage": storage },
                });
                (Kind::Instance, "/demanager/instances", body)
            }
            _ => {
                let body = json!({
                    "name": name,
                    "flavor": FLAVOR,
                    "image_id": IMAGE,
                    "volume": { "category": "EVS", "ownership": "MANAGED", "capacity": 5 },
                    "duration": duration,
                });
                (Kind::Notebook, "/notebooks", body)
            }
        };
        self.resources.push(Resource::wanted(kind, list, None));
        let index = self.resources.len() - 1;
        self.change(
            index,
            Request::post(What::Create(name), list.to_owned(), body),
        )
    }

    /// Chooses a change that the current state of this resource allows.
    fn request(&mut self, index: usize) -> Option<Request> {
        let choice = self.random.below(6);
        let text = self.next_name();
        let hours = 1 + self.random.below(72) as i64;
        let resource = &self.resources[index];
        let path = resource.path.clone();
        let mounts = self.resources.iter();
        let mounts = mounts.filter(|each| each.belongs_to(resource)).count();
        let mounted = mounts > 0;
        // A mount is removed when its notebook stops. Without a lease, that happens only on request.
        let unlimited = resource.known["lease"]["enable"] == false;
        // Another worker may still check a saved image; a registered one belongs to this worker.
        let saved = is_saved(resource);
        let delete = |path| Request {
            what: What::Delete,
            method: "DELETE",
            path,
            body: None,
        };
        let request = match (resource.kind, status(&resource.known), choice) {
            (Kind::Mount, "MOUNTED", _) => delete(path),
            (Kind::Image, "ACTIVE", 0..=2) if !saved => delete(path),
            (Kind::Notebook | Kind::Instance, "RUNNING" | "STOPPED", 0) if !mounted => delete(path),
            (Kind::Notebook | Kind::Instance, "RUNNING" | "STOPPED", 1) => Request {
                body: Some(json!({ "description": text })),
                what: What::Describe(text),
                method: "PUT",
                path,
            },
            (Kind::Notebook, "RUNNING", 2) if !mounted => {
                Request::post(What::Stop, format!("{path}/stop"), json!({}))
            }
            (Kind::Notebook, "STOPPED", _) => {
                Request::post(What::Start, format!("{path}/start"), json!({}))
            }
            (Kind::Instance, "RUNNING", 2) => Request::post(
                What::Stop,
                format!("{path}/action"),
                json!({ "action": "stop" }),
            ),
            (Kind::Instance, "STOPPED", _) => Request::post(
                What::Start,
                format!("{path}/action"),
                json!({ "action": "start" }),
            ),
            (Kind::Notebook, "RUNNING", 3) if !mounted => Request {
                what: What::Renew(hours * HOUR),
                method: "PATCH",
                path: format!("{path}/lease"),
                body: Some(json!({ "duration": hours * HOUR, "type": "timing" })),
            },
            (Kind::Notebook, "RUNNING", 4) if !mounted && self.saved_images() < MOST_SAVED => {
                let body = json!({ "name": text, "namespace": "atelier", "tag": "1.0", "description": SAVED });
                let change = Change::requested(What::Create(text.clone()));
                self.resources
                    .push(Resource::wanted(Kind::Image, "/images", change));
                Request::post(What::Save(text), format!("{path}/create-image"), body)
            }
            (Kind::Notebook, "RUNNING", 5) if unlimited && mounts < MOST_MOUNTS => {
                let place = format!("/data/{text}/");
                let body =
                    json!({ "category": "OBS", "mount_path": place, "uri": "obs://corpus/train/" });
                let change = Change::requested(What::Create(place));
                let path = format!("{path}/storage");
                self.resources
                    .push(Resource::wanted(Kind::Mount, &path, change));
                Request::post(What::Mount, path, body)
            }
            _ => return None,
        };
        Some(request)
    }

    /// Sends the change and, once it is acknowledged, checks the result.
    fn change(&mut self, index: usize, request: Request) -> io::Result<()> {
        let Request {
            what,
            method,
            path,
            body,
        } = request;
        // The resource that the change creates is the last one.
        let with_child = matches!(what, What::Save(_) | What::Mount);
        self.resources[index].change = Change::requested(what);
        let (status, response) = self.service.call(method, &path, body)?;
        assert!(
            (200..300).contains(&status),
            "{method} {path}: {status} {response}"
        );
        self.done.send(()).ok();
        self.resources[index].acknowledge(&response);
        if with_child && let Some(child) = self.resources.last_mut() {
            child.acknowledge(&response);
            child.settle(self.service)?;
        }
        self.resources[index].settle(self.service)
    }

    fn next_name(&mut self) -> String {
        self.named += 1;
        format!("{}-{}", self.name, self.named)
    }
}

fn is_saved(resource: &Resource) -> bool {
    resource.kind == Kind::Image && resource.known["description"] == SAVED
}

/// SplitMix64, which is small and gives the same numbers on every platform.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}
