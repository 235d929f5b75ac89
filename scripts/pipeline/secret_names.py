"""Finds what looks like a secret and has no mark, so that reprs, logs and tracebacks would show it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .jsontext import Document, escape
from .remedies import correct_operation, make_schema_path, write_action
from .spec import iterate_operations, iterate_schemas

__all__ = ["find_unmarked_secrets", "is_secret_name"]

_MARK = "x-nexport-secret"
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET = re.compile(
    r"\b(pass ?word|passwd|pwd|pass ?(phrase|code)|secret|token|pin|credentials?|otp|cvv|cvc|bearer|jwt|authorization"
    r"|(api|private|access|secret|signing|encryption|license) key|apikey|security answer)s?\b"
)
# `token_type` and `password_policy` are about a secret, and are none.
_ABOUT = re.compile(
    r"\b(type|policy|policies|required|expire[sd]?|expiration|expiry|date|length|count|hint|url|status|rules?|enabled)$"
)


def is_secret_name(name: str) -> bool:
    """Return whether the name of a field or parameter is that of a secret: `new_password`, `clientSecret`."""
    words = " ".join(word.lower() for word in _WORD.findall(name))
    return _SECRET.search(words) is not None and _ABOUT.search(words) is None


def find_unmarked_secrets(document: Document) -> list[tuple[str, str]]:
    """Return fields and parameters that look like secrets and have no mark, with the action that adds it.

    `x-nexport-secret: false` is a mark too: a person has decided.
    """
    return [*_find_in_parameters(document), *_find_in_fields(document)]


def _find_in_parameters(document: Document) -> Iterator[tuple[str, str]]:
    for operation in iterate_operations(document):
        for parameter in operation.body.get("parameters") or []:
            name = str(parameter.get("name"))
            if _MARK not in parameter and _may_be_secret(name, parameter.get("schema") or {}):
                below = f".parameters[?@.name == '{name}']"
                action = correct_operation(operation.id, "A secret.", f"{{{_MARK}: true}}", below)
                yield f"{operation.id}({name})", action


def _find_in_fields(document: Document) -> Iterator[tuple[str, str]]:
    for pointer, schema in iterate_schemas(document):
        for name, value in (schema.get("properties") or {}).items():
            if isinstance(value, dict) and _may_be_secret(name, value):
                place = f"{pointer}/properties/{escape(name)}"
                yield place, write_action(make_schema_path(place), "A secret.", f"{{{_MARK}: true}}")


def _may_be_secret(name: str, schema: Mapping[str, Any]) -> bool:
    if _MARK in schema or "$ref" in schema or "enum" in schema:
        return False
    kinds = schema.get("type", "string")
    textual = "string" in kinds if isinstance(kinds, str | list) else False
    dated = str(schema.get("format", "")).startswith("date")
    return textual and not dated and (is_secret_name(name) or schema.get("format") == "password")
