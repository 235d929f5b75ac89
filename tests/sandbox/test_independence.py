"""The sandbox shares no code with the client, so that a shared mistake can't cancel out in a test."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import nexport_campus.sandbox

HOME = Path(nexport_campus.sandbox.__file__).parent
PACKAGE = "nexport_campus.sandbox"
MODULES = {
    ".".join(["nexport_campus", *path.relative_to(HOME.parent).with_suffix("").parts]).removesuffix(
        ".__init__"
    ): path
    for path in sorted(HOME.rglob("*.py"))
}
ALLOWED = {"starlette", "uvicorn", "msgspec"}


def imported_names(module: str) -> set[str]:
    """Return the absolute names that a module imports."""
    path, names = MODULES[module], set[str]()
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            origin = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            submodules = {f"{origin}.{alias.name}" for alias in node.names} & MODULES.keys()
            names |= submodules or {origin}
    return names


def libraries(names: set[str]) -> set[str]:
    """Return the top-level packages outside of the sandbox and the standard library."""
    foreign = {name for name in names if name not in MODULES}
    return {name.partition(".")[0] for name in foreign} - set(sys.stdlib_module_names)


def test_the_sandbox_imports_nothing_of_the_client() -> None:
    """Its modules import the standard library, three libraries, and each other."""
    assert len(MODULES) > 40
    for module in MODULES:
        assert libraries(imported_names(module)) <= ALLOWED, module


def test_importing_sandbox_needs_no_server_library() -> None:
    """The modules behind `Sandbox` leave the server's libraries to the server's process."""
    reached, waiting = set[str](), {PACKAGE, f"{PACKAGE}.serving"}
    while waiting:
        module = waiting.pop()
        reached.add(module)
        names = imported_names(module)
        assert libraries(names) == set(), module
        waiting |= (names & MODULES.keys()) - reached
    assert reached < MODULES.keys()


def test_the_server_runs_without_the_client(tmp_path: Path) -> None:
    """The server runs in a package that contains nothing else."""
    package = tmp_path / "nexport_campus"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "sandbox").symlink_to(HOME)
    site_paths = [path for path in sys.path if path and not (Path(path) / "nexport_campus").exists()]
    program = f"import sys; sys.path[:] = {[str(tmp_path), *site_paths]!r}; import nexport_campus.sandbox.serving.server"
    subprocess.run([sys.executable, "-c", program], check=True)
