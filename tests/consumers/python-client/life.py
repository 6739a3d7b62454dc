"""openapi-python-client: one life cycle."""

import os
import time
from typing import TypeVar

from devenviron import AuthenticatedClient
from devenviron.api.dev_env_instances import (
    create_dev_env_instance,
    delete_dev_env_instance,
    show_dev_env_instance,
    update_dev_env_instance,
)
from devenviron.api.flavors import list_flavors
from devenviron.api.images import list_images
from devenviron.api.lease import renew_lease
from devenviron.api.notebooks import (
    create_notebook,
    delete_notebook,
    list_notebooks,
    show_notebook,
    start_notebook,
    stop_notebook,
    update_notebook,
)
from devenviron.models import (
    CreateDevEnvInstanceRequest,
    CreateDevEnvNotebookSpec,
    CreateNotebookRequest,
    DeleteDevEnvInstanceResponse,
    DevEnvAutoStopReq,
    DevEnvInstance,
    DevEnvStorageLocationReq,
    DevEnvStorageReq,
    ErrorResponse,
    FlavorList,
    ImageList,
    Lease,
    LeaseReq,
    Notebook,
    NotebookList,
    UpdateDevEnvAutoStopReq,
    UpdateDevEnvInstanceRequest,
    UpdateDevEnvNotebookSpec,
    UpdateNotebookRequest,
    VolumeReq,
)
from iam import Client as IamClient
from iam.api.tokens import create_token
from iam.models import (
    AuthReq,
    CreateTokenRequest,
    CreateTokenResponse,
    DomainReq,
    IdentityReq,
    PasswordIdentityReq,
    PasswordUserReq,
    ProjectScopeReq,
    ScopeReq,
)

T = TypeVar("T")
URL = os.environ["MODELARTS_URL"]


def expect(kind: type[T], value: object) -> T:
    assert isinstance(value, kind), value
    return value


signed_in = create_token.sync_detailed(
    client=IamClient(base_url=URL),
    body=CreateTokenRequest(
        auth=AuthReq(
            identity=IdentityReq(
                methods=["password"],
                password=PasswordIdentityReq(
                    user=PasswordUserReq(name="consumer", password="consumer-password", domain=DomainReq(name="OTC-EMULATOR"))
                ),
            ),
            scope=ScopeReq(project=ProjectScopeReq(name="eu-de")),
        )
    ),
)
token = expect(CreateTokenResponse, signed_in.parsed).token
assert token and token.project and token.project.id
project = token.project.id
client = AuthenticatedClient(
    base_url=URL, token=signed_in.headers["X-Subject-Token"], prefix="", auth_header_name="X-Auth-Token"
)


def wait(id: str, status: str) -> Notebook:
    for _ in range(300):
        notebook = expect(Notebook, show_notebook.sync(project, id, client=client))
        if notebook.status == status:
            return notebook
        time.sleep(0.1)
    raise AssertionError(f"never {status}")


images = expect(ImageList, list_images.sync(project, client=client, type_="BUILD_IN")).data
flavors = expect(FlavorList, list_flavors.sync(project, client=client)).data
assert images and flavors
image, flavor = expect(str, images[0].id), expect(str, flavors[0].id)
made = expect(
    Notebook,
    create_notebook.sync(
        project,
        client=client,
        body=CreateNotebookRequest(
            name="consumer",
            description="before",
            flavor=flavor,
            image_id=image,
            volume=VolumeReq(category="EVS", ownership="MANAGED", capacity=5),
        ),
    ),
)
id = expect(str, made.id)
before = wait(id, "RUNNING")

found = expect(NotebookList, list_notebooks.sync(project, client=client, name="consumer", limit=5)).data
assert found and [one.id for one in found] == [id]

update_notebook.sync(project, id, client=client, body=UpdateNotebookRequest(description="after"))
after = wait(id, "RUNNING")
assert (after.description, before.description) == ("after", "before")
assert (after.name, after.flavor) == (before.name, before.flavor)
assert after.volume and before.volume and after.volume.capacity == before.volume.capacity

lease = expect(Lease, renew_lease.sync(project, id, client=client, body=LeaseReq(duration=7200000)))
assert lease.duration

stop_notebook.sync(project, id, client=client)
wait(id, "STOPPED")
start_notebook.sync(project, id, client=client)
wait(id, "RUNNING")

for name, status, code in [
    ("00000000-0000-0000-0000-000000000000", 400, "ModelArts.6309"),
    ("fault-502", 502, "APIGW.0201"),
    ("fault-429", 429, "APIGW.0308"),
]:
    response = show_notebook.sync_detailed(project, name, client=client)
    assert (response.status_code, expect(ErrorResponse, response.parsed).error_code) == (status, code)
odd = expect(Notebook, show_notebook.sync(project, "odd", client=client))
assert (odd.status, odd.lease, odd.description, odd.endpoints, odd.create_at) == ("HIBERNATED", None, None, None, None)

instance = expect(
    DevEnvInstance,
    create_dev_env_instance.sync(
        project,
        client=client,
        body=CreateDevEnvInstanceRequest(
            name="consumer-old",
            profile_id="Python3-cpu",
            flavor="modelarts.vm.cpu.2u",
            spec=CreateDevEnvNotebookSpec(
                storage=DevEnvStorageReq(type_="obs", location=DevEnvStorageLocationReq(path="/bucket/consumer/")),
                auto_stop=DevEnvAutoStopReq(enable=True, duration=3600),
            ),
        ),
    ),
)
old = expect(str, instance.id)
while expect(DevEnvInstance, show_dev_env_instance.sync(project, old, client=client)).status != "RUNNING":
    time.sleep(0.1)
update = UpdateDevEnvNotebookSpec(auto_stop=UpdateDevEnvAutoStopReq(duration=7200))
update_dev_env_instance.sync(project, old, client=client, body=UpdateDevEnvInstanceRequest(spec=update))
spec = expect(DevEnvInstance, show_dev_env_instance.sync(project, old, client=client)).spec
assert spec and spec.auto_stop and spec.auto_stop.enable is True
expect(DeleteDevEnvInstanceResponse, delete_dev_env_instance.sync(project, old, client=client))

delete_notebook.sync(project, id, client=client)
for _ in range(300):
    gone = show_notebook.sync(project, id, client=client)
    if isinstance(gone, ErrorResponse):
        break
    time.sleep(0.1)
assert isinstance(gone, ErrorResponse) and gone.error_code == "ModelArts.6309"
