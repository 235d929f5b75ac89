"""The inputs of a run: fragments, provisional documents, the overlay; and how new fragments replace old ones."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from . import overlay, pages
from .errors import PipelineError
from .jsontext import Document, dumps, loads, reorder_like
from .layout import Layout
from .meaning import find_differences_in_meaning
from .pages import Stated
from .python_names import area_name, method_name
from .spec import SHARED, get_components, get_operation, validate

__all__ = ["Inputs", "read"]

_FEW = 10  # more notes of one kind are one


@dataclass
class Inputs:
    """The fragments and provisional documents by operationId, and the overlay as a string."""

    fragments: dict[str, Document]
    provisional: dict[str, Document]
    overlay: str

    @classmethod
    def read(cls, layout: Layout) -> "Inputs":
        """Read the inputs from the repository.

        Raises:
            PipelineError: A file does not belong into its folder.
        """
        return cls(
            _read_folder(layout.root, layout.FRAGMENTS),
            _read_folder(layout.root, layout.PROVISIONAL),
            read(layout.root / layout.OVERLAY, layout.OVERLAY),
        )

    def take(self, stated: Stated, *, everything: bool, keep_provisional: bool = False) -> list[str]:
        """Replace the fragments of the stated areas; return notes for the report.

        Args:
            stated: The fragments of the pages, or of a definition.
            everything: Whether areas that are not stated are removed.
            keep_provisional: Whether to keep the provisional operations that a stated area lacks.
        """
        known = {get_operation(document, name).area for name, document in self.fragments.items()}
        lost = sorted(known - stated.areas) if everything else []
        fragments = {
            name: _choose_fragment(self.fragments.get(name), document)
            for name, document in stated.fragments.items()
        }
        covered = Stated(fragments, stated.areas | set(lost))
        before = set(self.fragments)
        self.fragments, gone = pages.take_over(covered, self.fragments)
        renamed = _find_renamed(gone, self.fragments.keys() - before)
        for name, other in renamed.items():
            # In targets, and in marks that name another operation.
            self.overlay = re.sub(rf"\b{name}\b", other, self.overlay)
        refuted, kept = self._drop_provisional(covered.areas, keep=keep_provisional)
        gone = [*(name for name in gone if name not in renamed), *refuted]
        self.overlay, marks = overlay.remove_marks(self.overlay, gone, Layout.OVERLAY)
        return [
            *stated.notes,
            *(f"the area {area} is removed: the definition no longer has it" for area in lost),
            *_make_note(
                [name for name in gone if name not in refuted],
                "is removed: its area no longer has it",
                "are removed: their areas no longer have them",
            ),
            *_make_note(
                refuted,
                "is removed: it was provisional, and the import does not have it",
                "are removed: they were provisional, and the import does not have them",
            ),
            *_make_note(
                kept,
                "stays provisional: the import does not have it",
                "stay provisional: the import does not have them",
            ),
            *_report_marks(marks),
        ]

    def _drop_provisional(self, areas: set[str], *, keep: bool) -> tuple[list[str], list[str]]:
        """Remove the provisional documents of areas that are stated now.

        With `keep`, those that no fragment replaces stay, unless a fragment has their path under another name.

        Returns:
            tuple: The ids that are removed and not replaced, and the ids that stay.
        """
        covered = {name for name, each in self.provisional.items() if get_operation(each, name).area in areas}
        requests = {_get_request(document, name) for name, document in self.fragments.items()}
        kept = {
            name for name in covered if keep and _get_request(self.provisional[name], name) not in requests
        }
        kept -= self.fragments.keys()
        dropped = (covered | self.fragments.keys()) - kept
        self.provisional = {name: each for name, each in self.provisional.items() if name not in dropped}
        return sorted(covered - kept - self.fragments.keys()), sorted(kept)

    def collect_sources(self) -> dict[str, Document]:
        """Return all documents by file; fragments outrank provisional documents and parts of them."""
        provisional = {
            f"{Layout.PROVISIONAL}/{name}.json": self._drop_outranked(document)
            for name, document in self.provisional.items()
            if name not in self.fragments
        }
        return provisional | {
            f"{Layout.FRAGMENTS}/{name}.json": document for name, document in self.fragments.items()
        }

    def _drop_outranked(self, document: Document) -> Document:
        """Return a provisional document without the schemas that fragments state."""
        if not self.fragments:
            return document
        stated = {name for item in self.fragments.values() for name in get_components(item, "schemas")}
        schemas = get_components(document, "schemas")
        own = {name: schema for name, schema in schemas.items() if name not in stated}
        kept = {key: value for key, value in document.items() if key not in SHARED}
        return {**kept, "components": {**document.get("components", {}), "schemas": own}}


def _get_request(document: Document, name: str) -> tuple[str, str]:
    """Return the method and the path of a document's operation."""
    operation = get_operation(document, name)
    return operation.method, operation.path


def _make_note(names: list[str], one: str, several: str) -> list[str]:
    """Return a single note about operations; none if there are none."""
    return [f"{', '.join(names)} {several if len(names) > 1 else one}"] if names else []


def _report_marks(marks: list[str]) -> list[str]:
    """Return notes about removed marks; many are only counted."""
    if len(marks) > _FEW:
        return [f"{len(marks)} marks of the overlay are removed with their operations"]
    return [f"the overlay's mark {target} is removed with its operation" for target in dict.fromkeys(marks)]


def _find_renamed(gone: Iterable[str], new: Iterable[str]) -> dict[str, str]:
    """Return operations whose id is only spelled differently: the namespace and the method are the same."""
    methods = {(area_name(name.partition("_")[0]), method_name(name)): name for name in new}
    found = {name: methods.get((area_name(name.partition("_")[0]), method_name(name))) for name in gone}
    return {name: other for name, other in found.items() if other}


def _choose_fragment(known: Document | None, document: Document) -> Document:
    """Return the fragment to keep: the known one if the new one means the same, so that only changes are written."""
    if known is None:
        return document
    return reorder_like(known, document) if find_differences_in_meaning(known, document) else known


def _read_folder(root: Path, folder: str) -> dict[str, Document]:
    found: dict[str, Document] = {}
    if (root / folder).exists() and not (root / folder).is_dir():
        raise PipelineError(f"{folder} must be a folder, but is a file; move it away")
    for file in sorted((root / folder).glob("*")):
        name = f"{folder}/{file.name}"
        text = read(file, name)
        document = loads(text, name)
        validate(document, name)
        operation = get_operation(document, name)
        if file.name != f"{operation.id}.json":
            raise PipelineError(f"{name}: it states {operation.id}, so its name must be {operation.id}.json")
        if text != dumps(document):
            raise PipelineError(f"{name}: its formatting is not the pipeline's; was it edited by hand?")
        found[operation.id] = document
    return found


def read(file: Path, name: str) -> str:
    """Read a file as UTF-8 without translating line ends.

    Raises:
        PipelineError: The file cannot be read.
    """
    try:
        return file.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PipelineError(f"{name} cannot be read: {error}") from error
