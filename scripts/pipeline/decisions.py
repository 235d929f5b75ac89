"""Lists the decisions that a new document leaves to a person, with the overlay actions to paste."""

from .jsontext import Document
from .layout import Layout
from .name_checks import find_unmarked, find_unnamed_enums
from .remedies import correct_operation
from .secret_names import find_unmarked_secrets
from .spec import iterate_operations

__all__ = ["list_decisions"]

_FEW = 20  # more operations are summarized by area


def list_decisions(document: Document) -> list[str]:
    """Return notes: what looks like a secret, which operations have no mark, which enums have no names; then one block."""
    secrets = find_unmarked_secrets(document)
    new = find_unmarked(document)
    notes = [
        f"{place} looks like a secret, and reprs and logs would show it, until {Layout.OVERLAY} marks it (x-nexport-secret)"
        for place, _ in secrets
    ]
    notes += _report_unmarked(document, new)
    notes += [
        f"{pointer} is an enum without names for its members; {Layout.OVERLAY} can give them"
        for pointer in find_unnamed_enums(document)
    ]
    actions = [action for _, action in secrets]
    actions += [
        correct_operation(
            name, "State whether it only reads.", "{x-nexport-effect: write} # or read, which may be retried"
        )
        for name in new
    ]
    if actions:
        notes.append("\n".join([f"to paste into {Layout.OVERLAY}, after checking each:", *actions]))
    return notes


def _report_unmarked(document: Document, names: list[str]) -> list[str]:
    if len(names) <= _FEW:
        return [
            f"{name} counts as writing, until {Layout.OVERLAY} marks it (x-nexport-effect)" for name in names
        ]
    areas: dict[str, int] = {}
    for operation in iterate_operations(document):
        if operation.id in names:
            areas[operation.area] = areas.get(operation.area, 0) + 1
    return [
        f"{area}: {count} operations count as writing, until {Layout.OVERLAY} marks them (x-nexport-effect)"
        if count > 1
        else f"{area}: 1 operation counts as writing, until {Layout.OVERLAY} marks it (x-nexport-effect)"
        for area, count in areas.items()
    ]
