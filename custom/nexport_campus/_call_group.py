"""What several calls share that serve one method of ours."""

import attrs

__all__ = ["CallGroup"]


@attrs.frozen(eq=False)
class CallGroup:
    """Calls that must be done by one `deadline`, on the client's clock, and whose warnings are collected."""

    deadline: float | None = None
    warnings: list[str] = attrs.Factory(list)
