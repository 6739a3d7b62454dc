"""datamodel-code-generator: every sample of the documents comes back as it went in; a code is found in the catalogue."""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

published = Path(sys.argv[1])


def bodies(value: Any) -> Any:
    """Media types with named examples, at any depth."""
    if isinstance(value, dict):
        if "examples" in value and "schema" in value and isinstance(value["examples"], dict):
            yield value
        for member in value.values():
            yield from bodies(member)
    elif isinstance(value, list):
        for item in value:
            yield from bodies(item)


def plain(value: Any) -> Any:
    """What a model holds, secrets too, as JSON has it."""
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.get_secret_value() if hasattr(value, "get_secret_value") else value


count = 0
for family in ["devenviron", "iam"]:
    models = importlib.import_module(f"{family}_models")
    document = json.loads((published / f"{family}-3.1.json").read_text())
    for body in bodies(document):
        model = getattr(models, body["schema"]["$ref"].rsplit("/", 1)[-1])
        for name, example in body["examples"].items():
            back = plain(model.model_validate(example["value"]).model_dump(by_alias=True, exclude_unset=True))
            assert back == example["value"], f"{family} {name}: {back}"
            count += 1
assert count > 80, count

codes = {entry["code"]: entry for entry in json.loads((published / "errors.json").read_text())}
assert codes["ModelArts.6309"]["class"] == "not_found" and codes["ModelArts.6309"]["remedy"]
print(f"{count} samples")
