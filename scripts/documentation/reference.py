"""Generates the pages of the API reference."""

import pkgutil
from collections.abc import Iterable
from importlib import import_module
from types import ModuleType

import attrs

import nexport_campus
from documentation import page_tables
from nexport_campus import models
from nexport_client.enums import OpenIntEnum

__all__ = ["ReferencePage", "pages"]

_LISTS = ("AsyncPager", "Page", "RawResponse")
_ELSEWHERE = ("cli", "models")
"""Modules without a page: the command line has nothing to import, and the models have pages already."""

_WITHOUT_SIGNATURE = {"separate_signature": "false", "show_signature": "false"}


@attrs.frozen
class ReferencePage:
    """A page of the reference: its title in the navigation, its path in docs/, and its Markdown."""

    title: str
    path: str
    text: str


def pages() -> list[ReferencePage]:
    """Return all pages of the reference, in the order of the navigation."""
    return [_client(), *_areas(), _lists(), _errors(), _models(), _enums(), *_modules()]


def _client() -> ReferencePage:
    special = {"NexportCampus", "UNSET", "Unset", "__version__", *_LISTS, *_error_names()}
    names = ["NexportCampus", *(name for name in nexport_campus.__all__ if name not in special)]
    text = [
        "# Client",
        "Import everything on this page from `nexport_campus`.",
        page_tables.areas(),
        *(_entry(f"nexport_campus.{name}") for name in names),
        _entry("nexport_campus.UNSET", show_if_no_docstring="true"),
        "Marks an argument as not given where None has a meaning: `utc_expiration_date` of `authenticate`, and `with_options`.",
    ]
    return _page("Client", "client", text)


def _areas() -> Iterable[ReferencePage]:
    for name, operations in page_tables.operations_by_area().items():
        vendors_name = operations[0].id.partition("_")[0]
        text = [
            f"# campus.{name}",
            f"The operations of the vendor's {vendors_name}. For methods that return an `AsyncPager`, see [Pages](../pages.md).",
            page_tables.operations(name),
            _entry(f"campus.{name}", show_root_heading="false", show_root_toc_entry="false"),
        ]
        yield _page(f"campus.{name}", name, text)


def _lists() -> ReferencePage:
    entries = (_entry(f"nexport_campus.{name}") for name in _LISTS)
    return _page("Pages and responses", "lists", ["# Pages and responses", *entries])


def _errors() -> ReferencePage:
    entries = (
        _entry(f"nexport_campus.{name}", members="false", show_bases="true", **_WITHOUT_SIGNATURE)
        for name in _error_names()
    )
    return _page("Errors", "errors", ["# Errors", "Import all errors from `nexport_campus`.", *entries])


def _models() -> ReferencePage:
    lead = (
        "attrs classes for requests and responses, with the vendor's names, imported from `nexport_campus.models`."
        " A field that is absent or null in a response is `None`."
    )
    shared = _entry(
        "nexport_client.types.Model",
        heading="Methods of every model",
        members="[from_dict, to_dict, to_row, columns]",
        toc_label="Methods of every model",
        **_WITHOUT_SIGNATURE,
    )
    names = [name for name in models.__all__ if not _is_enum(name)]
    entries = (_entry(f"nexport_campus.models.{name}", members="false") for name in names)
    return _page("Models", "models", ["# Models", lead, shared, *entries])


def _enums() -> ReferencePage:
    lead = (
        "The vendor's enums are `IntEnum`s, imported from `nexport_campus.models`. `label` is the vendor's name of a member."
        " An undeclared number keeps its value and has `is_declared` False."
    )
    text = ["# Enums", lead]
    for name in filter(_is_enum, models.__all__):
        text += [_entry(f"nexport_campus.models.{name}", members="false")]
        text += [page_tables.members(getattr(models, name))]
    return _page("Enums", "enums", text)


def _modules() -> Iterable[ReferencePage]:
    for name in sorted(_public_modules(nexport_campus)):
        path = f"nexport_campus.{name}"
        options = {"heading_level": "1", "show_root_full_path": "true"}
        options["members"] = f"[{', '.join(import_module(path).__all__)}]"
        if name == "testing":
            options |= _WITHOUT_SIGNATURE  # pytest gives fixtures their arguments
        yield _page(path, name, [_entry(path, **options)])


def _public_modules(package: ModuleType) -> Iterable[str]:
    for module in pkgutil.iter_modules(package.__path__):
        if not module.name.startswith("_") and module.name not in _ELSEWHERE:
            yield module.name


def _error_names() -> list[str]:
    return [error.__name__ for error in page_tables.errors_in_order()]


def _is_enum(name: str) -> bool:
    return issubclass(getattr(models, name), OpenIntEnum)


def _entry(path: str, **options: str) -> str:
    """Return the Markdown that mkdocstrings replaces with the documentation of an object."""
    chosen = "".join(f"\n        {option}: {value}" for option, value in options.items())
    return f"::: {path}" + (f"\n    options:{chosen}" if chosen else "")


def _page(title: str, name: str, parts: Iterable[str]) -> ReferencePage:
    return ReferencePage(title, f"reference/{name}.md", "\n\n".join(parts) + "\n")
