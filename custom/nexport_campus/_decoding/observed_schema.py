"""What a client has learned of the campus's answers beyond the spec."""

import attrs

from nexport_client.types import Model

__all__ = ["Learned"]


@attrs.frozen
class Learned:
    """What answers were seen to hold beyond the spec.

    `keys`: further keys; `nulls`: required fields that were null; `values`: further enum values; `unusual`: fields whose
    values came in an unusual form, such as a `3.0` for a whole number.
    """

    keys: frozenset[tuple[type[Model], str]] = frozenset()
    nulls: frozenset[tuple[type[Model], str]] = frozenset()
    values: frozenset[tuple[str, int]] = frozenset()
    unusual: frozenset[tuple[type[Model], str]] = frozenset()
