"""What the API demands of requests and a document cannot say."""

import itertools

import schemathesis

_number = itertools.count()


@schemathesis.hook
def before_call(context, case, **kwargs):
    """An image address and a mount path are taken only once: every good one gets a number."""
    if not isinstance(case.body, dict):
        return
    for name, beginning, end in (("swr_path", "swr.", ""), ("tag", "", ""), ("mount_path", "/data/", "/")):
        value = case.body.get(name)
        if isinstance(value, str) and value.startswith(beginning) and 0 < len(value) < 60:
            case.body[name] = f"{value.removesuffix('/')}-{next(_number)}{end}"
