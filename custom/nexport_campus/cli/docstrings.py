"""Parser of the facade's docstrings, which are in Google style."""

import inspect
from collections.abc import Mapping

import attrs

__all__ = ["Documentation", "read_docstring"]

_SECTIONS = ("Args:", "Returns:", "Raises:", "Source:")
_NO_DESCRIPTION = "Not described by the vendor."


@attrs.frozen
class Documentation:
    """The parts of a docstring. `details`: paragraphs. `arguments`, `raises`: descriptions by name, in order."""

    summary: str
    details: tuple[str, ...]
    arguments: Mapping[str, str]
    returns: str
    raises: Mapping[str, str]
    source: str


def read_docstring(documented: object) -> Documentation:
    """Return the parts of a function's docstring."""
    text = inspect.getdoc(documented) or ""
    sections: dict[str, list[str]] = {"": []}
    name = ""
    for line in text.splitlines():
        begins = next((section for section in _SECTIONS if line.startswith(section)), None)
        if begins is not None:
            name = begins
            sections[name] = [line.removeprefix(begins).strip()]
        else:
            sections[name].append(line)
    summary, *details = _paragraphs(sections[""]) or [""]
    return Documentation(
        summary=summary,
        details=tuple(details),
        arguments=_parse_entries(sections.get("Args:", [])),
        returns=_join_lines(sections.get("Returns:", [])),
        raises=_parse_entries(sections.get("Raises:", [])),
        source=_join_lines(sections.get("Source:", [])),
    )


def _join_lines(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())


def _paragraphs(lines: list[str]) -> list[str]:
    return [_join_lines(part.splitlines()) for part in "\n".join(lines).split("\n\n") if part.strip()]


def _parse_entries(lines: list[str]) -> dict[str, str]:
    """Return the entries `name: description`, whose continuation lines are indented further."""
    entries: dict[str, str] = {}
    name = ""
    for line in lines:
        if line.startswith("    ") and not line.startswith("     "):
            name, _, words = line.strip().partition(":")
            entries[name] = words.strip()
        elif line.strip() and name:
            entries[name] = f"{entries[name]} {line.strip()}"
    return {name: "" if words == _NO_DESCRIPTION else words for name, words in entries.items()}
