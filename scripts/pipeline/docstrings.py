"""Makes descriptions and docstrings of operations from the vendor's documentation."""

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

__all__ = ["OperationText", "to_one_line"]

NOT_DESCRIBED = "Not described by the vendor."
_PROVISIONAL = (
    "Provisional: declared from public facts instead of the vendor's page, and exempt from semantic versioning."
    " Least certain: {}. `scripts/regenerate --pages FILE` replaces it by the vendor's page, and `--swagger FILE` by a"
    " campus's own definition."
)
_ALWAYS_RAISED = (
    ("ArgumentError", "An argument doesn't fit the spec; nothing was sent."),
    ("NexportError", "The call failed for another reason."),
)

_ERRORS = {
    "400": "InvalidRequestError",
    "403": "PermissionDeniedError",
    "404": "NotFoundError",
    "409": "NotFoundError",
    "422": "InvalidRequestError",
}
_PAGED = {
    "page": "The one-based page to start on.",
    "per_page": "Records a page; None leaves it to the SDK, which requests large pages. The server may apply less.",
}


def to_one_line(text: str | None, otherwise: str = NOT_DESCRIBED) -> str:
    """Return a description on one line, without the list of values that enums repeat in it."""
    words = _join_lines(text or "")
    return re.split(r"\s*(?:\b\w+=-?\d+;|-?\d+ = )", words)[0] or otherwise


def _join_lines(text: str) -> str:
    """Return a string on one line, adding the full stops that the vendor replaces by line ends."""
    joined = ""
    for line in filter(None, (" ".join(line.split()) for line in text.splitlines())):
        ends = not joined or joined.endswith((".", ":", ";", ",", " the", " of", " a", " or"))
        joined += ("" if ends or not re.match("[A-Z][a-z]", line) else ".") + f" {line}"
    return joined.strip()


@attrs.frozen
class OperationText:
    """What the vendor says about an operation, for its declaration and its docstring.

    `paragraphs`: the summary, then the rest of the description; a list is one paragraph with line ends. `returns`
    describes the response. `raises` has the names of errors, and when each is raised.
    """

    paragraphs: tuple[str, ...]
    returns: str
    raises: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, operation: Mapping[str, Any], response: str) -> "OperationText":
        """Return the text of an operation; `response` is the description of its success response."""
        return cls(
            tuple(_list_paragraphs(operation)),
            " ".join(_split_paragraphs(response)) or "The response.",
            tuple(_list_errors(operation)),
        )

    def make_docstring(
        self, arguments: Iterable[tuple[str, str]], return_type: str, *, paged: bool, source: str
    ) -> str:
        """Return a docstring in Google style; `arguments` are names with descriptions, which may be empty."""
        described = [(name, text or NOT_DESCRIBED) for name, text in arguments]
        described += list(_PAGED.items()) if paged else []
        parts = [_wrap(paragraph) for paragraph in self.paragraphs or (NOT_DESCRIBED,)]
        if described:
            parts.append("Args:\n" + _format_entries(described))
        parts.append("Returns:\n" + _format_entries([(return_type, self.returns)]))
        parts.append("Raises:\n" + _format_entries([*_ALWAYS_RAISED[:1], *self.raises, *_ALWAYS_RAISED[1:]]))
        return "\n\n".join([*parts, f"Source: {source}."])


def _list_paragraphs(operation: Mapping[str, Any]) -> list[str]:
    """Return the summary as the first paragraph, then the rest of the description without repetitions."""
    obsolete = re.match(
        r"OBSOLETE\s*\n(.*?)\n", summary := operation.get("summary", "").replace("\r\n", "\n")
    )
    paragraphs = _split_paragraphs(summary[obsolete.end() :] if obsolete else summary)
    for paragraph in _split_paragraphs(operation.get("description", "")):
        if paragraph not in paragraphs:
            paragraphs.append(paragraph)
    paragraphs += [f"Obsolete: {obsolete[1].strip()}."] if obsolete else []
    if operation.get("x-nexport-provisional"):
        paragraphs.append(_PROVISIONAL.format(operation.get("x-uncertain", "not stated")))
    return _join_list_items(paragraphs)


def _wrap(paragraph: str) -> str:
    return paragraph if paragraph.startswith("- ") else "\n".join(textwrap.wrap(paragraph, 100))


def _split_paragraphs(text: str) -> list[str]:
    """Split the vendor's description into paragraphs, keeping line ends only after sentences and in lists."""
    cleaned = re.sub(r"#{2,}\s*(\w[\w ]*?)\s*\n", r"\n\n\1: ", text.replace("\r\n", "\n"))
    cleaned = re.sub(r"\(\{Nexport\.[\w.]*\.(\w+)\}(?!\))", r"(\1)", cleaned)
    cleaned = re.sub(r"\{Nexport\.[\w.]*\.(\w+)\}?", r"\1", cleaned)
    blocks = re.split(r"\n\s*\n|\n(?=\s*- )|(?<=[.:])\s*\n", cleaned)
    return [" ".join(block.split()) for block in blocks if block.strip()]


def _join_list_items(paragraphs: Sequence[str]) -> list[str]:
    """Join neighbouring list items into one block."""
    blocks: list[str] = []
    for text in paragraphs:
        if text.startswith("- ") and blocks and blocks[-1].startswith("- "):
            blocks[-1] += f"\n{text}"
        else:
            blocks.append(text)
    return blocks


def _list_errors(operation: Mapping[str, Any]) -> list[tuple[str, str]]:
    raised = []
    for status, response in operation["responses"].items():
        if status in _ERRORS:
            text = " ".join(_split_paragraphs(response.get("description", "")))
            refused_login = status == "403" and operation.get("x-nexport-credentials")
            name = "AuthenticationError" if refused_login else _ERRORS[status]
            name += " or AlreadyExistsError" * ("duplicate" in text.lower())
            raised.append((name, f"{text.rstrip('.')} (HTTP {status})."))
    return raised


def _format_entries(entries: Iterable[tuple[str, str]]) -> str:
    return "\n".join(
        textwrap.fill(f"{name}: {text}", 100, initial_indent="    ", subsequent_indent="        ")
        for name, text in entries
    )
