"""openapi-generator, python: one life cycle."""

import os
import time

import devenviron
import iam
from devenviron.exceptions import ApiException
from pydantic import SecretStr

URL = os.environ["MODELARTS_URL"]


def ident(value: str | None) -> str:
    assert value
    return value


signed_in = iam.TokensApi(iam.ApiClient(iam.Configuration(host=URL))).create_token_with_http_info(
    iam.CreateTokenRequest(
        auth=iam.AuthReq(
            identity=iam.IdentityReq(
                methods=["password"],
                password=iam.PasswordIdentityReq(
                    user=iam.PasswordUserReq(
                        name="consumer", password=SecretStr("consumer-password"), domain=iam.DomainReq(name="OTC-EMULATOR")
                    )
                ),
            ),
            scope=iam.ScopeReq(project=iam.ProjectScopeReq(name="eu-de")),
        )
    )
)
assert signed_in.data.token and signed_in.data.token.project and signed_in.headers
project = ident(signed_in.data.token.project.id)
token = {name.lower(): value for name, value in signed_in.headers.items()}["x-subject-token"]
client = devenviron.ApiClient(devenviron.Configuration(host=URL, api_key={"XAuthToken": token}))
notebooks = devenviron.NotebooksApi(client)
instances = devenviron.DevEnvInstancesApi(client)


def wait(id: str, status: str) -> devenviron.Notebook:
    for _ in range(300):
        notebook = notebooks.show_notebook(project, id)
        if notebook.status == status:
            return notebook
        time.sleep(0.1)
    raise AssertionError(f"never {status}")


def fails(id: str, status: int, code: str) -> None:
    try:
        notebooks.show_notebook(project, id)
    except ApiException as error:
        assert isinstance(error.data, devenviron.ErrorResponse), error
        assert (error.status, error.data.error_code) == (status, code)
    else:
        raise AssertionError(f"{id} is there")


images = devenviron.ImagesApi(client).list_images(project, type="BUILD_IN").data
flavors = devenviron.FlavorsApi(client).list_flavors(project).data
assert images and flavors
made = notebooks.create_notebook(
    project,
    devenviron.CreateNotebookRequest(
        name="consumer",
        description="before",
        flavor=ident(flavors[0].id),
        image_id=ident(images[0].id),
        volume=devenviron.VolumeReq(category="EVS", ownership="MANAGED", capacity=5),
    ),
)
id = ident(made.id)
before = wait(id, "RUNNING")

found = notebooks.list_notebooks(project, name="consumer", limit=5).data
assert found and [one.id for one in found] == [id]

notebooks.update_notebook(project, id, devenviron.UpdateNotebookRequest(description="after"))
after = wait(id, "RUNNING")
assert (after.description, before.description) == ("after", "before")
assert (after.name, after.flavor) == (before.name, before.flavor)
assert after.volume and before.volume and after.volume.capacity == before.volume.capacity

lease = devenviron.LeaseApi(client).renew_lease(project, id, devenviron.LeaseReq(duration=7200000))
assert lease.duration

notebooks.stop_notebook(project, id)
wait(id, "STOPPED")
notebooks.start_notebook(project, id)
wait(id, "RUNNING")

fails("00000000-0000-0000-0000-000000000000", 400, "ModelArts.6309")
fails("fault-502", 502, "APIGW.0201")
fails("fault-429", 429, "APIGW.0308")
odd = notebooks.show_notebook(project, "odd")
assert (odd.status, odd.lease, odd.description, odd.endpoints, odd.create_at) == ("HIBERNATED", None, None, None, None)

instance = instances.create_dev_env_instance(
    project,
    devenviron.CreateDevEnvInstanceRequest(
        name="consumer-old",
        profile_id="Python3-cpu",
        flavor="modelarts.vm.cpu.2u",
        spec=devenviron.CreateDevEnvNotebookSpec(
            storage=devenviron.DevEnvStorageReq(
                type="obs", location=devenviron.DevEnvStorageLocationReq(path="/bucket/consumer/")
            ),
            auto_stop=devenviron.DevEnvAutoStopReq(enable=True, duration=3600),
        ),
    ),
)
old = ident(instance.id)
while instances.show_dev_env_instance(project, old).status != "RUNNING":
    time.sleep(0.1)
update = devenviron.UpdateDevEnvNotebookSpec(auto_stop=devenviron.UpdateDevEnvAutoStopReq(duration=7200))
instances.update_dev_env_instance(project, old, devenviron.UpdateDevEnvInstanceRequest(spec=update))
spec = instances.show_dev_env_instance(project, old).spec
assert spec and spec.auto_stop and spec.auto_stop.enable is True
instances.delete_dev_env_instance(project, old)

notebooks.delete_notebook(project, id)
for _ in range(300):
    try:
        notebooks.show_notebook(project, id)
    except ApiException as error:
        assert error.data and error.data.error_code == "ModelArts.6309"
        break
    time.sleep(0.1)
else:
    raise AssertionError("never gone")
