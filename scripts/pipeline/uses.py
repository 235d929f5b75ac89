"""Finds hand-written code that uses removed or changed parts of the API, so that a run can list the code to adapt."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .changes import Change
from .python_names import area_name, attribute_name, method_name
from .spec_changes import RESPELLED

__all__ = ["find_code_to_adapt"]

# Where a use is, and what to do about it, the most urgent first.
_ADVICE = {
    "custom": "The package needs it, so adapt this code:",
    "examples": "Adapt the example, or remove it:",
    "README.md": "Adapt the text and its code, which the tests run:",
    "docs": "Adapt the text and its code, which the tests run:",
    "tests": "Adapt the test, or remove it with what it tests:",
}
_SUFFIXES = {".py", ".md", ".ipynb", ".toml"}
_OWN_TESTS = "tests/pipeline"  # they have fixtures, and use nothing
_PLACE = re.compile(r"(?P<name>\w+)(\((?P<argument>\w+)\)|\.(?P<field>[^ ]+))?")
_GENERATED = re.compile(
    r"^<!-- (table|operations): .*?^<!-- (end of table|operations: end) -->", re.MULTILINE | re.DOTALL
)
_LINES = 5  # more lines of one file are counted
_NEVER = r"(?!)"
# How far behind the name of a method its arguments may be.
_CALL = 400


@dataclass(frozen=True)
class _Broken:
    """An operation, an argument, a model or a field that a run removes or changes, and what happens to it."""

    name: str
    argument: str
    field: str
    words: str

    @property
    def is_removed_operation(self) -> bool:
        """Whether a whole operation is removed."""
        return self.words == "removed" and not self.argument and "_" in self.name

    def find_lines(self, text: str) -> list[int]:
        """Return the numbers of the lines of a file that use it."""
        is_passed = self.argument and not self.words.startswith("added")
        calls = (match.start() for match in re.finditer(self._make_pattern(text), text))
        places = self._find_argument_places(text) if is_passed else calls
        return sorted({text.count("\n", 0, place) + 1 for place in places})

    def _find_argument_places(self, text: str) -> Iterator[int]:
        """Yield where calls of the operation pass the argument, in Python or on the command line."""
        option = self.argument.replace("_", "-")
        argument = re.compile(rf"\b{self.argument}=(?!=)|--{option}\b")
        for call in re.finditer(self._make_pattern(text), text):
            # Behind an empty line, or at the next call of a method, other arguments follow.
            rest = re.split(r"\n\s*\n|\bcampus\.\w+\.\w+\(", text[call.end() : call.end() + _CALL])[0]
            yield from (call.end() + match.start() for match in argument.finditer(rest))

    def _make_pattern(self, text: str) -> str:
        """Return a pattern of the code that uses it in a file."""
        if self.words.endswith(RESPELLED):
            return rf"\b{self.name}\b"
        if self.field:
            return self._make_field_pattern(text)
        tag, is_operation, _ = self.name.partition("_")
        if not is_operation:
            return rf"\b{self.name}\b"
        area = area_name(tag)
        owners = {area, tag, f"Raw{tag}", *re.findall(rf"^\s*(\w+) = [\w.]+\.{area}$", text, re.MULTILINE)}
        method = rf"\b({'|'.join(sorted(owners))})\.{method_name(self.name)}\b"
        return rf"{method}|\bmethod_of\(\w+, \"{self.name}\"" if self.argument else method

    def _make_field_pattern(self, text: str) -> str:
        if self.field.isupper():
            return rf"\b{self.name}\.{self.field}\b"
        name = attribute_name(self.field)
        # Programs rarely name the model of a field; a name of one word is a field of others, too.
        if "_" not in name and not re.search(rf"\b{self.name}\b", text):
            return _NEVER
        return rf"\.{name}\b|\b{name}=|[\"']{re.escape(self.field)}[\"']"

    def __str__(self) -> str:
        place = (
            f"{self.name}({self.argument})"
            if self.argument
            else ".".join(filter(None, [self.name, self.field]))
        )
        return f"{place}, {self.words}"


def find_code_to_adapt(root: Path, changes: Iterable[Change]) -> list[str]:
    """Return a block of lines about the code that uses breaking changes: advice, files with line numbers, and the changes.

    Files that only mention a removed operation, as a recorded request does, are only counted.
    """
    broken = list(filter(None, map(_make_broken, changes)))
    removed = [re.escape(each.name) for each in broken if each.is_removed_operation]
    mention = re.compile(rf"\b({'|'.join(removed)})\b" if removed else _NEVER)
    files = [(advice, file.relative_to(root).as_posix(), _read(file)) for advice, file in _list_files(root)]
    found: dict[str, list[str]] = {}
    mentions: list[str] = []
    for advice, name, raw in files if broken else ():
        text = _GENERATED.sub(_blank_out, raw)
        uses = [
            f"{name}:{_list_numbers(lines)} uses {each}"
            for each in broken
            if (lines := each.find_lines(text))
        ]
        found.setdefault(advice, []).extend(uses)
        if uses and name.startswith("examples/"):
            found[advice] += _find_dependants(name, files)
        if not uses and mention.search(text):
            mentions.append(name)
    block = [
        line
        for advice, uses in found.items()
        if uses
        for line in (f"  {advice}", *(f"    {use}" for use in uses))
    ]
    if mentions:
        others = [name for _, name, raw in files if name not in mentions and mention.search(raw)]
        block += _describe_mentions(mentions, others, removed)
    return ["To adapt by hand, or scripts/check and scripts/test may fail:", *block] if block else []


def _find_dependants(example: str, files: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    """Yield a line about the programs and tests that import an example, which fail with it."""
    module = re.compile(
        rf"\b(import {Path(example).stem}|from {Path(example).stem} import|{Path(example).name})\b"
    )
    names = [
        name for _, name, text in files if name.endswith(".py") and name != example and module.search(text)
    ]
    if names:
        yield f"  {example} is used by {', '.join(names)}"


def _describe_mentions(mentions: list[str], others: list[str], removed: list[str]) -> Iterator[str]:
    """Yield lines about files that only mention removed operations, with a command that lists exactly these files."""
    folders = Counter(name.partition("/")[0] for name in mentions)
    counts = ", ".join(f"{count} in {folder}" for folder, count in folders.items())
    patterns = dict.fromkeys(
        f"{name.partition('/')[0]}/*{Path(name).suffix}" if "/" in name else name for name in mentions
    )
    left_out = [_OWN_TESTS, *(name for name in others if name.partition("/")[0] in folders)]
    places = [f"'{pattern}'" for pattern in patterns] + [f"':!{name}'" for name in left_out]
    yield f"  Files that only mention what is removed, and may still be right ({counts}):"
    yield f"    git grep -nwE '{'|'.join(removed)}' -- {' '.join(places)}"


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


def _make_broken(change: Change) -> _Broken | None:
    """Return what a change breaks, or None if it breaks nothing, or if the spec states the same change.

    A different spelling of an operationId breaks only code that uses the operationId, as the sandbox and tests do.
    """
    match = _PLACE.fullmatch(change.place) if change.source == "spec" else None
    if match is None or not (change.breaks or change.provisional or change.detail.endswith(RESPELLED)):
        return None
    words = f"{change.kind}: {change.detail}" if change.detail else change.kind
    return _Broken(match["name"], match["argument"] or "", match["field"] or "", words)


def _blank_out(match: re.Match[str]) -> str:
    """Return empty lines instead of a generated table, so that the lines after it keep their numbers."""
    return "\n" * match[0].count("\n")


def _list_numbers(lines: list[int]) -> str:
    more = f" and {len(lines) - _LINES} more" if len(lines) > _LINES else ""
    return ",".join(map(str, lines[:_LINES])) + more


def _list_files(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield hand-written files with the advice for them, without the pipeline's own tests."""
    for name, advice in _ADVICE.items():
        place = root / name
        for file in [place] if place.is_file() else sorted(place.rglob("*")):
            own = file.relative_to(root).is_relative_to(_OWN_TESTS)
            if file.suffix in _SUFFIXES and file.is_file() and not own:
                yield advice, file
