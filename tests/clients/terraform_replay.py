"""What the Terraform provider for Huawei Cloud sends, replayed: its headers, its signature, its reading back."""

import datetime
import hashlib
import hmac
import json
import urllib.error
import urllib.parse
import urllib.request

from steps import contains, equal, poll

MISSING = "00000000-0000-4000-8000-000000000000"


def run(steps, emulator):
    """Plan, apply, plan again, change, destroy."""
    with steps.client("Terraform replay"):
        session = Session(emulator)
        flavor, image = _lookups(steps, session)
        _resource(steps, session, flavor, image)
        _documented(steps, session, flavor, image)


class Session:
    """Signs as the provider does: `host` is not among the signed headers and no project is named."""

    def __init__(self, emulator):
        self._url = emulator.url
        self._keys = emulator.access_key, emulator.secret_key
        self._base = f"/v1/{emulator.project_id}"

    def service(self, method, path, body=None, **query):
        """Calls the service; status and decoded body."""
        return self.call(method, self._base + path, body, **query)

    def call(self, method, path, body=None, **query):
        """Sends one signed request; status and decoded body."""
        headers = {
            "accept": "application/json",
            "user-agent": "terraform-provider",
            "x-language": "en-us",
            "x-sdk-date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ"),
        }
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            headers["content-type"] = "application/json"
        text = _canonical_query(query)
        headers["authorization"] = _authorization(method, path, text, headers, data or b"", *self._keys)
        url = f"{self._url}{path}?{text}" if text else f"{self._url}{path}"
        request = urllib.request.Request(url, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, _decode(answer.read())
        except urllib.error.HTTPError as answer:
            return answer.code, _decode(answer.read())


def _decode(text):
    return json.loads(text) if text else None


def _encode(text):
    return urllib.parse.quote(str(text), safe="-_.~")


def _canonical_query(query):
    return "&".join(f"{_encode(name)}={_encode(value)}" for name, value in sorted(query.items()))


def _authorization(method, path, query, headers, body, access_key, secret_key):
    signed = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    path = "/".join(_encode(part) for part in path.split("/")) + "/"
    digest = hashlib.sha256(body).hexdigest()
    canonical = f"{method}\n{path}\n{query}\n{lines}\n{signed}\n{digest}"
    text = f"SDK-HMAC-SHA256\n{headers['x-sdk-date']}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(secret_key.encode(), text.encode(), hashlib.sha256).hexdigest()
    return f"SDK-HMAC-SHA256 Access={access_key}, SignedHeaders={signed}, Signature={signature}"


def _accepted(outcome):
    status, body = outcome
    assert 200 <= status < 300, f"{status}: {body}"
    return body


def _lookups(steps, session):
    with steps.step("GET /v3/auth/domains, host not signed", essential=True):
        (domain,) = _accepted(session.call("GET", "/v3/auth/domains"))["domains"]
        assert domain["id"] and domain["name"] and domain["enabled"] is True, domain

    with steps.step("data sources: flavors and images", essential=True):
        flavors = _accepted(session.service("GET", "/notebooks/flavors", category="CPU"))
        assert flavors["total"] == len(flavors["data"]) > 0, flavors
        images = _accepted(session.service("GET", "/images", limit=50, offset=0, type="BUILD_IN"))
        assert images["total"] == len(images["data"]) > 0, images
        # As the provider's own tests do: the first of either list.
        return flavors["data"][0]["id"], images["data"][0]["id"]


def _resource(steps, session, flavor, image):
    first = {
        "name": "terraform-1",
        "description": "first",
        "flavor": flavor,
        "image_id": image,
        "feature": "NOTEBOOK",
        "duration": -1,
        "workspace_id": "0",
        "volume": {"category": "EVS", "ownership": "MANAGED", "capacity": 10},
    }
    with steps.step("create with duration -1", essential=True):
        notebook = _accepted(session.service("POST", "/notebooks", first))["id"]
        path = f"/notebooks/{notebook}"

    with steps.step("poll until RUNNING and its disk is ready", essential=True):
        _until(session, path, "RUNNING")
        poll(lambda: _show(session, path)["volume"].get("status"), lambda found: found != "INITIALIZING")

    with steps.step("the second plan finds nothing to do"):
        _unchanged(session, path, first)
        equal(_accepted(session.service("GET", f"{path}/storage"))["data"], [], "storage")

    with steps.step("list by name until a short page"):
        equal(_pages(session, "terraform-1"), [notebook])

    with steps.step("change name and description in place"):
        changed = {"name": "terraform-renamed", "description": ""}
        _accepted(session.service("PUT", path, changed))
        _unchanged(session, path, {**first, **changed})

    with steps.step("grow the disk in place"):
        _accepted(session.service("PUT", path, {"storage_new_size": 20}))
        poll(lambda: _show(session, path)["volume"], lambda volume: volume["capacity"] == 20)
        poll(lambda: _show(session, path)["volume"].get("status"), lambda found: found != "RESIZING")

    with steps.step("change the flavor: stop, PUT, start"):
        _accepted(session.service("POST", f"{path}/stop"))
        _until(session, path, "STOPPED")
        _accepted(session.service("PUT", path, {"flavor": "modelarts.vm.cpu.8u"}))
        _accepted(session.service("POST", f"{path}/start", duration=-1))
        _until(session, path, "RUNNING")
        volume = {**first["volume"], "capacity": 20}
        _unchanged(session, path, {**first, **changed, "flavor": "modelarts.vm.cpu.8u", "volume": volume})

    with steps.step("mount, read back, unmount"):
        body = {"category": "OBS", "mount_path": "/data/corpus/", "uri": "obs://corpus/train/"}
        mount = _accepted(session.service("POST", f"{path}/storage", body))["id"]
        one = f"{path}/storage/{mount}"
        found = poll(lambda: _accepted(session.service("GET", one)), lambda volume: volume["status"] == "MOUNTED")
        contains(found, {"mount_path": body["mount_path"], "uri": body["uri"]})
        _accepted(session.service("DELETE", one))
        poll(lambda: _accepted(session.service("GET", f"{path}/storage"))["data"], lambda found: found == [])

    with steps.step("destroy while it runs: DELETE, then GET until 400 with ModelArts.6309"):
        _accepted(session.service("DELETE", path))
        status, body = poll(lambda: session.service("GET", path), lambda outcome: outcome[0] != 200)
        equal((status, body["error_code"]), (400, "ModelArts.6309"))
        equal(_pages(session, "terraform-renamed"), [])

    with steps.step("refresh of what somebody else removed: 400 with ModelArts.6309"):
        status, body = session.service("GET", f"/notebooks/{MISSING}")
        equal((status, body["error_code"]), (400, "ModelArts.6309"))
        assert body["error_msg"], body


def _documented(steps, session, flavor, image):
    """The examples of the provider's documentation: tags, a file system of one's own, further storage."""
    first = {
        "name": "terraform-2",
        "flavor": flavor,
        "image_id": image,
        "feature": "NOTEBOOK",
        "duration": -1,
        "workspace_id": "0",
        "volume": {
            "category": "EFS",
            "ownership": "DEDICATED",
            "uri": "192.168.0.254:/",
            "id": "0c9e5b6e-7a31-4a0e-9f52-6f1b2f6a9d10",
        },
        "data_volumes": [
            {
                "category": "OBS",
                "ownership": "DEDICATED",
                "uri": "obs://corpus/train/",
                "mount_path": "/data/train/",
                "dew_secret_name": "corpus-key",
            },
            {
                "category": "EFS",
                "ownership": "DEDICATED",
                "uri": "192.168.0.253:/models",
                "id": "5d2f7c1a-90b4-4e0d-8a6e-b3c4d5e6f701",
                "mount_path": "/data/models/",
            },
        ],
    }
    with steps.step("apply: a dedicated EFS volume with uri and id, data volumes", essential=True):
        notebook = _accepted(session.service("POST", "/notebooks", first))["id"]
        path = f"/notebooks/{notebook}"
        _until(session, path, "RUNNING")

    with steps.step("apply: tags"):
        _tags(session, notebook, {"foo": "bar", "key": "value"})

    with steps.step("the second plan finds nothing to do: volume, data volumes, tags"):
        # The response names neither owner nor secret of further storage.
        hidden = "ownership", "dew_secret_name"
        shown = [
            {name: value for name, value in volume.items() if name not in hidden}
            for volume in first["data_volumes"]
        ]
        _unchanged(session, path, {**first, "data_volumes": shown})
        equal(_read_tags(session, path), {"foo": "bar", "key": "value"})
        # None of them is mounted while the notebook runs.
        equal(_accepted(session.service("GET", f"{path}/storage"))["data"], [], "storage")

    with steps.step("change tags in place: the old ones go, the new ones come"):
        old = [{"key": key, "value": value} for key, value in _read_tags(session, path).items()]
        _accepted(session.service("DELETE", f"{path}/tags/delete", {"tags": old}))
        _tags(session, notebook, {"foo": "baz"})
        equal(_read_tags(session, path), {"foo": "baz"})
        found = _accepted(session.service("GET", "/notebooks", tags="foo|baz"))["data"]
        equal([one["id"] for one in found], [notebook])

    with steps.step("destroy"):
        _accepted(session.service("DELETE", path))
        status, body = poll(lambda: session.service("GET", path), lambda outcome: outcome[0] != 200)
        equal((status, body["error_code"]), (400, "ModelArts.6309"))
        equal(_accepted(session.service("GET", "/notebooks/tags"))["tags"], [])


def _tags(session, notebook, tags):
    body = {"tags": [{"key": key, "value": value} for key, value in tags.items()]}
    _accepted(session.service("POST", f"/notebooks/{notebook}/tags/create", body))


def _read_tags(session, path):
    return {tag["key"]: tag["value"] for tag in _show(session, path).get("tags", [])}


def _show(session, path):
    return _accepted(session.service("GET", path))


def _until(session, path, status):
    poll(lambda: _show(session, path)["status"], lambda found: found == status)


def _unchanged(session, path, sent):
    """What was sent is read back, except that the image is an object and `duration` part of the lease."""
    wanted = {name: value for name, value in sent.items() if name not in ("duration", "image_id")}
    shown = _show(session, path)
    contains(shown, {**wanted, "image": {"id": sent["image_id"]}, "lease": {"enable": False}})


def _pages(session, name):
    found, size = [], 50
    while True:
        page = _accepted(session.service("GET", "/notebooks", limit=size, offset=len(found), name=name))["data"]
        found += [notebook["id"] for notebook in page]
        if len(page) < size:
            return found
