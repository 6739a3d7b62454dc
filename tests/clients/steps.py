"""Named steps with a verdict each, and how to wait for something."""

import contextlib
import time
import traceback


class Abandoned(Exception):
    """What follows makes no sense without the step that failed."""


class Steps:
    """Runs steps, prints a line for each, and counts."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self._client = ""

    @contextlib.contextmanager
    def client(self, name):
        """The steps of one client; they end early when an essential one fails."""
        self._client = name
        begun = time.monotonic()
        try:
            yield
        except Abandoned:
            print(f"      {name}: the rest was left out", flush=True)
        except Exception:
            self._fail("between two steps", traceback.format_exc(limit=-4))
        print(f"      {name}: {time.monotonic() - begun:.1f} s", flush=True)

    @contextlib.contextmanager
    def step(self, name, essential=False):
        """One step: passed if its block ends without an exception."""
        try:
            yield
        except Exception as error:
            self._fail(name, _explain(error))
            if essential:
                raise Abandoned from error
        else:
            self.passed += 1
            print(f"ok    {self._client}: {name}", flush=True)

    def _fail(self, name, reason):
        self.failed += 1
        print(f"FAIL  {self._client}: {name}\n          " + reason.replace("\n", "\n          "), flush=True)


def _explain(error):
    """The message, and the line of ours that raised it."""
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if "site-packages" not in frame.filename]
    where = f"{ours[-1].filename.rsplit('/', 1)[-1]}:{ours[-1].lineno}: {ours[-1].line}" if ours else ""
    return f"{type(error).__name__}: {error}\n{where}"


def equal(found, wanted, what="value"):
    """Fails unless both are equal, and says both."""
    if found != wanted:
        raise AssertionError(f"{what} is {found!r}, expected {wanted!r}")


def contains(found, wanted, path=""):
    """Fails unless everything of `wanted` stands in `found`, however deep; `found` may hold more."""
    if isinstance(wanted, dict):
        for key, value in wanted.items():
            if not isinstance(found, dict) or key not in found:
                raise AssertionError(f"{path}/{key} is missing, expected {value!r}")
            contains(found[key], value, f"{path}/{key}")
    elif isinstance(wanted, list) and isinstance(found, list) and len(found) == len(wanted):
        for index, value in enumerate(wanted):
            contains(found[index], value, f"{path}/{index}")
    else:
        equal(found, wanted, path or "value")


def poll(look, until, seconds=30.0, pause=0.1):
    """Calls `look` until `until` likes the answer; the answer, or a failure that tells the last one."""
    deadline = time.monotonic() + seconds
    while True:
        answer = look()
        if until(answer):
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds} s still {answer!r}")
        time.sleep(pause)


def refused(kind, call):
    """The exception of this kind that `call` raises; a failure if it raises none."""
    try:
        answer = call()
    except kind as error:
        return error
    raise AssertionError(f"it was accepted with {answer!r}, expected {kind.__name__}")
