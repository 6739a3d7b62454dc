"""The vendor's Python SDK: signed requests, by endpoint and by region."""

import contextlib
import os

import huaweicloudsdkmodelarts.v1 as api
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ServiceResponseException
from huaweicloudsdkmodelarts.v1.region.modelarts_region import ModelArtsRegion

from steps import contains, equal, poll, refused

FLAVOR = "modelarts.vm.cpu.2u"
HOUR = 3_600_000
MISSING = "00000000-0000-4000-8000-000000000000"


def run(steps, emulator):
    """A life cycle by endpoint, then a few calls by region."""
    with steps.client("vendor SDK"):
        client = _by_endpoint(emulator)
        notebook = _creation(steps, client)
        _leases(steps, client, notebook)
        _flavors(steps, client, notebook)
        _images(steps, client, notebook)
        _storage(steps, client, notebook)
        _ending(steps, client, notebook)
        _refusals(steps, client, emulator)
    with steps.client("vendor SDK by region"):
        _by_region(steps, emulator)


def _by_endpoint(emulator, **other):
    keys = {"ak": emulator.access_key, "sk": emulator.secret_key, "project_id": emulator.project_id, **other}
    credentials = BasicCredentials(**keys)
    return api.ModelArtsClient.new_builder().with_credentials(credentials).with_endpoint(emulator.url).build()


def _creation(steps, client):
    with steps.step("list images", essential=True):
        found = client.list_image(api.ListImageRequest(limit=50, offset=0, type="BUILD_IN"))
        assert found.total >= 1 and len(found.data) == found.total, (found.total, len(found.data))
        image = found.data[0].id

    with steps.step("create a notebook", essential=True):
        created = client.create_notebook(
            api.CreateNotebookRequest(
                body=api.NotebookCreateRequest(
                    name="sdk-1",
                    description="first",
                    flavor=FLAVOR,
                    image_id=image,
                    feature="NOTEBOOK",
                    workspace_id="0",
                    volume=api.VolumeMountRequest(category="EVS", ownership="MANAGED", capacity=5),
                    lease=api.LeaseReq(duration=HOUR, type="timing"),
                )
            )
        )
        notebook = created.id
        equal(created.name, "sdk-1", "name")

    with steps.step("poll until it runs", essential=True):
        _until(client, notebook, "RUNNING")

    with steps.step("show it"):
        shown = _show(client, notebook)
        contains(
            shown.to_dict(),
            {
                "id": notebook,
                "name": "sdk-1",
                "description": "first",
                "flavor": FLAVOR,
                "feature": "NOTEBOOK",
                "workspace_id": "0",
                "image": {"id": image},
                "lease": {"duration": HOUR, "type": "TIMING", "enable": True},
                "volume": {"category": "EVS", "ownership": "MANAGED", "capacity": 5},
            },
        )
        assert shown.url and shown.token, "a running notebook has an address and a token"

    with steps.step("list, with and without filters"):
        equal(_listed(client), [notebook])
        equal(_listed(client, limit=10, offset=0, name="sdk", sort_key="name", sort_dir="ASC"), [notebook])
        equal(_listed(client, status="RUNNING", workspace_id="0", feature="NOTEBOOK"), [notebook])
        equal(_listed(client, status="STOPPED"), [])
        everything = client.list_all_notebooks(api.ListAllNotebooksRequest(limit=50))
        contains([each.id for each in everything.data], [notebook])

    with steps.step("update name and description while it runs"):
        body = api.NotebookUpdateRequest(name="sdk-renamed", description="second")
        client.update_notebook(api.UpdateNotebookRequest(id=notebook, body=body))
        contains(_show(client, notebook).to_dict(), {"name": "sdk-renamed", "description": "second"})
    return notebook


def _leases(steps, client, notebook):
    with steps.step("renew the lease, by body and by query"):
        body = api.LeaseReq(duration=2 * HOUR, type="timing")
        client.renew_lease(api.RenewLeaseRequest(id=notebook, body=body))
        _renewed(client, notebook, 2 * HOUR)
        client.renew_lease(api.RenewLeaseRequest(id=notebook, duration=3 * HOUR, body=api.LeaseReq()))
        _renewed(client, notebook, 3 * HOUR)


def _renewed(client, notebook, asked):
    lease = client.show_lease(api.ShowLeaseRequest(id=notebook)).to_dict()
    contains(lease, {"enable": True, "type": "TIMING"})
    # It is asked for from now on, but told from the creation of the notebook on.
    assert asked <= lease["duration"] < asked + HOUR, lease


def _flavors(steps, client, notebook):
    with steps.step("list flavors"):
        found = client.list_flavors(api.ListFlavorsRequest(category="CPU", limit=50))
        flavor = next(flavor for flavor in found.data if flavor.id == FLAVOR)
        contains(flavor.to_dict(), {"category": "CPU", "memory": 8_388_608, "vcpus": 2, "sold_out": False})

    with steps.step("list switchable flavors"):
        found = client.show_switchable_flavors(api.ShowSwitchableFlavorsRequest(id=notebook, limit=50))
        equal([each.id for each in found.data], [each.id for each in found.flavors], "data")
        assert found.data, "nothing to switch to"


def _images(steps, client, notebook):
    with steps.step("register an image, show and delete it"):
        body = api.ImageRegRequest(
            swr_path="swr.example.com/atelier/torch-nlp:2.4", arch="x86_64", services=["NOTEBOOK", "SSH"]
        )
        image = client.register_image(api.RegisterImageRequest(body=body)).id
        shown = client.show_image(api.ShowImageRequest(id=image))
        contains(shown.to_dict(), {"name": "torch-nlp", "tag": "2.4", "namespace": "atelier", "status": "ACTIVE"})
        client.delete_image(api.DeleteImageRequest(id=image))
        _refused(400, "ModelArts.6404", lambda: client.show_image(api.ShowImageRequest(id=image)))

    with steps.step("save the notebook as an image"):
        body = api.ImageCreateReq(name="sdk-saved", namespace="atelier", tag="1.0", description="saved")
        image = client.create_image(api.CreateImageRequest(id=notebook, body=body)).id
        equal(_show(client, notebook).status, "SNAPSHOTTING", "status while saving")
        poll(
            lambda: client.show_image(api.ShowImageRequest(id=image)).status,
            lambda found: found == "ACTIVE",
        )
        _until(client, notebook, "RUNNING")
        equal(_show(client, notebook).image.id, image, "image afterwards")
        found = client.list_image(api.ListImageRequest(name="sdk-saved", type="DEDICATED", limit=10))
        equal([each.id for each in found.data], [image])
        groups = client.list_image_group(api.ListImageGroupRequest(name="sdk-saved", limit=10))
        equal([(each.name, each.namespace) for each in groups.data], [("sdk-saved", "atelier")])


def _storage(steps, client, notebook):
    def volumes():
        return client.list_dynamic_storages(api.ListDynamicStoragesRequest(instance_id=notebook)).data

    with steps.step("mount a parallel file system"):
        body = api.DataVolumesReq(category="OBS", mount_path="/data/corpus/", uri="obs://corpus/train/")
        mounted = client.attach_dynamic_storage(api.AttachDynamicStorageRequest(instance_id=notebook, body=body))
        equal((mounted.category, mounted.mount_path), ("OBSFS", "/data/corpus/"))
        request = api.ShowDynamicStorageRequest(instance_id=notebook, storage_id=mounted.id)
        poll(lambda: client.show_dynamic_storage(request).status, lambda found: found == "MOUNTED")
        equal([(each.id, each.uri) for each in volumes()], [(mounted.id, "obs://corpus/train/")])

    with steps.step("unmount it, and it is gone"):
        client.detach_dynamic_storage(api.DetachDynamicStorageRequest(instance_id=notebook, storage_id=mounted.id))
        poll(volumes, lambda found: found == [])


def _ending(steps, client, notebook):
    with steps.step("stop it"):
        stopping = client.stop_notebook(api.StopNotebookRequest(id=notebook))
        equal(stopping.status, "STOPPING", "status")
        _until(client, notebook, "STOPPED")

    with steps.step("a second stop is refused with ModelArts.6357"):
        _refused(400, "ModelArts.6357", lambda: client.stop_notebook(api.StopNotebookRequest(id=notebook)))

    with steps.step("change the flavor while it is stopped"):
        body = api.NotebookUpdateRequest(flavor="modelarts.vm.cpu.8u")
        client.update_notebook(api.UpdateNotebookRequest(id=notebook, body=body))
        equal(_show(client, notebook).flavor, "modelarts.vm.cpu.8u", "flavor")

    with steps.step("start it, without a lease"):
        starting = client.start_notebook(api.StartNotebookRequest(id=notebook, duration=-1))
        equal(starting.status, "STARTING", "status")
        _until(client, notebook, "RUNNING")
        equal(_show(client, notebook).lease.enable, False, "lease")

    with steps.step("delete it, and it is gone"):
        client.delete_notebook(api.DeleteNotebookRequest(id=notebook))
        poll(lambda: _listed(client), lambda found: found == [])


def _refusals(steps, client, emulator):
    with steps.step("an id that does not exist is refused with ModelArts.6309"):
        error = _refused(400, "ModelArts.6309", lambda: _show(client, MISSING))
        assert error.error_msg and error.request_id, "message and request id reach the user"

    with steps.step("a missing field is refused"):
        body = api.NotebookCreateRequest(name="incomplete", flavor=FLAVOR)
        error = refused(ServiceResponseException, lambda: client.create_notebook(api.CreateNotebookRequest(body=body)))
        equal(error.status_code, 400, "status")
        assert "image_id" in error.error_msg, error.error_msg

    with steps.step("a wrong secret key and an unknown access key are refused with 401"):
        for wrong in ({"sk": "wrong"}, {"ak": "UNKNOWN"}):
            stranger = _by_endpoint(emulator, **wrong)
            error = refused(ServiceResponseException, lambda: _listed(stranger))
            equal(error.status_code, 401, f"status for {wrong}")


def _refused(status, code, call):
    error = refused(ServiceResponseException, call)
    equal((error.status_code, error.error_code), (status, code), "status and code")
    return error


def _by_region(steps, emulator):
    region = emulator.region
    variables = {
        f"HUAWEICLOUD_SDK_REGION_MODELARTS_{region.replace('-', '_').upper()}": emulator.url,
        "HUAWEICLOUD_SDK_IAM_ENDPOINT": emulator.url,
        "HUAWEICLOUD_SDK_AK": emulator.access_key,
        "HUAWEICLOUD_SDK_SK": emulator.secret_key,
    }
    with _environment(variables):
        with steps.step("everything from the environment, the project by the region's name", essential=True):
            builder = api.ModelArtsClient.new_builder().with_region(ModelArtsRegion.value_of(region))
            client = builder.build()
            equal(_listed(client), [])

        with steps.step("list flavors"):
            assert client.list_flavors(api.ListFlavorsRequest()).total > 0


@contextlib.contextmanager
def _environment(variables):
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _show(client, notebook):
    return client.show_notebook(api.ShowNotebookRequest(id=notebook))


def _until(client, notebook, status):
    poll(lambda: _show(client, notebook).status, lambda found: found == status)


def _listed(client, **filters):
    return [notebook.id for notebook in client.list_notebooks(api.ListNotebooksRequest(**filters)).data]
