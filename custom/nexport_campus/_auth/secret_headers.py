"""The headers that a user adds to every request. Their values are secrets, such as the key of a gateway."""

import re
from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from typing import Any, Final, NoReturn

import httpx

from nexport_campus._errors import ConfigurationError
from nexport_campus._inputs import Concealed, describe
from nexport_client.types import Secret

from .redaction import SecretBytes

__all__ = ["HiddenHeaders", "SecretHeaders", "check_headers", "conceal_headers"]

_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)
_REFUSED: Final = frozenset({"accept-encoding", "connection", "host", "transfer-encoding", "user-agent"})
_VISIBLE: Final = re.compile(r"[!-~](?:[ -~\t]*[!-~])?", re.ASCII)


class SecretHeaders(Mapping[str, str]):
    """Headers whose values don't appear in reprs, logs or pickles. Names are compared without regard to case.

    `merged` gives the headers of a view. A value of None, which only a view's headers may have, removes a header.
    """

    __slots__ = ("__weakref__", "_removed", "_values")

    def __init__(self, values: Mapping[str, Secret | None] | None = None) -> None:
        given = values or {}
        self._values = {name: value for name, value in given.items() if value is not None}
        self._removed = given.keys() - self._values.keys()

    def __getitem__(self, name: str) -> str:
        return self._values[name].reveal()

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"SecretHeaders({', '.join(f'{name}: ***' for name in self)})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("SecretHeaders refuses to be pickled")

    def secrets(self) -> list[str]:
        """Return the values."""
        return [value.reveal() for value in self._values.values()]

    def merged(self, other: "SecretHeaders") -> "SecretHeaders":
        """Return these headers with those of `other` in their place, and without those that `other` removes."""
        replaced = {name.lower() for name in other._values.keys() | other._removed}
        kept = {name: value for name, value in self._values.items() if name.lower() not in replaced}
        return SecretHeaders(kept | other._values)

    def without(self, names: Mapping[str, str]) -> "SecretHeaders":
        """Return the headers whose names don't occur in `names`."""
        if not self._values or not names:
            return self
        given = {name.lower() for name in names}
        return SecretHeaders(
            {name: value for name, value in self._values.items() if name.lower() not in given}
        )

    def lines(self) -> bytes:
        """Return the lines that HTTP/1.1 sends."""
        return SecretBytes("".join(f"{name}: {self[name]}\r\n" for name in self).encode("ascii"))


def conceal_headers(given: Any) -> Any:
    """Return a setting in a form that no repr reveals, for `check_headers`. Accepts anything."""
    known = given is None or isinstance(given, SecretHeaders | Concealed)
    return given if known else Concealed(given)


def check_headers(value: object, *, removable: bool = False) -> SecretHeaders:
    """Return validated headers. Raises ConfigurationError, which shows no value; nor do the frames that it passes.

    Args:
        value: A mapping of names to values, from `conceal_headers`.
        removable: Whether None is allowed as a value.
    """
    if value is None:
        return SecretHeaders()
    if isinstance(value, SecretHeaders):
        return value
    found = _read(value, removable=removable)
    if isinstance(found, str):
        raise ConfigurationError(found)
    return found


def _read(value: object, *, removable: bool) -> SecretHeaders | str:
    """Return the headers, or the reason why they are invalid."""
    given = value.reveal() if isinstance(value, Concealed) else value
    if not isinstance(given, Mapping):
        return f"headers must be a mapping of names to values, got {describe(given)}"
    checked: dict[str, Secret | None] = {}
    for name, text in given.items():
        reason = _find_name_problem(name) or (
            None if text is None and removable else _find_value_problem(name, text)
        )
        if reason is not None:
            return reason
        plain = str.__str__(name)
        if plain.lower() in {known.lower() for known in checked}:
            return f"headers: {plain} is given twice, in different case"
        checked[plain] = None if text is None else Secret(str.__str__(text))
    return SecretHeaders(checked)


def _find_name_problem(name: object) -> str | None:
    if not isinstance(name, str):
        return f"headers: a name must be a string, got {describe(name)}"
    # A name that isn't one may be a value in the wrong place, so it isn't shown.
    if not _NAME.fullmatch(name):
        return "headers: a name must consist of letters, digits and hyphens, such as X-Api-Key"
    if name.lower() in _REFUSED or name.lower().startswith("content-"):
        advice = "use user_agent" if name.lower() == "user-agent" else "the SDK sets it itself"
        return f"headers must not contain {str.__str__(name)}: {advice}"
    return None


def _find_value_problem(name: str, value: object) -> str | None:
    if not isinstance(value, str):
        # Not the value itself, even of a number.
        return f"headers: the value of {name} must be a string, got {type(value).__name__}"
    if not _VISIBLE.fullmatch(value):
        return (
            f"headers: the value of {name} must be printable ASCII, not empty, and without spaces around it"
        )
    return None


class HiddenHeaders(httpx.Headers):
    """The headers of a request, of which only `raw` contains the secret ones.

    httpx' own transports and `ASGITransport` send `raw`; everything that shows headers reads them in other ways. A copy
    is complete and hides nothing.
    """

    def __init__(self, shown: httpx.Headers, hidden: SecretHeaders) -> None:
        super().__init__([*shown.raw, *((name.encode(), value.encode()) for name, value in hidden.items())])
        self.shown = shown
        self.hidden = hidden

    def keys(self) -> KeysView[str]:
        return self.shown.keys()

    def values(self) -> ValuesView[str]:
        return self.shown.values()

    def items(self) -> ItemsView[str, str]:
        return self.shown.items()

    def multi_items(self) -> list[tuple[str, str]]:
        return self.shown.multi_items()

    def get_list(self, key: str, split_commas: bool = False) -> list[str]:
        return self.shown.get_list(key, split_commas)

    def __getitem__(self, key: str) -> str:
        return self.shown[key]

    def __contains__(self, key: object) -> bool:
        return key in self.shown

    def __iter__(self) -> Iterator[str]:
        return iter(self.shown)

    def __len__(self) -> int:
        return len(self.shown)

    def __repr__(self) -> str:
        return repr(self.shown)
