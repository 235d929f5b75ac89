"""The stock templates that ours are forked from: a changed original needs a person to look at our fork.

`openapi/templates/ORIGINALS.sha256` has the hash of each stock template that one of ours replaces, in the format of
`sha256sum`. A patch release of the generator has broken forked templates before.
"""

import hashlib
from pathlib import Path

import openapi_python_client

from .errors import PipelineError
from .layout import Layout

STOCK = Path(openapi_python_client.__file__).parent / "templates"


def verify(layout: Layout) -> None:
    """Compare the installed generator's templates with the recorded hashes.

    Raises:
        PipelineError: one has changed, or the record and the folder of templates do not fit each other.
    """
    recorded, current = _read_recorded(layout.originals), _hash_stock_templates(layout.templates)
    for name in sorted(recorded.keys() | current.keys()):
        if recorded.get(name) != current.get(name):
            raise PipelineError(
                f"openapi/templates/{name}: the stock template that it replaces is not the one that it was forked "
                "from; compare the two, then run `scripts/regenerate --accept-templates`"
            )


def accept(layout: Layout) -> None:
    """Record the hashes of the installed generator's templates."""
    lines = [f"{digest}  {name}\n" for name, digest in _hash_stock_templates(layout.templates).items()]
    layout.originals.write_text("".join(lines), encoding="utf-8")


def _hash_stock_templates(templates: Path) -> dict[str, str]:
    names = sorted(file.relative_to(templates).as_posix() for file in templates.rglob("*.jinja"))
    stock = {name: STOCK / name for name in names}
    return {
        name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in stock.items() if file.exists()
    }


def _read_recorded(file: Path) -> dict[str, str]:
    if not file.exists():
        return {}
    pairs = [line.split("  ", 1) for line in file.read_text(encoding="utf-8").splitlines()]
    return {name: digest for digest, name in pairs}
