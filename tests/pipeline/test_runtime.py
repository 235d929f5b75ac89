"""The runtime: hand-written modules that the generated client has copies of."""

import ast
import importlib
import sys
from pathlib import Path
from types import ModuleType

import attrs
import pytest

from nexport_client import OPERATIONS, models
from pipeline.cli import main
from pipeline.originals import STOCK

ROOT = Path(__file__).parents[2]
RUNTIME = sorted((ROOT / "openapi/runtime").glob("*.py"))
TEMPLATES = sorted((ROOT / "openapi/templates").glob("*.jinja"))
BANNER = "# Edit this file in openapi/runtime; scripts/regenerate copies it to nexport_client.\n"
Capture = pytest.CaptureFixture[str]

of_the_runtime = pytest.mark.parametrize("file", RUNTIME, ids=lambda file: file.name)


@of_the_runtime
def test_copies_are_equal(file: Path) -> None:
    """The client has a copy of each module, byte for byte, under a first line that is true of both."""
    assert file.read_bytes() == (ROOT / "nexport_client" / file.name).read_bytes()
    assert file.read_text(encoding="utf-8").startswith(BANNER)


@pytest.mark.full
def test_an_edited_copy_is_replaced(repository: Path, capsys: Capture) -> None:
    """An edit of a copy is reported by `--check` and undone by the next run."""
    copy = repository / "nexport_client/kinds.py"
    copy.write_text("# edited\n", encoding="utf-8")
    assert main(["--check"], repository) == 1
    assert "nexport_client/kinds.py differs" in capsys.readouterr().out
    assert main([], repository) == 0
    assert copy.read_bytes() == (repository / "openapi/runtime/kinds.py").read_bytes()


@of_the_runtime
def test_modules_import_one_another_only(file: Path) -> None:
    """A module imports the standard library, libraries and other modules of the runtime, at any depth of its code."""
    beside = {other.stem for other in RUNTIME}
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.level:
            assert node.level == 1
            assert node.module in beside
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else [each.name for each in node.names]
            )
            assert not any("nexport" in name for name in names)


@of_the_runtime
def test_nothing_of_the_vendor_is_in_the_runtime(file: Path) -> None:
    """No module names a schema, an area or an operation, or a package of ours."""
    code = ast.dump(ast.parse(file.read_bytes()))
    names = {*models.__all__, *OPERATIONS, *(name.partition("_")[0] for name in OPERATIONS)}
    assert [name for name in names if f"'{name}'" in code] == []
    assert "export_c" not in code


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda file: file.name)
def test_templates_are_templates(template: Path) -> None:
    """A file without Jinja belongs to the runtime, and a template replaces one of the generator's."""
    assert "{{" in template.read_text(encoding="utf-8")
    assert (STOCK / template.name).exists()


def test_the_runtime_serves_other_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kinds find models and enums in a registered package, whatever it is called."""
    kinds = importlib.import_module("nexport_client.kinds")
    reader = importlib.import_module("nexport_client.reader")
    registry = importlib.import_module("nexport_client.registry")
    types = importlib.import_module("nexport_client.types")

    @attrs.define(kw_only=True)
    class Lamp(types.Model):  # type: ignore[misc, name-defined]  # the base is found at run time
        lit: bool = attrs.field(metadata=types.wire("isLit", kinds.BOOLEAN, required=True))
        additional_properties: dict[str, object] = attrs.field(factory=dict)

    package = ModuleType("lamps")
    vars(package).update(__all__=["Lamp"], Lamp=Lamp)
    monkeypatch.setitem(sys.modules, "lamps", package)
    monkeypatch.setattr(registry, "_packages", [*registry._packages])
    registry.register_models("lamps")
    registry.load_class.cache_clear()  # in a second run of this test, a Lamp of the first one is known
    lamp = kinds.ModelOf("Lamp").read({"isLit": True}, reader.Reader())
    assert lamp == Lamp(lit=True)
    with pytest.raises(KeyError, match="Candle"):
        registry.load_class("Candle")
