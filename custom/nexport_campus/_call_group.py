"""The state shared by several calls that serve one method of the SDK."""

import attrs

__all__ = ["CallGroup"]


@attrs.frozen(eq=False)
class CallGroup:
    """A group of calls with a common `deadline` on the client's clock, whose warnings are collected."""

    deadline: float | None = None
    warnings: list[str] = attrs.Factory(list)
