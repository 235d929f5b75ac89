"""The record of one change between two states of the SDK."""

from dataclasses import asdict, dataclass

__all__ = ["Change"]


@dataclass(frozen=True, order=True)
class Change:
    """One change, and whether it breaks users.

    `source` is "spec" or "python", `place` an operation, an argument, a field or a Python name, `kind` "added", "removed"
    or "changed"; `breaks`: whether a program that worked before may fail, or fail its type check, now. `provisional`:
    whether that would be so, but for the exemption of provisional operations from semantic versioning.
    """

    source: str
    place: str
    kind: str
    detail: str
    breaks: bool
    provisional: bool = False

    def __str__(self) -> str:
        return f"{self.place} {self.kind}" + (f": {self.detail}" if self.detail else "")

    def to_dict(self) -> dict[str, object]:
        """The change as a JSON object; `provisional` only where it is true."""
        return {key: value for key, value in asdict(self).items() if key != "provisional" or value}
