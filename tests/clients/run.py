"""Runs every client against the emulator at an address and prints how many steps passed."""

import argparse
import dataclasses
import json
import pathlib
import sys

import openstack_client
import terraform_replay
import vendor_sdk
from steps import Steps


@dataclasses.dataclass(frozen=True)
class Emulator:
    """Where it is and who may sign in; the accounts are those of `fixtures.json`."""

    url: str
    region: str
    domain: str
    project: str
    project_id: str
    user: str
    password: str
    access_key: str
    secret_key: str


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="address of the emulator, started with fixtures.json")
    emulator = _emulator(parser.parse_args().url.rstrip("/"))
    steps = Steps()
    for client in (openstack_client, vendor_sdk, terraform_replay):
        client.run(steps, emulator)
    print(f"{steps.passed} passed, {steps.failed} failed")
    return 1 if steps.failed else 0


def _emulator(url):
    fixtures = json.loads(pathlib.Path(__file__).with_name("fixtures.json").read_text(encoding="utf-8"))
    project, user = fixtures["projects"][0], fixtures["users"][0]
    return Emulator(
        url=url,
        region=project["name"],
        domain=fixtures["domains"][0]["name"],
        project=project["name"],
        project_id=project["id"],
        user=user["name"],
        password=user["password"],
        access_key=user["access_keys"][0]["access"],
        secret_key=user["access_keys"][0]["secret"],
    )


if __name__ == "__main__":
    sys.exit(main())
