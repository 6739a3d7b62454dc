"""The OpenStack SDK with the extensions of Open Telekom Cloud, as a library and from the command line."""

import json
import os
import subprocess
import sys
import urllib.request

import openstack
from openstack.exceptions import HttpException, NotFoundException, SDKException
from otcextensions import sdk as extensions

from steps import equal, poll, refused

SPEC = {"storage": {"type": "obs", "location": {"path": "/corpus/notebooks/"}}}
CPU = "Multi-Engine 1.0 (python3)-cpu"


def run(steps, emulator):
    """A life cycle with the library, then one with the command line."""
    with steps.client("openstacksdk"):
        _library(steps, emulator)
    with steps.client("openstack"):
        _command_line(steps, emulator)


def _library(steps, emulator):
    with steps.step("sign in with a password, project scope by name", essential=True):
        cloud = _connect(emulator)
        extensions.load(cloud)
        equal(cloud.current_project_id, emulator.project_id, "project")

    with steps.step("find the service in the catalogue", essential=True):
        service = cloud.modelartsv1
        equal(service.get_endpoint(), f"{emulator.url}/v1/{emulator.project_id}", "endpoint")

    with steps.step("create an instance", essential=True):
        created = service.create_devenv_instance(
            name="library-1",
            profile_id=CPU,
            flavor="modelarts.vm.cpu.2u",
            description="first",
            workspace_id="0",
            spec=SPEC,
        )
        instance = created.id
        equal(created.name, "library-1", "name")

    with steps.step("poll until it runs", essential=True):
        _until(service, instance, "RUNNING")

    with steps.step("show it"):
        shown = service.get_devenv_instance(instance)
        equal(shown.description, "first", "description")
        equal(shown.profile.id, CPU, "profile")
        equal(shown.flavor, "modelarts.vm.cpu.2u", "flavor")
        equal(shown.workspace_id, "0", "workspace")
        equal(shown.spec.storage.location.path, "/corpus/notebooks/", "storage")
        int(shown.created_at)

    with steps.step("find it by id and by name"):
        equal(service.find_devenv_instance(instance).id, instance, "found by id")
        equal(service.find_devenv_instance("library-1").id, instance, "found by name")

    with steps.step("list, with and without filters"):
        equal(_listed(service), [instance])
        equal(_listed(service, status="RUNNING", sort_by="name", order="asc", limit=10), [instance])
        equal(_listed(service, status="STOPPED"), [])
        equal(_listed(service, show_self=True, workspace_id="0", provision_type="Docker"), [instance])

    with steps.step("update the description"):
        service.update_devenv_instance(instance, description="second")
        equal(service.get_devenv_instance(instance).description, "second", "description")

    with steps.step("stop it"):
        stopping = service.stop_devenv_instance(instance)
        equal(stopping.previous_state, "RUNNING", "previous state")
        equal(stopping.current_status, "STOPPING", "current status")
        _until(service, instance, "STOPPED")

    with steps.step("start it again"):
        starting = service.start_devenv_instance(instance)
        equal(starting.previous_state, "STOPPED", "previous state")
        equal(starting.current_status, "STARTING", "current status")
        _until(service, instance, "RUNNING")

    with steps.step("delete it, and it is gone"):
        service.delete_devenv_instance(instance)
        poll(lambda: _listed(service), lambda found: found == [])

    with steps.step("an id that does not exist is refused with ModelArts.6309"):
        missing = "00000000-0000-4000-8000-000000000000"
        error = refused(HttpException, lambda: service.get_devenv_instance(missing))
        assert error.status_code in (400, 404) and "ModelArts.6309" in str(error), str(error)

    with steps.step("a name that does not exist is not found"):
        refused(NotFoundException, lambda: service.find_devenv_instance("nobody"))

    with steps.step("a wrong password is refused"):
        stranger = _connect(emulator, password="wrong")
        error = refused(SDKException, stranger.authorize)
        assert "401" in str(error), str(error)

    with steps.step("an expired token is renewed once and the request repeated"):
        before = _sign_ins(emulator)
        _control(emulator, "POST", "clock", {"advance_ms": 25 * 60 * 60 * 1000})
        equal(_listed(service), [])
        equal(_listed(service), [])
        equal(_sign_ins(emulator) - before, 1, "new tokens")


def _sign_ins(emulator):
    return len(_control(emulator, "GET", "requests?operation=createToken"))


def _control(emulator, method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{emulator.url}/_emulator/{path}", data=data, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def _until(service, instance, status):
    poll(lambda: service.get_devenv_instance(instance).status, lambda found: found == status)


def _listed(service, **filters):
    return [instance.id for instance in service.devenv_instances(**filters)]


def _connect(emulator, **other):
    settings = {**_settings(emulator), **other}
    return openstack.connect(load_yaml_config=False, load_envvars=False, **settings)


def _settings(emulator):
    return {
        "auth_url": f"{emulator.url}/v3",
        "username": emulator.user,
        "password": emulator.password,
        "user_domain_name": emulator.domain,
        "project_name": emulator.project,
        "project_domain_name": emulator.domain,
        "region_name": emulator.region,
    }


def _command_line(steps, emulator):
    with steps.step("ma devenv create", essential=True):
        created = _openstack(
            emulator, "create", "command-1", "--profile-id", "1", "--flavor", "modelarts.vm.cpu.2u",
            "--workspace-id", "0", "--storage-type", "obs", "--storage-path", "/corpus/notebooks/",
            "--description", "first",
        )  # fmt: skip
        instance = created["id"]

    with steps.step("ma devenv show, by name, until it runs", essential=True):
        poll(lambda: _openstack(emulator, "show", "command-1")["status"], lambda found: found == "RUNNING")

    with steps.step("ma devenv list"):
        (row,) = _openstack(emulator, "list", "--status", "RUNNING", "--sort-by", "name", "--show-self")
        equal((row["ID"], row["Name"], row["status"]), (instance, "command-1", "RUNNING"))

    with steps.step("ma devenv update"):
        _openstack(
            emulator, "update", instance, "--description", "second", "--auto-stop", "enable", "--duration", "7200"
        )
        shown = _openstack(emulator, "show", instance)
        equal(shown["description"], "second", "description")

    with steps.step("ma devenv stop, start"):
        _openstack(emulator, "stop", "command-1")
        poll(lambda: _openstack(emulator, "show", instance)["status"], lambda found: found == "STOPPED")
        _openstack(emulator, "start", "command-1")

    with steps.step("ma devenv delete"):
        poll(lambda: _openstack(emulator, "show", instance)["status"], lambda found: found == "RUNNING")
        _openstack(emulator, "delete", "command-1")
        poll(lambda: _openstack(emulator, "list"), lambda found: found == [])

    with steps.step("ma devenv show of what does not exist fails"):
        outcome = _call(emulator, "show", "nobody")
        assert outcome.returncode != 0, outcome.stdout
        assert "nobody" in outcome.stderr, outcome.stderr


def _openstack(emulator, *arguments):
    outcome = _call(emulator, *arguments)
    if outcome.returncode != 0:
        raise AssertionError(outcome.stderr.strip() or outcome.stdout.strip())
    return json.loads(outcome.stdout) if outcome.stdout.strip() else None


def _call(emulator, verb, *arguments):
    program = os.path.join(os.path.dirname(sys.executable), "openstack")
    shown = [] if verb == "delete" else ["-f", "json"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    for name, value in _settings(emulator).items():
        environment["OS_" + name.upper()] = value
    environment["OS_CLIENT_CONFIG_FILE"] = os.devnull
    environment["OS_IDENTITY_API_VERSION"] = "3"
    return subprocess.run(
        [program, "ma", "devenv", verb, *shown, *arguments],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
