"""The sandbox shares no code with the client, so that one mistake can't hide another."""

import ast
import subprocess
import sys
from pathlib import Path

import nexport_campus.sandbox

HOME = Path(nexport_campus.sandbox.__file__).parent
ALLOWED = {"starlette", "uvicorn", "msgspec"}
# What a process that only wants `Sandbox` imports: nothing that the extra installs.
LIGHT = {"__init__", "_sandbox", "_process", "_reports", "_settings", "_accounts"}


def imports(module: Path) -> set[str]:
    """What a module imports: its siblings by their names with a dot in front."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.ImportFrom):
            found |= {"." * node.level + (node.module or alias.name) for alias in node.names}
    return found


def test_nothing_of_the_client_is_imported() -> None:
    """Modules of the sandbox import the standard library, three libraries, and each other."""
    modules = sorted(HOME.glob("*.py"))
    siblings = {f".{module.stem}" for module in modules}
    for module in modules:
        assert imports(module) <= ALLOWED | set(sys.stdlib_module_names) | siblings, module.name


def test_starting_one_needs_no_server_here() -> None:
    """What the user imports leaves the server's libraries to the server's process."""
    for name in LIGHT:
        found = imports(HOME / f"{name}.py")
        assert not found & ALLOWED
        assert {each.removeprefix(".") for each in found if each.startswith(".")} <= LIGHT


def test_it_works_without_the_client(tmp_path: Path) -> None:
    """The server runs in a package that has nothing else in it."""
    package = tmp_path / "nexport_campus"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "sandbox").symlink_to(HOME)
    libraries = [path for path in sys.path if path and not (Path(path) / "nexport_campus").exists()]
    program = (
        f"import sys; sys.path[:] = {[str(tmp_path), *libraries]!r}; import nexport_campus.sandbox._server"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
