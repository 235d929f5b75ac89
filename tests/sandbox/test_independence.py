"""The sandbox shares no code with the client, so that a shared mistake can't cancel out in a test."""

import ast
import subprocess
import sys
from pathlib import Path

import nexport_campus.sandbox

HOME = Path(nexport_campus.sandbox.__file__).parent
ALLOWED = {"starlette", "uvicorn", "msgspec"}
# Modules that a process imports for `Sandbox`; they import nothing that the extra installs.
LIGHT = {"__init__", "_sandbox", "_process", "_reports", "_settings", "_accounts"}


def imported_names(module: Path) -> set[str]:
    """Return the names that a module imports; siblings have a leading dot."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.ImportFrom):
            found |= {"." * node.level + (node.module or alias.name) for alias in node.names}
    return found


def test_the_sandbox_imports_nothing_of_the_client() -> None:
    """Its modules import the standard library, three libraries, and each other."""
    modules = sorted(HOME.glob("*.py"))
    siblings = {f".{module.stem}" for module in modules}
    for module in modules:
        assert imported_names(module) <= ALLOWED | set(sys.stdlib_module_names) | siblings, module.name


def test_importing_sandbox_needs_no_server_library() -> None:
    """The modules behind `Sandbox` leave the server's libraries to the server's process."""
    for name in LIGHT:
        found = imported_names(HOME / f"{name}.py")
        assert not found & ALLOWED
        assert {each.removeprefix(".") for each in found if each.startswith(".")} <= LIGHT


def test_the_server_runs_without_the_client(tmp_path: Path) -> None:
    """The server runs in a package that contains nothing else."""
    package = tmp_path / "nexport_campus"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "sandbox").symlink_to(HOME)
    libraries = [path for path in sys.path if path and not (Path(path) / "nexport_campus").exists()]
    program = f"import sys; sys.path[:] = {[str(tmp_path), *libraries]!r}; import nexport_campus.sandbox.serving.server"
    subprocess.run([sys.executable, "-c", program], check=True)
