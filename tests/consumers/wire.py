"""A proxy in front of the emulator that keeps what generated clients really send, and answers what it never would.

Some identifiers stand for an answer: `fault-502` and `fault-429` for errors of the gateway, `odd` for a notebook with a
status that nobody knows and null wherever it can stand.
"""

import http.client
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

CANNED = {
    "fault-502": (502, {}, {"error_code": "APIGW.0201", "error_msg": "Backend unavailable"}),
    "fault-429": (429, {"Retry-After": "2"}, {"error_code": "APIGW.0308", "error_msg": "The throttling threshold has been reached"}),
    "odd": (
        200,
        {},
        {
            "id": "odd",
            "name": "odd",
            "status": "HIBERNATED",
            "lease": None,
            "description": None,
            "endpoints": None,
            "feature": None,
            "create_at": None,
            "image": None,
            "volume": None,
            "action_progress": None,
            "user": None,
            "a_new_property": {"of": ["the", "future"]},
        },
    ),
}
CREDENTIALS = {"x-auth-token", "authorization"}


class Wire:
    """Runs until it is closed. `requests` is what came in, `found` what the validating proxies object to.

    `proxies` has the address of a proxy for each family, which hands on to the emulator.
    """

    def __init__(self, proxies):
        self.proxies = {family: urlsplit(url) for family, url in proxies.items()}
        self.requests = []
        self.found = []
        wire = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                wire.answer(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, handler):
        body = self.read_body(handler)
        target = urlsplit(handler.path)
        headers = [(name.lower(), value) for name, value in handler.headers.items()]
        self.requests.append(
            {
                "method": handler.command,
                "path": target.path,
                "query": parse_qsl(target.query, keep_blank_values=True),
                "credentials": [name for name, _ in headers if name in CREDENTIALS],
                "body": body.decode(),
            }
        )
        canned = CANNED.get(target.path.rsplit("/", 1)[-1])
        if canned:
            status, extra, value = canned
            self.send(handler, status, {"Content-Type": "application/json", **extra}, json.dumps(value).encode())
            return
        proxy = self.proxies["iam" if target.path.startswith("/v3/") else "devenviron"]
        connection = http.client.HTTPConnection(proxy.hostname, proxy.port, timeout=30)
        hop = {"connection", "transfer-encoding", "content-length", "expect", "upgrade", "http2-settings"}
        sent = {name: value for name, value in headers if name not in hop}
        connection.request(handler.command, handler.path, body or None, sent)
        response = connection.getresponse()
        kept = {name: value for name, value in response.getheaders() if name.lower() not in hop}
        for violation in json.loads(kept.pop("sl-violations", "[]")):
            place = ".".join(str(part) for part in violation["location"])
            self.found.append(f"{handler.command} {target.path} {response.status}: {place}: {violation['message']}")
        self.send(handler, response.status, kept, response.read())
        connection.close()

    @staticmethod
    def read_body(handler):
        if "chunked" not in handler.headers.get("Transfer-Encoding", ""):
            return handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        body = b""
        while size := int(handler.rfile.readline().split(b";")[0], 16):
            body += handler.rfile.read(size)
            handler.rfile.readline()
        handler.rfile.readline()
        return body

    @staticmethod
    def send(handler, status, headers, body):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


# What a life cycle sends: per request its body, or the names of its query parameters. Nothing else may be on the wire.
NOTEBOOK = {
    "name": "consumer",
    "description": "before",
    "flavor": str,
    "image_id": str,
    "volume": {"category": "EVS", "ownership": "MANAGED", "capacity": 5},
}
INSTANCE = {
    "name": "consumer-old",
    "profile_id": "Python3-cpu",
    "flavor": "modelarts.vm.cpu.2u",
    "spec": {"storage": {"type": "obs", "location": {"path": "/bucket/consumer/"}}, "auto_stop": {"enable": True, "duration": 3600}},
}
EXPECTED = {
    ("GET", "images"): {"type": "BUILD_IN"},
    ("GET", "flavors"): {},
    ("POST", "notebooks"): NOTEBOOK,
    ("GET", "notebooks"): {"name": "consumer", "limit": "5"},
    ("GET", "notebooks/ID"): {},
    ("PUT", "notebooks/ID"): {"description": "after"},
    ("PATCH", "notebooks/ID/lease"): {"duration": 7200000},
    ("POST", "notebooks/ID/stop"): {},
    ("POST", "notebooks/ID/start"): {},
    ("DELETE", "notebooks/ID"): {},
    ("POST", "demanager/instances"): INSTANCE,
    ("GET", "demanager/instances/ID"): {},
    ("PUT", "demanager/instances/ID"): {"spec": {"auto_stop": {"duration": 7200}}},
    ("DELETE", "demanager/instances/ID"): {},
}


def violations(requests):
    """Everything on the wire that a user did not ask for, and every step that is missing."""
    found = []
    seen = set()
    for request in requests:
        name = f"{request['method']} {request['path']}"
        if request["path"].startswith("/v3/auth/tokens"):
            if request["credentials"]:
                found.append(f"{name}: carries {request['credentials']} although it signs in")
            seen.add("sign-in")
            continue
        if len(request["credentials"]) != 1:
            found.append(f"{name}: carries {request['credentials'] or 'no credential'}, not exactly one")
        parts = request["path"].split("/")[3:]
        if parts[0] == "notebooks" and len(parts) > 1 and parts[1] != "flavors":
            parts[1] = "ID"
        if parts[0] == "demanager" and len(parts) > 2:
            parts[2] = "ID"
        key = (request["method"], "/".join(parts).removeprefix("notebooks/flavors") or "flavors")
        seen.add(key)
        expected = EXPECTED.get(key)
        if expected is None:
            found.append(f"{name}: is no step of the life cycle")
            continue
        if request["method"] == "GET":
            if dict(request["query"]) != expected:
                found.append(f"{name}: sends the query {request['query']} instead of {expected}")
            if request["body"]:
                found.append(f"{name}: sends the body {request['body']}")
            continue
        if request["query"]:
            found.append(f"{name}: sends the query {request['query']}")
        body = request["body"]
        if not expected:
            if body not in ("", "{}"):
                found.append(f"{name}: sends the body {body}")
            continue
        try:
            sent = json.loads(body)
        except ValueError:
            found.append(f"{name}: sends the body {body!r}")
            continue
        wanted = {key: sent.get(key) if value is str and isinstance(sent.get(key), str) else value for key, value in expected.items()}
        if sent != wanted:
            found.append(f"{name}: sends {json.dumps(sent)} instead of {json.dumps(wanted, default=str)}")
    for key in ["sign-in", *EXPECTED]:
        if key not in seen:
            found.append(f"{key if isinstance(key, str) else ' '.join(key)}: was never sent")
    return found
