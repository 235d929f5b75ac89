"""Merges all fragments into one document, `openapi/nexport.json`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import PipelineError
from .jsontext import Document, escape, first_difference
from .spec import METHODS, references, the_operation


@dataclass
class _Agreed:
    """Values by JSON Pointer with the file that stated them first; another file must agree."""

    values: dict[tuple[str, ...], object] = field(default_factory=dict)
    files: dict[tuple[str, ...], str] = field(default_factory=dict)

    def state(self, place: tuple[str, ...], value: object, file: str) -> None:
        if place not in self.values:
            self.values[place], self.files[place] = value, file
            return
        pointer = "".join(f"/{escape(part)}" for part in place)
        difference = first_difference(self.values[place], value, pointer)
        if difference is not None:
            raise PipelineError(
                f"{self.files[place]} and {file} disagree at {difference}; "
                "take in the newest page of both areas, or correct the provisional one"
            )


def merge(sources: Mapping[str, Document]) -> Document:
    """Merge documents of one operation each.

    What several state (info, servers, components) must agree. The result does not depend on the order of `sources`.

    Args:
        sources: the documents by file name.

    Raises:
        PipelineError: two documents disagree, state one operation twice, or refer to what is not there.
    """
    agreed = _Agreed()
    ids: dict[str, str] = {}
    for file in sorted(sources, key=lambda name: (name.rsplit("/", 1)[-1], name)):
        document = sources[file]
        operation = the_operation(document, file)
        if operation.id in ids:
            raise PipelineError(f"{file} and {ids[operation.id]} both state {operation.id}; remove one")
        ids[operation.id] = file
        _state(agreed, document, file)
    merged = _assemble(agreed)
    _check_references(merged, agreed)
    return merged


def _state(agreed: _Agreed, document: Document, file: str) -> None:
    for key, value in document.items():
        if key == "paths":
            for path, item in value.items():
                for member, content in item.items():
                    place = ("paths", path, member)
                    if member in METHODS and place in agreed.values:
                        raise PipelineError(
                            f"{file} and {agreed.files[place]} both state {member.upper()} {path}"
                        )
                    agreed.state(place, content, file)
        elif key == "components":
            for section, members in (value or {}).items():
                for name, content in (members or {}).items():
                    agreed.state(("components", section, name), content, file)
        else:
            agreed.state((key,), value, file)


def _assemble(agreed: _Agreed) -> Document:
    merged: Document = {}
    paths: dict[str, Any] = {}
    components: dict[str, Any] = {}
    for place, value in agreed.values.items():
        match place:
            case ("paths", path, member):
                paths.setdefault(path, {})[member] = value
            case ("components", section, name):
                components.setdefault(section, {})[name] = value
            case (key,):
                merged[key] = value
    sections = {section: dict(sorted(components[section].items())) for section in sorted(components)}
    return {**merged, "paths": paths, "components": sections}


def _check_references(merged: Document, agreed: _Agreed) -> None:
    for pointer, reference in references(merged):
        if not _resolves(merged, reference):
            place = tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:4])
            file = agreed.files.get(place, "the merged document")
            raise PipelineError(f"{file}: {pointer} refers to {reference!r}, which is not there")


def _resolves(document: Document, reference: str) -> bool:
    if not reference.startswith("#/"):
        return False
    value: object = document
    for token in reference[2:].split("/"):
        key = token.replace("~1", "/").replace("~0", "~")
        if not isinstance(value, dict) or key not in value:
            return False
        value = value[key]
    return True
