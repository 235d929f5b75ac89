"""What a client has learned of the campus's answers beyond the spec."""

import attrs

from nexport_client.types import Model

__all__ = ["Learned"]


@attrs.frozen
class Learned:
    """What answers were seen to hold beyond the spec: further keys, nulls in required fields, further enum values."""

    keys: frozenset[tuple[type[Model], str]] = frozenset()
    nulls: frozenset[tuple[type[Model], str]] = frozenset()
    values: frozenset[tuple[str, int]] = frozenset()
