"""What imports what: dependencies point one way, importing costs little, and every public name is where it belongs."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import nexport_campus
import nexport_client
from nexport_campus import TransportError

CAMPUS = Path(nexport_campus.__file__).parent
CLIENT = Path(nexport_client.__file__).parent
MODULES = sorted(path.stem for path in CAMPUS.glob("*.py") if path.stem not in {"__init__", "__main__"})
EDGES = {"fastapi", "cli", "testing", "demo", "aiohttp", "_sandbox_pool", "_doctor", "_export", "otel"}


def imported(path: Path, package: str) -> Iterator[str]:
    """The absolute names of what a file imports, types included."""
    parts = package.split(".")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(parts[: len(parts) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def graph() -> dict[str, set[str]]:
    """Which of the package's own modules each of them imports."""
    found = {}
    for name in MODULES:
        names = set(imported(CAMPUS / f"{name}.py", "nexport_campus"))
        found[name] = {other for other in MODULES if f"nexport_campus.{other}" in names}
    return found


def test_generated_code_imports_nothing_of_ours() -> None:
    """`nexport_client` stands alone."""
    for path in CLIENT.rglob("*.py"):
        package = ".".join(["nexport_client", *path.relative_to(CLIENT).parent.parts])
        assert not [name for name in imported(path, package) if name.startswith("nexport_campus")], path


def test_the_sandbox_imports_none_of_the_clients_machinery() -> None:
    """A shared mistake can't cancel out: the sandbox may know the models at most."""
    for path in (CAMPUS / "sandbox").rglob("*.py"):
        package = ".".join(["nexport_campus.sandbox", *path.relative_to(CAMPUS / "sandbox").parent.parts])
        for name in imported(path, package):
            assert not name.startswith("nexport_client") or name.startswith("nexport_client.models"), path
            assert not name.startswith("nexport_campus.") or name.startswith("nexport_campus.sandbox"), path


def test_dependencies_point_one_way() -> None:
    """There is no circle, and only the edges and the package itself import the client."""
    edges = {name: set(others) for name, others in graph().items()}
    importers = {name for name, others in edges.items() if "_client" in others}
    assert importers <= EDGES
    while edges:
        leaves = {name for name, others in edges.items() if not others & set(edges)}
        assert leaves, f"a circle among {sorted(edges)}"
        edges = {name: others for name, others in edges.items() if name not in leaves}


@pytest.mark.parametrize("leaf", ["_errors", "_version", "_clock"])
def test_leaves(leaf: str) -> None:
    """Some import nothing of the package's."""
    assert graph()[leaf] == set()


def test_importing_costs_little() -> None:
    """`import nexport_campus` imports no optional dependency, no model, no namespace and no edge."""
    loaded = _loaded_by("nexport_campus")
    more = {
        name.partition(".")[0] for name in loaded - _loaded_by("attrs, httpx, msgspec, typing_extensions")
    }
    assert more - set(sys.stdlib_module_names) == {"nexport_campus", "nexport_client"}
    assert not {name for name in loaded if name.startswith(("nexport_client.models", "nexport_client.api"))}
    assert not {name for name in loaded if name.removeprefix("nexport_campus.") in EDGES}
    assert not {name for name in loaded if name.startswith("nexport_campus.sandbox")}


def _loaded_by(modules: str) -> set[str]:
    """What a fresh interpreter has loaded after importing these."""
    code = f"import json, sys, {modules}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-I", "-c", code], check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout))


def test_all_is_complete_and_sorted() -> None:
    """`__all__` names all public names of the package, each once, constants before classes before the rest."""
    names = nexport_campus.__all__
    public = {name for name in vars(nexport_campus) if not name.startswith(("_", "@"))}
    modules = {name for name in public if name in MODULES or (CAMPUS / name).is_dir()}
    assert set(names) == (public - modules) | {"__version__"}
    assert names == sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name))


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_is_public(name: str) -> None:
    """Each module has a docstring and `__all__`."""
    tree = ast.parse((CAMPUS / f"{name}.py").read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    names = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    assert "__all__" in names


def test_public_names_say_where_they_are_imported_from() -> None:
    """What users import names the package as its module, and so does its repr in a traceback."""
    for name in nexport_campus.__all__:
        value = getattr(nexport_campus, name)
        if isinstance(value, type) and issubclass(value, Exception):
            assert value.__module__ == "nexport_campus", name


def transport_errors() -> list[type[Exception]]:
    """Every exception that httpx exports, but for the ones that only its client raises."""
    found = [
        value for value in vars(httpx).values() if isinstance(value, type) and issubclass(value, Exception)
    ]
    return [cls for cls in found if cls not in {httpx.CookieConflict, httpx.HTTPStatusError}]


@pytest.mark.parametrize("cls", transport_errors(), ids=lambda cls: cls.__name__)
async def test_every_exception_of_httpx_is_mapped(cls: type[Exception]) -> None:
    """Whatever of httpx's a transport raises, the user gets an error of the SDK's, with that one as its cause."""
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
