//! Creating images: registering them, and saving them from notebooks.

use modelarts_client::devenviron::enums::{ImageStatus, NotebookStatus as N};
use modelarts_client::devenviron::types::{CreateImageRequest, Image, RegisterImageRequest, Tag};
use modelarts_client::{Open, OpenEnum};

use super::caller::{At, Caller};
use super::durations::Step;
use super::model::{Generation, ImageEntry, Instance};
use super::phase::Phase;
use super::project_checks::DEFAULT_WORKSPACE;
use super::state::State;
use super::status::InstanceStatus;
use crate::error::{ApiError, ApiResult, code};
use crate::fields::with_fields;

/// The size of a registered image in bytes: the emulator has no registry that knows it.
const REGISTERED_SIZE: i64 = 3_376_133_259;

/// `host/namespace/name:tag`.
struct SwrPath<'a> {
    namespace: &'a str,
    name: &'a str,
    tag: &'a str,
}

impl<'a> SwrPath<'a> {
    fn parse(path: &'a str) -> Option<Self> {
        let (place, tag) = path.rsplit_once(':')?;
        let mut parts = place.rsplitn(3, '/');
        let (name, namespace, host) = (parts.next()?, parts.next()?, parts.next()?);
        let empty = [tag, name, namespace, host]
            .iter()
            .any(|part| part.is_empty());
        (!empty && !tag.contains('/')).then_some(Self {
            namespace,
            name,
            tag,
        })
    }
}
impl State {
    pub(crate) fn register_image(
        &mut self,
        at: &At<'_>,
        request: RegisterImageRequest,
    ) -> ApiResult<Image> {
        let path = SwrPath::parse(&request.swr_path)
            .ok_or_else(|| ApiError::value("swr_path", "it must be host/organization/name:tag"))?;
        self.check_image_tag(at.caller, path.namespace, path.name, path.tag)?;
        let workspace = request
            .workspace_id
            .clone()
            .unwrap_or_else(|| DEFAULT_WORKSPACE.into());
        self.check_workspace(at.caller, &workspace)?;
        check_known("arch", request.arch.as_ref())?;
        check_known("flavor_type", request.flavor_type.as_ref())?;
        check_known("origin", request.origin.as_ref())?;
        check_known("service_type", request.service_type.as_ref())?;
        check_known("visibility", request.visibility.as_ref())?;
        let group = self.of_group(at.caller, path.namespace, path.name);
        let read_me = request.read_me.clone().or_else(|| group?.read_me.clone());
        let tags = match &request.tags {
            Some(tags) => Some(tags.iter().map(|tag| text_tag(tag)).collect()),
            None => group.and_then(|entry| entry.image.tags.clone()),
        };
        let image = with_fields!(Image {
            id: Some(self.core.ids.uuid()),
            name: Some(path.name.to_owned()),
            namespace: Some(path.namespace.to_owned()),
            tag: Some(path.tag.to_owned()),
            create_at: Some(at.now),
            update_at: Some(at.now),
            workspace_id: Some(workspace),
            tags,
            ..registered(&request)
        });
        let id = image.id.clone().unwrap_or_default();
        let durations = &self.settings.durations;
        let phase = Phase::enter(ImageStatus::Active, at.now, durations, None);
        let seq = self.next_seq();
        self.put_image(ImageEntry {
            seq,
            project: Some(at.caller.project.clone()),
            image,
            read_me,
            phase,
        });
        self.find_image(at.caller, &id).map(Self::image_wire)
    }

    /// Saves a running notebook as an image; the notebook uses the image afterwards.
    pub(crate) fn create_image(
        &mut self,
        at: &At<'_>,
        id: &str,
        request: CreateImageRequest,
    ) -> ApiResult<Image> {
        let now = at.now;
        let instance = self.find(at.caller, Generation::Notebook, id)?;
        let notebook = instance.notebook().ok_or_else(ApiError::no_instance)?;
        require_savable(instance)?;
        let workspace = request
            .workspace_id
            .unwrap_or_else(|| DEFAULT_WORKSPACE.into());
        self.check_workspace(at.caller, &workspace)?;
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let name = given(request.name).unwrap_or_else(|| instance.name.to_ascii_lowercase());
        let namespace = given(request.namespace).unwrap_or_else(|| "modelarts".into());
        let tag = given(request.tag).unwrap_or_else(|| format!("{now}"));
        self.check_image_tag(at.caller, &namespace, &name, &tag)?;
        let base = self
            .image(&notebook.image)
            .map(|entry| entry.image.clone())
            .unwrap_or_default();
        let group = self.of_group(at.caller, &namespace, &name);
        let read_me = group.and_then(|entry| entry.read_me.clone());
        let tags = group.and_then(|entry| entry.image.tags.clone());
        let seq = instance.seq;
        let image_id = self.core.ids.uuid();
        let image = with_fields!(Image {
            id: Some(image_id.clone()),
            swr_path: Some(format!("swr.example.com/{namespace}/{name}:{tag}")),
            name: Some(name),
            namespace: Some(namespace),
            tag: Some(tag),
            description: Some(request.description.unwrap_or_default()),
            origin: Some("IMAGE_SAVE".into()),
            type_: Some("DEDICATED".into()),
            visibility: Some("PRIVATE".into()),
            // Known once it is saved.
            size: None,
            create_at: Some(now),
            update_at: Some(now),
            workspace_id: Some(workspace),
            tags,
            swr_instance_id: request.swr_instance_id,
            show_name: None,
            show_tag: None,
            ..base
        });
        let failing = self.planned(Step::SaveImage);
        let durations = &self.settings.durations;
        let phase = Phase::enter(ImageStatus::Creating, now, durations, failing.clone());
        let entry = ImageEntry {
            seq: self.next_seq(),
            project: Some(at.caller.project.clone()),
            image,
            read_me,
            phase,
        };
        self.put_image(entry);
        self.change(seq, now, |instance, durations| {
            instance.enter(N::Snapshotting, now, durations, failing);
            if let Some(notebook) = instance.notebook_mut() {
                notebook.saving = Some(image_id.clone());
            }
        });
        let image = self
            .find_image(at.caller, &image_id)
            .map(Self::image_wire)?;
        Ok(with_fields!(Image {
            // The service responds before it begins to save.
            status: Some(ImageStatus::Init.into()),
            ..image
        }))
    }

    fn check_image_tag(
        &self,
        caller: &Caller,
        namespace: &str,
        name: &str,
        tag: &str,
    ) -> ApiResult<()> {
        let taken = self.images.values().any(|entry| {
            entry.project.as_ref() == Some(&caller.project)
                && entry.image.namespace.as_deref() == Some(namespace)
                && entry.name() == name
                && entry.image.tag.as_deref() == Some(tag)
        });
        if !taken {
            return Ok(());
        }
        Err(ApiError::new(
            code::IMAGE_TAG,
            format!(
                "The image {namespace}/{name} already has the tag '{tag}'; choose another tag."
            ),
        ))
    }
}

/// Refuses to save an image of an instance that is not running, or that is already being saved.
fn require_savable(instance: &Instance) -> ApiResult<()> {
    match instance.status() {
        InstanceStatus::Notebook(N::Running) => Ok(()),
        InstanceStatus::Notebook(N::Snapshotting) => Err(ApiError::new(
            code::BUSY,
            format!(
                "Another image of the instance is being saved; wait until the instance is {}.",
                N::Running
            ),
        )),
        status => Err(ApiError::new(
            code::NOT_RUNNING,
            format!(
                "The instance is {status}; an image can only be saved while it is {}.",
                N::Running
            ),
        )),
    }
}

/// What a registered image takes from its request, with the defaults of the service.
fn registered(request: &RegisterImageRequest) -> Image {
    let arch = request.arch.as_ref().map_or_else(
        || "x86_64".to_owned(),
        |arch| arch.as_str().to_ascii_lowercase(),
    );
    let resources = request.resource_category.clone();
    let resources = resources
        .filter(|resources| !resources.is_empty())
        .unwrap_or_else(|| vec!["CPU".into(), "GPU".into()]);
    let services = request.services.clone();
    let services = services
        .filter(|services| !services.is_empty())
        .unwrap_or_else(|| vec!["NOTEBOOK".into(), "SSH".into()]);
    let request = request.clone();
    with_fields!(Image {
        description: Some(request.description.unwrap_or_default()),
        arch: Some(arch.as_str().into()),
        dev_services: Some(services),
        resource_categories: Some(resources),
        origin: Some(request.origin.unwrap_or_else(|| "CUSTOMIZE".into())),
        service_type: Some(request.service_type.unwrap_or_else(|| "UNKNOWN".into())),
        visibility: Some(request.visibility.unwrap_or_else(|| "PRIVATE".into())),
        size: Some(REGISTERED_SIZE),
        type_: Some("DEDICATED".into()),
        flavor_type: request.flavor_type,
        swr_instance_id: request.swr_instance_id,
        swr_path: Some(request.swr_path)
    })
}

/// Parses a tag that was sent as one string: `key=value`, or a key alone.
fn text_tag(text: &str) -> Tag {
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    with_fields!(Tag {
        key: Some(key.to_owned()),
        value: Some(value.to_owned()),
    })
}

/// Refuses a value that the document does not list.
fn check_known<E: OpenEnum>(field: &str, value: Option<&Open<E>>) -> ApiResult<()> {
    match value {
        Some(value) if value.is_unknown() => Err(ApiError::value(
            field,
            format_args!("'{value}' is not one of {}", E::values().join(", ")),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swr_paths_have_four_parts() {
        let path = SwrPath::parse("swr.eu-de.example.com:443/team/sub/jax:0.4").unwrap();
        assert_eq!((path.namespace, path.name, path.tag), ("sub", "jax", "0.4"));
        for broken in [
            "",
            "jax",
            "team/jax:1",
            "host/team/jax",
            "host/team/:1",
            "h/t/n:",
        ] {
            assert!(SwrPath::parse(broken).is_none(), "{broken}");
        }
    }
}
