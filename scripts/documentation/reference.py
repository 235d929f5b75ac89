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

__all__ = ["ReferencePage", "make_pages"]

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


def make_pages() -> list[ReferencePage]:
    """Return all pages of the reference, in the order of the navigation."""
    return [
        _make_client_page(),
        *_make_area_pages(),
        _make_lists_page(),
        _make_errors_page(),
        _make_models_page(),
        _make_enums_page(),
        *_make_module_pages(),
    ]


def _make_client_page() -> ReferencePage:
    special = {"NexportCampus", "UNSET", "Unset", "__version__", *_LISTS, *_list_error_names()}
    names = ["NexportCampus", *(name for name in nexport_campus.__all__ if name not in special)]
    text = [
        "# Client",
        "Import everything on this page from `nexport_campus`.",
        page_tables.make_areas_table(),
        *(_make_entry(f"nexport_campus.{name}") for name in names),
        _make_entry("nexport_campus.UNSET", show_if_no_docstring="true"),
        "Marks an argument as not given where None has a meaning: `utc_expiration_date` of `authenticate`, and `with_options`.",
    ]
    return _make_page("Client", "client", text)


def _make_area_pages() -> Iterable[ReferencePage]:
    for name, operations in page_tables.group_operations().items():
        vendors_name = operations[0].id.partition("_")[0]
        text = [
            f"# campus.{name}",
            f"The operations of the vendor's {vendors_name}. For methods that return an `AsyncPager`, see [Pages](../pages.md).",
            page_tables.make_operations_table(name),
            _make_entry(f"campus.{name}", show_root_heading="false", show_root_toc_entry="false"),
        ]
        yield _make_page(f"campus.{name}", name, text)


def _make_lists_page() -> ReferencePage:
    entries = (_make_entry(f"nexport_campus.{name}") for name in _LISTS)
    return _make_page("Pages and responses", "lists", ["# Pages and responses", *entries])


def _make_errors_page() -> ReferencePage:
    entries = (
        _make_entry(f"nexport_campus.{name}", members="false", show_bases="true", **_WITHOUT_SIGNATURE)
        for name in _list_error_names()
    )
    return _make_page("Errors", "errors", ["# Errors", "Import all errors from `nexport_campus`.", *entries])


def _make_models_page() -> ReferencePage:
    lead = (
        "attrs classes for requests and responses, with the vendor's names, imported from `nexport_campus.models`."
        " A field that is absent or null in a response is `None`."
    )
    shared = _make_entry(
        "nexport_client.types.Model",
        heading="Methods of every model",
        members="[from_dict, to_dict, to_row, columns]",
        toc_label="Methods of every model",
        **_WITHOUT_SIGNATURE,
    )
    names = [name for name in models.__all__ if not _is_enum(name)]
    entries = (_make_entry(f"nexport_campus.models.{name}", members="false") for name in names)
    return _make_page("Models", "models", ["# Models", lead, shared, *entries])


def _make_enums_page() -> ReferencePage:
    lead = (
        "The vendor's enums are `IntEnum`s, imported from `nexport_campus.models`. `label` is the vendor's name of a member."
        " An undeclared number keeps its value and has `is_declared` False."
    )
    text = ["# Enums", lead]
    for name in filter(_is_enum, models.__all__):
        text += [_make_entry(f"nexport_campus.models.{name}", members="false")]
        text += [page_tables.make_members_table(getattr(models, name))]
    return _make_page("Enums", "enums", text)


def _make_module_pages() -> Iterable[ReferencePage]:
    for name in sorted(_list_public_modules(nexport_campus)):
        path = f"nexport_campus.{name}"
        options = {"heading_level": "1", "show_root_full_path": "true"}
        options["members"] = f"[{', '.join(import_module(path).__all__)}]"
        if name == "testing":
            options |= _WITHOUT_SIGNATURE  # pytest gives fixtures their arguments
        yield _make_page(path, name, [_make_entry(path, **options)])


def _list_public_modules(package: ModuleType) -> Iterable[str]:
    for module in pkgutil.iter_modules(package.__path__):
        if not module.name.startswith("_") and module.name not in _ELSEWHERE:
            yield module.name


def _list_error_names() -> list[str]:
    return [error.__name__ for error in page_tables.list_errors()]


def _is_enum(name: str) -> bool:
    return issubclass(getattr(models, name), OpenIntEnum)


def _make_entry(path: str, **options: str) -> str:
    """Return the Markdown that mkdocstrings replaces with the documentation of an object."""
    chosen = "".join(f"\n        {option}: {value}" for option, value in options.items())
    return f"::: {path}" + (f"\n    options:{chosen}" if chosen else "")


def _make_page(title: str, name: str, parts: Iterable[str]) -> ReferencePage:
    return ReferencePage(title, f"reference/{name}.md", "\n\n".join(parts) + "\n")
