"""Imports: dependencies point one way, importing is cheap, and every public name is where it belongs."""

import ast
import importlib
import json
import subprocess
import sys
import types
from pathlib import Path

import httpx
import pytest

import nexport_campus
from nexport_campus import TransportError

CAMPUS = Path(nexport_campus.__file__).parent
MODULES = sorted(path.relative_to(CAMPUS).as_posix() for path in CAMPUS.rglob("*.py"))
OPTIONAL = (
    "aiohttp",
    "cli",
    "demo",
    "dlt",
    "export",
    "fastapi",
    "otel",
    "redis",
    "sandbox",
    "testing",
    "_export",
)
PUBLIC = (
    "aiohttp",
    "cli",
    "dlt",
    "export",
    "fastapi",
    "otel",
    "redis",
    "sandbox",
    "testing",
    "times",
    "webhooks",
)
OUTERMOST = {"cli", "demo", "dlt", "testing"}


@pytest.mark.parametrize("name", MODULES)
def test_only_the_outermost_parts_import_the_package_itself(name: str) -> None:
    """`nexport_campus/__init__.py` imports everything below it, so those modules must not import it.

    The import contracts in pyproject.toml check every other direction; they do not see imports of a package's root.
    """
    if name.split("/", maxsplit=1)[0].removesuffix(".py") in OUTERMOST:
        return
    tree = ast.parse((CAMPUS / name).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "nexport_campus" and not node.level:
            assert {alias.name for alias in node.names} <= {"models"}


def test_importing_costs_little() -> None:
    """Importing the client imports no optional dependency, no model, no namespace and no optional module."""
    loaded = _loaded_by("nexport_campus; nexport_campus.NexportCampus")
    more = {
        name.partition(".")[0] for name in loaded - _loaded_by("attrs, httpx, msgspec, typing_extensions")
    }
    assert more - set(sys.stdlib_module_names) == {"nexport_campus", "nexport_client"}
    assert not {name for name in loaded if name.startswith(("nexport_client.models", "nexport_client.api"))}
    assert not {name for name in loaded if name.removeprefix("nexport_campus.").partition(".")[0] in OPTIONAL}


def test_the_package_imports_nothing_before_its_first_use() -> None:
    """`import nexport_campus` imports only itself, for programs that may not need the client."""
    more = _loaded_by("nexport_campus") - _loaded_by("sys")
    assert {name for name in more if name.partition(".")[0] not in sys.stdlib_module_names} == {
        "nexport_campus"
    }


def test_a_name_that_does_not_exist() -> None:
    """Reading it is an AttributeError, and `dir` lists what exists, before and after the first use."""
    for use in ("", "nexport_campus.NexportCampus; "):
        code = f"import nexport_campus; {use}print(hasattr(nexport_campus, 'nope'), *dir(nexport_campus))"
        done = subprocess.run([sys.executable, "-P", "-c", code], check=True, capture_output=True, text=True)
        exists, *names = done.stdout.split()
        assert exists == "False"
        assert set(names) >= set(nexport_campus.__all__)


def _loaded_by(modules: str) -> set[str]:
    """Return the names of the modules that a fresh interpreter has loaded after importing these."""
    code = f"import json, sys, {modules}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-P", "-c", code], check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout))


def test_all_is_complete_and_sorted() -> None:
    """`__all__` names every public name of the package once: constants, then classes, then the rest."""
    names = nexport_campus.__all__
    public = {name for name in vars(nexport_campus) if not name.startswith(("_", "@"))}
    modules = {name for name in public if isinstance(getattr(nexport_campus, name), types.ModuleType)}
    assert set(names) == (public - modules) | {"__version__"}
    assert names == sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name))


@pytest.mark.parametrize("name", MODULES)
def test_every_module_has_a_docstring(name: str) -> None:
    """Every module has a docstring that says what it is for."""
    assert ast.get_docstring(ast.parse((CAMPUS / name).read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", PUBLIC)
def test_public_modules_declare_what_is_public(name: str) -> None:
    """Each module that users import has a sorted `__all__` whose names all exist."""
    module = importlib.import_module(f"nexport_campus.{name}")
    assert list(module.__all__) == sorted(
        module.__all__, key=lambda name: (not name.isupper(), not name[0].isupper(), name)
    )
    assert all(hasattr(module, name) for name in module.__all__)


def test_public_names_say_where_they_are_imported_from() -> None:
    """Exceptions that users import name the package as their module, as tracebacks show it."""
    for name in nexport_campus.__all__:
        value = getattr(nexport_campus, name)
        if isinstance(value, type) and issubclass(value, Exception):
            assert value.__module__ == "nexport_campus", name


def transport_errors() -> list[type[Exception]]:
    """Return every exception that httpx exports, except those that only its client raises."""
    found = [
        value for value in vars(httpx).values() if isinstance(value, type) and issubclass(value, Exception)
    ]
    return [cls for cls in found if cls not in {httpx.CookieConflict, httpx.HTTPStatusError}]


@pytest.mark.parametrize("cls", transport_errors(), ids=lambda cls: cls.__name__)
async def test_every_exception_of_httpx_is_mapped(cls: type[Exception]) -> None:
    """Whatever httpx exception a transport raises, the caller gets an SDK error with it as the cause."""
    plain = {httpx.StreamConsumed, httpx.StreamClosed, httpx.ResponseNotRead, httpx.RequestNotRead}
    raised = cls() if cls in plain else cls("The reason")

    class Failing(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            raise raised

    auth, retry = nexport_campus.StaticToken("token"), nexport_campus.RetryPolicy(max_attempts=1)
    async with nexport_campus.NexportCampus(auth, transport=Failing(), retry=retry) as campus:
        with pytest.raises((TransportError, nexport_campus.ResponseDecodeError)) as caught:
            await campus.learning.drop_enrollment(enrollment_id="6f9619ff-8b86-4d01-b42d-00cf4fc964ff")
    assert caught.value.__cause__ is raised
    assert isinstance(caught.value, nexport_campus.RequestTimeoutError) is issubclass(
        cls, httpx.TimeoutException
    )
    unsent = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
    assert caught.value.maybe_applied is not issubclass(cls, unsent)
