"""Builds the docstrings of the facade's methods from the vendor's documentation."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

__all__ = ["one_line", "operation_doc"]

_ERRORS = {
    "400": "InvalidRequestError",
    "403": "PermissionDeniedError",
    "404": "NotFoundError",
    "409": "NotFoundError",
    "422": "InvalidRequestError",
}
_PAGED = {
    "page": "The one-based page to start on.",
    "per_page": "Records a page; None leaves it to the SDK, which asks for many. The server may apply less.",
}


def one_line(text: str | None, otherwise: str = "Not described by the vendor.") -> str:
    """Return a description on one line, without the list of values that enums repeat in it."""
    words = _joined_lines(text or "")
    return re.split(r"\s*(?:\b\w+=-?\d+;|-?\d+ = )", words)[0] or otherwise


def _joined_lines(text: str) -> str:
    """Return a string on one line, adding the full stops that the vendor replaces by line ends."""
    joined = ""
    for line in filter(None, (" ".join(line.split()) for line in text.splitlines())):
        ends = not joined or joined.endswith((".", ":", ";", ",", " the", " of", " a", " or"))
        joined += ("" if ends or not re.match("[A-Z][a-z]", line) else ".") + f" {line}"
    return joined.strip()


class Documented(Protocol):
    """What the docstring needs of an argument."""

    @property
    def name(self) -> str: ...

    @property
    def doc(self) -> str: ...


def operation_doc(
    operation: Mapping[str, Any],
    method: str,
    path: str,
    arguments: Sequence[Documented],
    returns: tuple[str, str],
    *,
    paged: bool,
) -> str:
    """Return a docstring: summary, description, arguments, return value, exceptions, source.

    `returns` is the annotation of what comes back, and the vendor's words for it.
    """
    described = [(argument.name, one_line(argument.doc)) for argument in arguments]
    described += list(_PAGED.items()) if paged else []
    success = " ".join(_paragraphs(returns[1]))
    parts = [*_lead(operation)]
    if described:
        parts.append("Args:\n" + "\n".join(_entry(name, text) for name, text in described))
    parts.append("Returns:\n" + _entry(returns[0], success or "The answer."))
    parts.append("Raises:\n" + "\n".join(_entry(name, text) for name, text in _raised(operation)))
    parts.append(f"Source: the vendor's page, {method.upper()} {path}.")
    return "\n\n".join(parts)


def _lead(operation: Mapping[str, Any]) -> list[str]:
    """Return the summary as the first line, then the rest of the description without repetitions."""
    obsolete = re.match(
        r"OBSOLETE\s*\n(.*?)\n", summary := operation.get("summary", "").replace("\r\n", "\n")
    )
    paragraphs = _paragraphs(summary[obsolete.end() :] if obsolete else summary)
    for paragraph in _paragraphs(operation.get("description", "")):
        if paragraph not in paragraphs:
            paragraphs.append(paragraph)
    paragraphs += [f"Obsolete: {obsolete[1].strip()}."] if obsolete else []
    paragraphs = paragraphs or ["Not described by the vendor."]
    return [
        "\n".join(textwrap.wrap(text, 100)) if not text.startswith("- ") else text
        for text in _joined(paragraphs)
    ]


def _paragraphs(text: str) -> list[str]:
    """Split the vendor's description into paragraphs, keeping line ends only after sentences and in lists."""
    cleaned = re.sub(r"#{2,}\s*(\w[\w ]*?)\s*\n", r"\n\n\1: ", text.replace("\r\n", "\n"))
    cleaned = re.sub(r"\(\{Nexport\.[\w.]*\.(\w+)\}(?!\))", r"(\1)", cleaned)
    cleaned = re.sub(r"\{Nexport\.[\w.]*\.(\w+)\}?", r"\1", cleaned)
    blocks = re.split(r"\n\s*\n|\n(?=\s*- )|(?<=[.:])\s*\n", cleaned)
    return [" ".join(block.split()) for block in blocks if block.strip()]


def _joined(paragraphs: Sequence[str]) -> list[str]:
    """Join neighbouring list items into one block."""
    blocks: list[str] = []
    for text in paragraphs:
        if text.startswith("- ") and blocks and blocks[-1].startswith("- "):
            blocks[-1] += f"\n{text}"
        else:
            blocks.append(text)
    return blocks


def _raised(operation: Mapping[str, Any]) -> list[tuple[str, str]]:
    raised = [("ArgumentError", "An argument can't be what the spec says; nothing was sent.")]
    for status, response in operation["responses"].items():
        if status in _ERRORS:
            text = " ".join(_paragraphs(response.get("description", "")))
            refused_login = status == "403" and operation.get("x-nexport-credentials")
            name = "AuthenticationError" if refused_login else _ERRORS[status]
            name += " or AlreadyExistsError" * ("duplicate" in text.lower())
            raised.append((name, f"{text.rstrip('.')} (HTTP {status})."))
    return [*raised, ("NexportError", "Anything else that keeps the call from being answered.")]


def _entry(name: str, text: str) -> str:
    return textwrap.fill(f"{name}: {text}", 100, initial_indent="    ", subsequent_indent="        ")
