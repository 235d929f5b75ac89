"""Maps names of the Python API to places in the spec, so that a break that shows in both is reported once."""

import re
from collections.abc import Iterable

from pipeline.areas_view import make_area_views
from pipeline.changes import Change
from pipeline.jsontext import Document
from pipeline.python_names import property_name

__all__ = ["find_unexplained"]

_ARGUMENT = re.compile(r"(?P<path>.*?)(?P<argument>\(\w+\))?")
_MODEL = re.compile(r"models\.(?:\w+\.)?(?P<name>[A-Z]\w*)(?P<field>\.\w+)?")


def find_unexplained(found: Iterable[Change], stated: Iterable[Change], *documents: Document) -> list[Change]:
    """Return the breaks of the Python API that no break of the spec explains.

    Args:
        found: The breaks of the Python API.
        stated: The changes of the spec.
        documents: The old and the new document, in normal form.
    """
    places = {change.place for change in stated if change.breaks}
    names = _Names(documents)
    return [change for change in found if not names.find_spec_places(change.place) & places]


class _Names:
    """The Python names of operations, namespaces and fields, with their places in the spec."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self._methods: dict[str, str] = {}
        self._areas: dict[str, set[str]] = {}
        self._fields: dict[str, str] = {}
        for document in documents:
            for area in make_area_views(document):
                operations = {operation.id for operation in area.operations}
                self._areas.setdefault(f"api.{area.package}", set()).update(operations)
                for holder in ("Areas", "RawAreas"):
                    self._areas.setdefault(f"client.{holder}.{area.name}", set()).update(operations)
                for operation in area.operations:
                    for owner in (area.class_name, f"Raw{area.class_name}"):
                        self._methods[f"api.{area.package}.{owner}.{operation.name}"] = operation.id
            for name, schema in document["components"]["schemas"].items():
                for key, value in (schema.get("properties") or {}).items():
                    self._fields[f"{name}.{property_name(key, value)}"] = f"{name}.{key}"

    def find_spec_places(self, place: str) -> set[str]:
        """Return the places of the spec whose change explains that of a Python name."""
        match = _ARGUMENT.fullmatch(place.partition(".")[2])
        assert match is not None
        path, argument = match["path"], match["argument"] or ""
        if path in self._areas:
            return self._areas[path]
        if operation := self._methods.get(path):
            return {operation, f"{operation}{argument}"}
        if model := _MODEL.match(path):
            field = argument.strip("()") or (model["field"] or "").removeprefix(".")
            name = f"{model['name']}.{field}" if field and field != "__init__" else model["name"]
            return {model["name"], self._fields.get(name, name)}
        return set()
