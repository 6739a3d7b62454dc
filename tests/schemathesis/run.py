"""Signs in to the emulator at an address and tests it against the documents that it serves."""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import tomllib
import urllib.request

FOLDER = pathlib.Path(__file__).parent
LIST = FOLDER.parents[1] / "openapi" / "documents.toml"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="address of the emulator, started with fixtures.json")
    parser.add_argument("--examples", type=int, required=True, help="generated cases for each operation and phase")
    parser.add_argument("--limit", type=int, required=True, help="seconds for each document; more is a failure")
    arguments = parser.parse_args()
    passed, failed = 0, 0
    for document in _emulated():
        cases = _test(document, arguments)
        bad = cases["with_failures"] + cases["errored"]
        passed += cases["generated"] - bad
        failed += bad
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def _emulated():
    families = tomllib.loads(LIST.read_text(encoding="utf-8"))["document"]
    return [family["name"] for family in families if family.get("emulated", True)]


def _test(document, arguments):
    fixtures = json.loads((FOLDER / "fixtures.json").read_text(encoding="utf-8"))
    project, user = fixtures["projects"][0], fixtures["users"][0]
    environment = {
        **os.environ,
        "PROJECT": project["id"],
        "TOKEN": _token(arguments.url, project, user),
        "SCHEMATHESIS_HOOKS": str(FOLDER / "hooks.py"),
    }
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder, "report.json")
        command = [
            sys.executable, "-B", "-m", "schemathesis.cli", "--no-color",
            "--config-file", FOLDER / f"{document}.toml",
            "run", f"{arguments.url}/docs/openapi/{document}.json", "--url", arguments.url,
            "--max-examples", str(arguments.examples),
            "--report", "json", "--report-json-path", report,
        ]  # fmt: skip
        try:
            status = subprocess.run(command, cwd=folder, env=environment, timeout=arguments.limit, check=False)
        except subprocess.TimeoutExpired:
            sys.exit(f"{document}: not finished after {arguments.limit} s")
        # The report tells more than the exit status, if there is one.
        if not report.exists():
            sys.exit(f"{document}: Schemathesis ended with {status.returncode} and left no report")
        outcome = json.loads(report.read_text(encoding="utf-8"))
    if not outcome["complete"]:
        sys.exit(f"{document}: the run was cut short: {outcome['stop_reason']}")
    return outcome["test_cases"]


def _token(url, project, user):
    who = {"name": user["name"], "password": user["password"], "domain": {"name": user["domain"]}}
    body = {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": who}},
            "scope": {"project": {"id": project["id"]}},
        }
    }
    request = urllib.request.Request(
        f"{url}/v3/auth/tokens", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.headers["X-Subject-Token"]


if __name__ == "__main__":
    sys.exit(main())
