"""Finds operations that don't take the token where the client sends it: in the query, as `access_token`."""

from collections.abc import Iterator, Mapping
from typing import Any

from .jsontext import Document
from .secret_names import is_secret_name
from .spec import Operation, get_components, iterate_operations

__all__ = ["find_odd_token_places"]

_SHOWN = 5


def find_odd_token_places(vendor: Document, corrected: Document) -> list[str]:
    """Return one note for each unusual place of the token, with the operations that have it.

    Args:
        vendor: The vendor's document, in which the token is a parameter.
        corrected: The same with the overlay's marks: operations that issue or check tokens, or that the overlay removes, are left out.
    """
    usual = {item.id for item in iterate_operations(corrected) if not item.body.get("x-nexport-credentials")}
    places: dict[str, list[str]] = {}
    for operation in iterate_operations(vendor):
        if operation.id in usual:
            for place in _describe_places(operation, vendor):
                places.setdefault(place, []).append(operation.id)
    return [
        f"{_list_names(names)}: {place}; the client sends the token in the query, as access_token"
        for place, names in places.items()
    ]


def _describe_places(operation: Operation, document: Document) -> Iterator[str]:
    item: Mapping[str, Any] = document["paths"][operation.path]
    parameters = [*(item.get("parameters") or []), *(operation.body.get("parameters") or [])]
    stated = {(str(one.get("in")), str(one.get("name"))) for one in parameters}
    headers = sorted(name for place, name in stated if place in ("header", "cookie") and is_secret_name(name))
    schemes = list(_describe_schemes(operation, document))
    in_query = ("query", "access_token") in stated or "" in schemes
    instead = "" if in_query else ", and no access_token in the query"
    yield from (f"the vendor states a token in the header {name}{instead}" for name in headers)
    yield from (f"the vendor states the security scheme {words}{instead}" for words in schemes if words)
    if not in_query and not headers and not schemes:
        yield "the vendor states no token"


def _describe_schemes(operation: Operation, document: Document) -> Iterator[str]:
    """Yield descriptions of an operation's security schemes; an empty string for the usual place of the token."""
    known = get_components(document, "securitySchemes")
    for requirement in operation.body.get("security", document.get("security")) or []:
        for name in requirement:
            scheme = known.get(name) or {}
            if (scheme.get("type"), scheme.get("in"), scheme.get("name")) == (
                "apiKey",
                "query",
                "access_token",
            ):
                yield ""
                continue
            about = [str(scheme[key]) for key in ("type", "scheme", "in", "name") if key in scheme]
            yield f"{name} ({', '.join(about)})" if about else name


def _list_names(names: list[str]) -> str:
    if len(names) <= _SHOWN:
        return ", ".join(names)
    return f"{len(names)} operations ({', '.join(names[:_SHOWN])}, ...)"
