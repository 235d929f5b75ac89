"""The docstrings of the facade's methods, out of the vendor's own documentation."""

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
    """A description of the vendor's on one line, without the list of values that enums repeat in it."""
    words = _joined_lines(text or "")
    return re.split(r"\s*(?:\b\w+=-?\d+;|-?\d+ = )", words)[0] or otherwise


def _joined_lines(text: str) -> str:
    """A text on one line, with the stop that the vendor leaves to the end of a line put in."""
    joined = ""
    for line in filter(None, (" ".join(line.split()) for line in text.splitlines())):
        ends = not joined or joined.endswith((".", ":", ";", ",", " the", " of", " a", " or"))
        joined += ("" if ends or not re.match("[A-Z][a-z]", line) else ".") + f" {line}"
    return joined.strip()


class Documented(Protocol):
    """An argument, as far as its documentation goes."""

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
    """A docstring: the vendor's summary and description, the arguments, what comes back, what is raised, the source.

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
    """The summary as a first line of its own, then the rest of what the vendor says, without repeating itself."""
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
    """The vendor's text as paragraphs: its line ends are kept only where they end a sentence or make a list."""
    cleaned = re.sub(r"#{2,}\s*(\w[\w ]*?)\s*\n", r"\n\n\1: ", text.replace("\r\n", "\n"))
    cleaned = re.sub(r"\(\{Nexport\.[\w.]*\.(\w+)\}(?!\))", r"(\1)", cleaned)
    cleaned = re.sub(r"\{Nexport\.[\w.]*\.(\w+)\}?", r"\1", cleaned)
    blocks = re.split(r"\n\s*\n|\n(?=\s*- )|(?<=[.:])\s*\n", cleaned)
    return [" ".join(block.split()) for block in blocks if block.strip()]


def _joined(paragraphs: Sequence[str]) -> list[str]:
    """Neighbouring list items become one block."""
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
