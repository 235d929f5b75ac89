"""Annotations of public names: every tool can evaluate them, and they cost nothing until then."""

import inspect
import json
import subprocess
import sys
import typing
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import attrs
import pytest

import nexport_campus
from nexport_campus import AsyncPager, NexportCampus, Page, SectionsById, models
from nexport_campus.models import (
    ApiEnrollmentItem,
    Phase,
    Result,
    SectionEnrollmentsResponse,
    SectionResponse,
)
from nexport_client import OPERATIONS
from nexport_client.api.learning_api import LearningApi
from nexport_client.client import Areas, RawAreas
from nexport_client.hints import lazy_annotations
from nexport_client.protocols import Caller
from nexport_client.types import Model
from tests.support.spec import SCHEMAS, example

_CALLER = typing.cast("Caller", None)
AREAS = [
    type(getattr(areas, name))
    for areas in (Areas(_CALLER), RawAreas(_CALLER))
    for name in sorted({operation.area for operation in OPERATIONS.values()})
]
OBJECTS = sorted(name for name, schema in SCHEMAS.items() if "properties" in schema)


def annotated() -> Iterator[Any]:
    """Yield every public class, method and function with annotations."""
    classes = [
        value for name in nexport_campus.__all__ if isinstance(value := getattr(nexport_campus, name), type)
    ]
    classes += [getattr(models, name) for name in OBJECTS]
    for cls in [*classes, *AREAS]:
        yield cls
        for name, value in inspect.getmembers(cls, inspect.isfunction):
            if not name.startswith("_") or name in {"__init__", "__aenter__", "__aexit__", "__iter__"}:
                yield value


ANNOTATED = {f"{each.__module__}.{each.__qualname__}": each for each in annotated()}
EVERY = pytest.mark.parametrize("name", ANNOTATED)


@EVERY
def test_type_hints(name: str) -> None:
    """`typing.get_type_hints` resolves every name and leaves no string."""
    hints = typing.get_type_hints(ANNOTATED[name], include_extras=True)
    assert not [hint for hint in hints.values() if isinstance(hint, str | typing.ForwardRef)]


@pytest.mark.parametrize("name", [name for name, each in ANNOTATED.items() if not typing.is_typeddict(each)])
def test_signatures_can_be_evaluated(name: str) -> None:
    """So does `inspect.signature(eval_str=True)`."""
    signature = inspect.signature(ANNOTATED[name], eval_str=True)
    for parameter in signature.parameters.values():
        assert not isinstance(parameter.annotation, str)


def test_results_have_the_documented_types() -> None:
    """Models, methods, pages and results have the documented types."""
    hints = typing.get_type_hints(ApiEnrollmentItem)
    assert hints["user_id"] is UUID
    assert hints["start_date"] == datetime | None
    assert (hints["phase"], hints["result"]) == (Phase, Result)
    assert hints["additional_properties"] == dict[str, Any]
    assert typing.get_type_hints(SectionEnrollmentsResponse)["section"] is SectionResponse
    assert typing.get_type_hints(LearningApi.get_section)["return"] is SectionResponse
    searching = typing.get_type_hints(LearningApi.search_enrollments)
    assert searching["return"] == AsyncPager[ApiEnrollmentItem]
    assert typing.get_type_hints(SectionsById) == {"sections": list[SectionResponse], "missing": list[UUID]}
    assert typing.get_type_hints(NexportCampus.get_sections_by_id)["return"] is SectionsById
    assert typing.get_type_hints(AsyncPager.collect)["limit"] == int | None
    assert typing.get_type_hints(Page)["size"] == int | None
    getting = inspect.signature(LearningApi.get_section, eval_str=True)
    assert getting.parameters["syllabus_id"].annotation == UUID | str | None
    deprecated = inspect.signature(LearningApi.get_organizations, eval_str=True)
    assert deprecated.return_annotation == AsyncPager[models.OrganizationResponseItem]


@pytest.mark.parametrize("name", OBJECTS)
def test_attrs_resolves_the_types_of_models(name: str) -> None:
    """`attrs.resolve_types` gives each attribute its type."""
    model: Any = attrs.resolve_types(getattr(models, name))
    hints = typing.get_type_hints(model)
    assert {field.name: field.type for field in attrs.fields(model)} == hints


@pytest.mark.parametrize("name", OBJECTS)
def test_cattrs_structures_every_model(name: str) -> None:
    """Cattrs unstructures and structures every model, unknown fields included."""
    cattrs = pytest.importorskip("cattrs.preconf.json")
    converter = cattrs.make_converter()
    converter.register_unstructure_hook(UUID, str)
    converter.register_structure_hook(UUID, lambda text, _: UUID(text))
    model: type[Model] = getattr(models, name)
    made = model.from_dict(example({"$ref": f"#/{name}"}) | {"newer": [1]})
    unstructured = json.loads(json.dumps(converter.unstructure(made)))
    assert unstructured["additional_properties"] == {"newer": [1]}
    assert converter.structure(unstructured, model) == made


def test_sources_of_methods() -> None:
    """`inspect.getsource` shows a method's own code."""
    assert "def get_section(" in inspect.getsource(LearningApi.get_section)
    assert "def ensure_enrollment(" in inspect.getsource(NexportCampus.ensure_enrollment)
    assert "def to_row(" in inspect.getsource(ApiEnrollmentItem.to_row)


READERS: dict[str, Callable[[Any], Any]] = {
    "subscript": lambda annotations: annotations["of"],
    "get": lambda annotations: annotations.get("of"),
    "items": lambda annotations: dict(annotations.items())["of"],
    "values": lambda annotations: next(iter(annotations.values())),
    "copy": lambda annotations: annotations.copy()["of"],
    "dict": lambda annotations: dict(annotations)["of"],
    "unpacked": lambda annotations: {**annotations}["of"],
    "merged": lambda annotations: (annotations | {})["of"],
}


@pytest.mark.parametrize("name", READERS)
def test_every_way_to_read_annotations(name: str) -> None:
    """None of them returns the string."""

    @lazy_annotations(globals())
    class Holder:
        of: "SectionResponse | None"

    assert READERS[name](Holder.__annotations__) == SectionResponse | None


def test_a_name_that_does_not_exist() -> None:
    """It raises NameError, as in any class."""

    @lazy_annotations({})
    class Holder:
        of: "Nowhere"  # type: ignore[name-defined]  # noqa: F821 -- the missing name is tested

    with pytest.raises(NameError, match="Nowhere"):
        typing.get_type_hints(Holder)


@lazy_annotations(globals())
@attrs.define
class Folder:
    files: "list[File]"
    parent: "Folder | None" = None


@lazy_annotations(globals())
@attrs.define
class File:
    folder: "Folder"


def test_recursive_models() -> None:
    """A model that contains itself and two that contain each other resolve."""
    assert typing.get_type_hints(Folder) == {"files": list[File], "parent": Folder | None}
    assert attrs.fields(attrs.resolve_types(File)).folder.type is Folder


def test_models_are_imported_when_annotations_are_read() -> None:
    """An area imports none of its models until its annotations are read."""
    code = (
        "import sys, typing; from nexport_client.api.learning_api import LearningApi;"
        "loaded = lambda: {name for name in sys.modules if name.startswith('nexport_client.models.')};"
        "assert not loaded(), loaded();"
        "typing.get_type_hints(LearningApi.get_section);"
        "assert loaded() == {'nexport_client.models.section_response'}, loaded()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_attrs_own_tools_see_models() -> None:
    """`attrs.asdict`, `attrs.astuple` and `attrs.fields_dict` work on models."""
    item = ApiEnrollmentItem.from_dict(
        {"enrollment_id": str(UUID(int=1)), "user_id": str(UUID(int=2)), "phase": 2, "result": 1, "newer": 1}
    )
    item.start_date = datetime(2026, 1, 1, tzinfo=UTC)
    shown = attrs.asdict(item)
    assert (shown["phase"], shown["additional_properties"]) == (Phase.FINISHED, {"newer": 1})
    assert len(attrs.astuple(item)) == len(attrs.fields_dict(ApiEnrollmentItem))
