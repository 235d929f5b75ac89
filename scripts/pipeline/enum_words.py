"""Reads the values and names of an enum out of the vendor's description of a property.

The vendor ends it with `0 = Not Started, 1 = In Progress`, and some have `NotStarted=0;` on separate lines before.
"""

import re
from collections.abc import Collection

from openapi_python_client.strings import snake_case

__all__ = ["make_member_name", "read_code_names", "read_labels", "simplify_label"]

_START = re.compile(r"-?\d+ = ")
_ENTRY = re.compile(r"(?P<value>-?\d+) = (?P<label>.*)", re.DOTALL)
_SEPARATOR = re.compile(r",\s+(?=-?\d+ = )")
_END_OF_LABEL = re.compile(r"[.;]\s|\s*[\r\n]")
_CODE_NAME = re.compile(r"(\w+)=(-?\d+);")
_MEMBER = re.compile(r"[A-Z][A-Z0-9_]*")


def read_labels(description: str, values: Collection[int]) -> dict[int, str]:
    """Return the vendor's words for each value; `values` are those of the `enum` list."""
    for start in _START.finditer(description):
        entries = [_ENTRY.fullmatch(part) for part in _SEPARATOR.split(description[start.start() :])]
        found = [(entry["value"], entry["label"]) for entry in entries if entry]
        if len(found) == len(entries) and not any(" = " in label for _, label in found):
            first = (_strip_text_before(found[0][0], values), found[0][1])
            return {
                int(value): _END_OF_LABEL.split(label)[0].strip(" .;") for value, label in [first, *found[1:]]
            }
    return {}


def read_code_names(description: str) -> dict[int, str]:
    """Return the names in the vendor's code: `NotStarted=0;`."""
    return {int(value): name for name, value in _CODE_NAME.findall(description)}


def make_member_name(words: str) -> str | None:
    """Return the member's name for the vendor's words: `To Be Graded` is TO_BE_GRADED. None if they make no name."""
    name = snake_case(re.sub(r"\W+", " ", words, flags=re.ASCII)).upper()
    return name if _MEMBER.fullmatch(name) else None


def simplify_label(label: str) -> str:
    """Return a form of a label in which spaces, punctuation and case don't matter."""
    return re.sub(r"\W+", "", label).casefold()


def _strip_text_before(value: str, values: Collection[int]) -> str:
    """Return the first value without digits that end the text before it: the vendor puts no space between."""
    suffixes = [value[index:] for index in range(len(value))]
    return (
        next((suffix for suffix in suffixes if suffix.isdecimal() and int(suffix) in values), value)
        if int(value) not in values
        else value
    )
