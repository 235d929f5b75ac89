"""Merges all fragments into one document, `openapi/nexport.json`."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import Problems, reporting
from .jsontext import Document, escape
from .layout import Layout
from .meaning import choose_newest_version, find_differences_in_meaning
from .spec import METHODS, get_operation, iterate_references


@dataclass
class _Agreed:
    """Values by place with the files that state them; files that state the same place must agree."""

    problems: Problems
    values: dict[tuple[str, ...], object] = field(default_factory=dict)
    files: dict[tuple[str, ...], str] = field(default_factory=dict)
    disagree: dict[str, dict[str, None]] = field(default_factory=dict)

    def state(self, place: tuple[str, ...], value: object, file: str) -> None:
        if place not in self.values:
            self.values[place], self.files[place] = value, file
            return
        if place == ("openapi",):
            self.values[place] = choose_newest_version(str(self.values[place]), str(value))
            return
        pointer = "".join(f"/{escape(part)}" for part in place)
        for difference in find_differences_in_meaning(self.values[place], value, pointer):
            self.disagree.setdefault(difference, {self.files[place]: None})[file] = None

    def report(self) -> None:
        """Record each disagreement once, with one file on each side and the areas of all."""
        for place, names in self.disagree.items():
            first, second, *more = names
            others = f" and {len(more)} more" if more else ""
            areas = sorted({_get_area(name) for name in names})
            ours = any(name.startswith(Layout.PROVISIONAL) for name in names)
            self.problems.add(
                f"{first} and {second}{others} disagree at {place}; import the newest pages of "
                f"{', '.join(areas)} at once" + ", or correct the provisional document" * ours,
                areas[0] if len(areas) == 1 else "",
            )


def merge(sources: Mapping[str, Document], problems: Problems | None = None) -> Document:
    """Merge documents of one operation each.

    What several state (info, servers, components) must agree. The result does not depend on the order of `sources`.

    Args:
        sources: The documents by file name.
        problems: Receives a problem for each disagreement, repeated operation and unknown reference; the result then
            has the first of the values, and any value where something unknown is referred to. Without it, they are raised.

    Raises:
        PipelineError: There are problems, and no `problems` to receive them.
    """
    with reporting(problems) as reported:
        agreed = _Agreed(reported)
        _state_all(agreed, sources)
        agreed.report()
        return _drop_unknown_references(_assemble(agreed), agreed)


def _state_all(agreed: _Agreed, sources: Mapping[str, Document]) -> None:
    ids: dict[str, str] = {}
    for file in sorted(sources, key=lambda name: (name.rsplit("/", 1)[-1], name)):
        operation = get_operation(sources[file], file)
        if (other := ids.setdefault(operation.id, file)) != file:
            message = f"{file} and {other} both state {operation.id}; remove one"
            agreed.problems.add(message, operation.area)
        else:
            _state(agreed, sources[file], file)


def _get_area(file: str) -> str:
    """Return the area of a fragment by its file name: `openapi/fragments/LearningApi_GetSection.json`."""
    return file.rsplit("/", 1)[-1].split("_", 1)[0]


def _state(agreed: _Agreed, document: Document, file: str) -> None:
    for key, value in document.items():
        if key == "paths":
            for path, item in value.items():
                for member, content in item.items():
                    place = ("paths", path, member)
                    if member in METHODS and place in agreed.values:
                        agreed.problems.add(
                            f"{file} and {agreed.files[place]} both state {member.upper()} {path}; remove one",
                            _get_area(file),
                        )
                    else:
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


def _drop_unknown_references(merged: Document, agreed: _Agreed) -> Document:
    """Record unknown references; return the document with any value instead of them, so that the run can continue."""
    unknown = [found for found in iterate_references(merged) if not _resolves(merged, found[1])]
    if not unknown:
        return merged
    merged = copy.deepcopy(merged)
    for pointer, reference in unknown:
        tokens = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
        file = agreed.files.get(tuple(tokens[:3]), "the merged document")
        agreed.problems.add(
            f"{file}: {pointer} refers to {reference!r}, which is not there; import the newest page",
            _get_area(file),
        )
        holder: Any = merged
        for token in tokens[:-1]:
            holder = holder[int(token)] if isinstance(holder, list) else holder[token]
        del holder[tokens[-1]]
    return merged


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
