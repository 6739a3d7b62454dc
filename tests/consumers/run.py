"""Generates a client from the published documents, type-checks or compiles it, and runs one life cycle with it.

    run.py WORK EMULATOR_URL [NAME ...]

What a client sends is compared with what its user asked for, see `wire.py`; between it and the emulator stands Prism, which compares
requests and responses with the document. Called by `cargo xtask consumers`.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from wire import Wire, violations

HERE = Path(__file__).resolve().parent
PUBLISHED = HERE.parents[1] / "openapi" / "published"
BIN = Path(sys.executable).parent
JAR = next(Path(sys.prefix).glob("lib/python*/site-packages/openapi_generator_cli/openapi-generator.jar"), None)
FAMILIES = ["devenviron", "iam"]


class Failed(Exception):
    """A step ended badly; its output is the message."""


def call(*command, cwd=None, env=None, limit=240):
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=limit,
    )
    if done.returncode != 0:
        raise Failed(f"{' '.join(str(part) for part in command)}\n{done.stdout[-4000:]}")
    return done.stdout


def openapi_generator(family, form, language, output, properties):
    """openapi-generator, with all that a command line has."""
    options = ",".join(f"{key}={value}" for key, value in properties.items())
    call(
        "java", "-jar", JAR, "generate", "-i", PUBLISHED / f"{family}{form}", "-g", language, "-o", output,
        "--additional-properties", options, "--global-property", "apiDocs=false,modelDocs=false,apiTests=false,modelTests=false",
    )  # fmt: skip


class Consumer:
    """A generator with its language. Each step works in the folder `work` of its own."""

    name = ""
    takes = ""
    note = ""

    def __init__(self, work):
        self.work = work

    def versions(self):
        raise NotImplementedError

    def generate(self):
        raise NotImplementedError

    def compile(self):
        raise NotImplementedError

    def live(self, env):
        raise NotImplementedError


class PythonClient(Consumer):
    name = "python-client"
    takes = "*-3.1.json"

    def versions(self):
        return f"openapi-python-client {version('openapi-python-client')}"

    def generate(self):
        for family in FAMILIES:
            call(
                BIN / "openapi-python-client", "generate", "--path", PUBLISHED / f"{family}-3.1.json", "--meta", "none",
                "--output-path", self.work / family, "--overwrite", "--config", HERE / "python-client/config.yaml",
                "--fail-on-warning",
            )  # fmt: skip
        for file in ["life.py", "first_call.py"]:
            shutil.copy(HERE / "python-client" / file, self.work)

    def compile(self):
        call(BIN / "mypy", "--strict", "life.py", "first_call.py", cwd=self.work)

    def live(self, env):
        call(sys.executable, "life.py", cwd=self.work, env=env)
        call(sys.executable, "first_call.py", cwd=self.work, env=env)


class PythonGenerator(Consumer):
    name = "python-generator"
    takes = "*.yaml"

    def versions(self):
        return f"openapi-generator {version('openapi-generator-cli')} python"

    def generate(self):
        for family in FAMILIES:
            openapi_generator(family, ".yaml", "python", self.work / "out", {"packageName": family})
            (self.work / "out" / family).rename(self.work / family)
        shutil.copy(HERE / "python-generator/life.py", self.work)

    def compile(self):
        call(BIN / "mypy", "--follow-imports", "silent", "--disallow-untyped-defs", "life.py", cwd=self.work)

    def live(self, env):
        call(sys.executable, "life.py", cwd=self.work, env=env)


class PythonModels(Consumer):
    name = "python-models"
    takes = "*-3.1.json, errors.json"
    note = "models only"

    def versions(self):
        return f"datamodel-code-generator {version('datamodel-code-generator')}"

    def generate(self):
        for family in FAMILIES:
            call(
                BIN / "datamodel-codegen", "--input", PUBLISHED / f"{family}-3.1.json", "--input-file-type", "openapi",
                "--output", self.work / f"{family}_models.py", "--output-model-type", "pydantic_v2.BaseModel",
                "--target-python-version", "3.11", "--use-annotated", "--formatters", "builtin",
            )  # fmt: skip
        shutil.copy(HERE / "python-models/samples.py", self.work)

    def compile(self):
        call(BIN / "mypy", "--strict", "samples.py", "devenviron_models.py", "iam_models.py", cwd=self.work)

    def live(self, env):
        call(sys.executable, "samples.py", PUBLISHED, cwd=self.work)


def node_package(name):
    return json.loads((HERE / "node_modules" / name / "package.json").read_text())["version"]


def install():
    """The packages of the lock file, once; an installation that matches it is kept."""
    lock = (HERE / "package-lock.json").read_text()
    stamp = HERE / "node_modules/.installed-lock.json"
    if not stamp.exists() or stamp.read_text() != lock:
        call("npm", "ci", "--silent", cwd=HERE)
        stamp.write_text(lock)


class TypeScript(Consumer):
    def install(self):
        install()
        for file in ["package.json", "tsconfig.json"]:
            shutil.copy(HERE / file, self.work)
        (self.work / "node_modules").symlink_to(HERE / "node_modules")

    def compile(self):
        call("node_modules/.bin/tsc", "--project", ".", cwd=self.work)

    def live(self, env):
        call("node", "life.js", cwd=self.work, env=env)


class TypeScriptFetch(TypeScript):
    name = "typescript-fetch"
    takes = "*-3.1.json"

    def versions(self):
        return f"openapi-typescript {node_package('openapi-typescript')}, openapi-fetch {node_package('openapi-fetch')}"

    def generate(self):
        self.install()
        for file in ["life.ts", "first-call.ts"]:
            shutil.copy(HERE / "typescript-fetch" / file, self.work)
        for family in FAMILIES:
            call(
                "node_modules/.bin/openapi-typescript", PUBLISHED / f"{family}-3.1.json", "-o", f"{family}.d.ts",
                cwd=self.work,
            )  # fmt: skip

    def live(self, env):
        super().live(env)
        call("node", "first-call.js", cwd=self.work, env=env)


class TypeScriptHeyApi(TypeScript):
    name = "typescript-hey-api"
    takes = "*-3.1.yaml"

    def versions(self):
        return f"@hey-api/openapi-ts {node_package('@hey-api/openapi-ts')}, zod {node_package('zod')}"

    def generate(self):
        self.install()
        for file in ["openapi-ts.config.mjs", "life.ts"]:
            shutil.copy(HERE / "typescript-hey-api" / file, self.work)
        for family in FAMILIES:
            call(
                "node_modules/.bin/openapi-ts", "--file", "openapi-ts.config.mjs", "--silent", cwd=self.work,
                env={"INPUT": str(PUBLISHED / f"{family}-3.1.yaml"), "OUTPUT": str(self.work / family)},
            )  # fmt: skip


class Java(Consumer):
    name = "java"
    takes = "*-closed-enums.json"
    note = "an unknown value becomes UNKNOWN_DEFAULT_OPEN_API"

    def versions(self):
        return f"openapi-generator {version('openapi-generator-cli')} java (native)"

    def generate(self):
        for family in FAMILIES:
            package = f"modelarts.{family}"
            properties = {
                "library": "native",
                "openApiNullable": "false",
                "containerDefaultToNull": "true",
                "enumUnknownDefaultCase": "true",
                "invokerPackage": package,
                "apiPackage": f"{package}.api",
                "modelPackage": f"{package}.model",
            }
            openapi_generator(family, "-closed-enums.json", "java", self.work / family, properties)
        shutil.copy(HERE / "java/Life.java", self.work)

    def compile(self):
        # The annotations come with a package that only build tools fetch; three empty ones stand for them.
        folder = self.work / "stubs/jakarta/annotation"
        folder.mkdir(parents=True)
        for name, members in {"Nonnull": "", "Nullable": "", "Generated": "String[] value(); String date() default \"\"; String comments() default \"\";"}.items():
            (folder / f"{name}.java").write_text(f"package jakarta.annotation; public @interface {name} {{ {members} }}\n")
        folder = self.work / "stubs/javax/annotation"
        folder.mkdir(parents=True)
        (folder / "Generated.java").write_text(
            'package javax.annotation; public @interface Generated { String[] value(); String date() default ""; String comments() default ""; }\n'
        )
        sources = [*self.work.glob("*/src/main/java/**/*.java"), *self.work.glob("stubs/**/*.java"), self.work / "Life.java"]
        call("javac", "-nowarn", "-classpath", JAR, "-d", self.work / "classes", *sources)

    def live(self, env):
        call("java", "-classpath", f"{self.work / 'classes'}:{JAR}", "Life", env=env)


class Go(Consumer):
    name = "go"
    takes = "*.json"

    def versions(self):
        return f"openapi-generator {version('openapi-generator-cli')} go, {call('go', 'version').split()[2]}"

    def generate(self):
        for family in FAMILIES:
            properties = {"packageName": family, "withGoMod": "false", "enumClassPrefix": "true"}
            openapi_generator(family, ".json", "go", self.work / "src" / family, properties)
        (self.work / "src/life").mkdir()
        shutil.copy(HERE / "go/life.go", self.work / "src/life")

    def environment(self):
        return {"GOPATH": str(self.work), "GO111MODULE": "off", "GOFLAGS": "", "GOCACHE": str(self.work.parent / "go-cache")}

    def compile(self):
        call("go", "vet", "devenviron", "iam", "life", env=self.environment())
        call("go", "build", "-o", self.work / "life", "life", env=self.environment())

    def live(self, env):
        call(self.work / "life", env=env)


class Ruby(Consumer):
    name = "ruby"
    takes = "*.json"
    note = "the body of an error is text"

    def versions(self):
        typhoeus = call("ruby", "-e", "require 'typhoeus'; print Typhoeus::VERSION")
        return f"openapi-generator {version('openapi-generator-cli')} ruby, typhoeus {typhoeus}"

    def generate(self):
        for family, module in zip(FAMILIES, ["DevEnviron", "Iam"]):
            openapi_generator(family, ".json", "ruby", self.work / family, {"gemName": family, "moduleName": module})
        shutil.copy(HERE / "ruby/life.rb", self.work)

    def compile(self):
        call("ruby", "-w", "-e", "ARGV.each { |file| RubyVM::InstructionSequence.compile_file(file) }", *self.work.glob("**/*.rb"))

    def live(self, env):
        libraries = [f"-I{self.work / family / 'lib'}" for family in FAMILIES]
        call("ruby", *libraries, self.work / "life.rb", env=env)


class Curl(Consumer):
    """No generator: the first call of the documentation, as it is printed there."""

    name = "curl"
    note = "first call only"

    def versions(self):
        return " ".join(call("curl", "--version").split()[:2])

    def generate(self):
        pass

    def compile(self):
        call("sh", "-n", HERE / "curl/first-call.sh")

    def live(self, env):
        page = json.loads(call(HERE / "curl/first-call.sh", env=env))
        if "data" not in page:
            raise Failed(f"no list of notebooks: {page}")


class Prism:
    """A validating proxy for each family in front of the emulator: it tells what the document does not allow."""

    def __init__(self, work, emulator):
        work.mkdir(parents=True, exist_ok=True)
        self.urls, self.processes = {}, []
        install()
        for family in FAMILIES:
            port = free_port()
            with (work / f"prism-{family}.log").open("w") as log:
                self.processes.append(
                    subprocess.Popen(
                        [
                            "node", HERE / "node_modules/@stoplight/prism-cli/dist/index.js", "proxy", "--host", "127.0.0.1",
                            "--port", str(port), PUBLISHED / f"{family}-3.1.json", emulator,
                        ],
                        stdout=log,
                        stderr=subprocess.STDOUT,
                    )
                )  # fmt: skip
            self.urls[family] = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 120
        for url, process in zip(self.urls.values(), self.processes):
            while not listens(url):
                if process.poll() is not None or time.monotonic() > deadline:
                    self.close()
                    sys.exit(f"Prism does not start, see {work}")
                time.sleep(0.2)

    def close(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(timeout=10)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def listens(url):
    try:
        socket.create_connection(("127.0.0.1", urlsplit(url).port), timeout=1).close()
        return True
    except OSError:
        return False


class SpecValidator(Consumer):
    name = "spec-validator"
    takes = "every document"
    note = "validates only"

    def versions(self):
        return f"openapi-spec-validator {version('openapi-spec-validator')}"

    def generate(self):
        pass

    def compile(self):
        pass

    def live(self, env):
        files = [file for family in FAMILIES for file in PUBLISHED.glob(f"{family}*")]
        call(BIN / "openapi-spec-validator", *files)


# What lives no life cycle.
PARTIAL = (PythonModels, SpecValidator, Curl)
CONSUMERS = [SpecValidator, Curl, PythonClient, PythonGenerator, PythonModels, TypeScriptFetch, TypeScriptHeyApi, Java, Go, Ruby]


def reset(emulator):
    request = urllib.request.Request(f"{emulator}/_emulator/reset", data=b"", method="POST")
    urllib.request.urlopen(request, timeout=10).close()


def account(emulator):
    """The variables with which `modelarts emulator` begins, for examples that sign in by them."""
    fixtures = json.loads((HERE / "fixtures.json").read_text())
    user, project = fixtures["users"][0], fixtures["projects"][0]
    return {
        "OS_AUTH_URL": f"{emulator}/v3",
        "OS_USERNAME": user["name"],
        "OS_PASSWORD": user["password"],
        "OS_USER_DOMAIN_NAME": user["domain"],
        "OS_PROJECT_ID": project["id"],
        "MODELARTS_ENDPOINT": emulator,
    }


def run(kind, work, emulator, proxies):
    """How far a consumer gets, and what is wrong with it."""
    folder = work / kind.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    consumer = kind(folder)
    wire = Wire(proxies)
    steps, failure = [], ""
    try:
        reset(emulator)
        for name, step in [
            ("generate", consumer.generate),
            ("compile", consumer.compile),
            ("live", lambda: consumer.live({"MODELARTS_URL": wire.url, **account(emulator)})),
        ]:
            begin = time.monotonic()
            step()
            steps.append(f"{time.monotonic() - begin:.0f} s")
        found = violations(wire.requests) + wire.found if kind not in PARTIAL else []
        if found:
            failure = "on the wire:\n  " + "\n  ".join(found)
        steps.append("clean" if not found else "NOT CLEAN")
    except (Failed, subprocess.TimeoutExpired) as error:
        failure = str(error)
        steps.append("FAILED")
        failure += "".join(f"\n  last on the wire: {request}" for request in wire.requests[-2:])
    finally:
        wire.close()
    try:
        versions = consumer.versions()
    except (Failed, OSError) as error:
        versions = str(error).splitlines()[0]
    return (kind.name, versions, kind.takes, *steps, *[""] * (4 - len(steps)), kind.note), failure


def table(rows):
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def main():
    work, emulator, *names = sys.argv[1:]
    known = {kind.name: kind for kind in CONSUMERS}
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"there is no consumer {', '.join(unknown)}; there are {', '.join(known)}")
    rows = [("consumer", "versions", "takes", "generate", "compile", "life cycle", "wire", "")]
    failures = {}
    prism = Prism(Path(work).resolve(), emulator)
    try:
        for name in names or known:
            print(f"{name} ...", file=sys.stderr, flush=True)
            row, failure = run(known[name], Path(work).resolve(), emulator, prism.urls)
            rows.append(row)
            if failure:
                failures[name] = failure
    finally:
        prism.close()
    for name, failure in failures.items():
        print(f"\n{name}: {failure}\n")
    table(rows)
    print(f"{len(rows) - 1 - len(failures)} passed, {len(failures)} failed")
    sys.exit(bool(failures))


main()
