"""Deviations from the spec that a client has observed in responses."""

import attrs

from nexport_client.types import Model

__all__ = ["Learned"]


@attrs.frozen
class Learned:
    """Deviations from the spec observed in responses.

    `keys`: additional keys; `nulls`: required fields that were null; `values`: additional enum values; `unusual`:
    fields with values in an unusual form, such as `3.0` for an integer.
    """

    keys: frozenset[tuple[type[Model], str]] = frozenset()
    nulls: frozenset[tuple[type[Model], str]] = frozenset()
    values: frozenset[tuple[str, int]] = frozenset()
    unusual: frozenset[tuple[type[Model], str]] = frozenset()
