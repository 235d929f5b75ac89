"""Changes between two specs, and which of them break users: operations, arguments, models, fields.

A request may require less and accept more; a response may contain more and lack nothing. A new required field of a model
of responses doesn't break programs that read it, and so doesn't count as a break.
"""

import ast
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from pipeline.arguments_view import ArgumentView
from pipeline.changelog import DOCUMENTATION
from pipeline.changes import Change
from pipeline.jsontext import Document
from pipeline.normalization import normalize
from pipeline.operations_view import OperationView, make_operation_view
from pipeline.python_names import area_name
from pipeline.schema_forms import read_listed_values
from pipeline.schema_kinds import KindView, choose_kind, is_nullable
from pipeline.spec import get_components, iterate_operations, iterate_references

__all__ = ["EFFECTS", "RESPELLED", "find_sent_models", "find_spec_changes"]

EFFECTS = {
    "read": "counts as reading now: it may be sent again after a failure",
    "write": "counts as writing now: it is not sent again after a failure that may have changed something",
}
# How the detail of a change ends if only the spelling of an operationId changed.
RESPELLED = "; the method keeps its name"
# A value of the first kind is accepted where one of the others is expected.
_WIDER = {"INT32": ("INTEGER", "NUMBER", "ANYTHING"), "INTEGER": ("NUMBER", "ANYTHING")}


def find_spec_changes(old: Document, new: Document) -> list[Change]:
    """Compare two versions of `openapi/nexport.sdk.json`."""
    before, after = normalize(old), normalize(new)
    found = [*_compare_whole(old, new), *_compare_operations(before, after), *_compare_schemas(before, after)]
    return sorted(found)


def find_sent_models(document: Document) -> set[str]:
    """Return the names of the schemas that callers construct: arguments or parts of them."""
    schemas = document["components"]["schemas"]
    bodies = [operation.body for operation in iterate_operations(document)]
    return _find_reached(
        [*(item.get("parameters") for item in bodies), *(_find_body(item, schemas) for item in bodies)],
        schemas,
    )


def _find_received_models(document: Document) -> set[str]:
    """Return the names of the schemas in responses."""
    waiting: list[object] = [operation.body["responses"] for operation in iterate_operations(document)]
    return _find_reached(waiting, document["components"]["schemas"])


def _find_reached(waiting: list[object], schemas: Mapping[str, Any]) -> set[str]:
    """Return the names of the schemas that values refer to, directly or indirectly."""
    reached: set[str] = set()
    while waiting:
        for _, reference in iterate_references(waiting.pop()):
            name = reference.rsplit("/", 1)[-1]
            if name not in reached:
                reached.add(name)
                waiting.append(schemas[name])
    return reached


def _find_body(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> object:
    """Return the body of an operation, or its fields if they are the arguments."""
    body: Mapping[str, Any] = operation.get("requestBody") or {}
    schema = body.get("content", {}).get("application/json", {}).get("schema", {})
    if "$ref" in schema:
        return schemas[schema["$ref"].rsplit("/", 1)[-1]].get("properties")
    return body


def _make_change(place: str, kind: str, detail: str = "", *, breaks: bool = False) -> Change:
    return Change("spec", place, kind, detail, breaks)


def _make_views(document: Document) -> dict[str, OperationView]:
    return {
        item.id: make_operation_view(document, item.path, item.method, item.body)
        for item in iterate_operations(document)
    }


def _compare_whole(old: Document, new: Document) -> Iterator[Change]:
    """Yield changes that concern the whole API: its servers, and how it takes the token."""
    servers = [[item.get("url") for item in document.get("servers") or []] for document in (old, new)]
    if servers[0] != servers[1]:
        was, now = (", ".join(map(str, urls)) or "none" for urls in servers)
        yield _make_change("servers", "changed", f"are {now}, were {was}")
    schemes = [get_components(document, "securitySchemes") for document in (old, new)]
    for name in schemes[0].keys() | schemes[1].keys():
        if schemes[0].get(name) != schemes[1].get(name):
            kind = "added" if name not in schemes[0] else "removed" if name not in schemes[1] else "changed"
            yield _make_change(f"security scheme {name}", kind)


def _compare_operations(old: Document, new: Document) -> Iterator[Change]:
    before, after = _index_by_method(_make_views(old)), _index_by_method(_make_views(new))
    yield from (
        _make_change(before[name].id, "removed", breaks=True) for name in before.keys() - after.keys()
    )
    yield from (_make_change(after[name].id, "added") for name in after.keys() - before.keys())
    for name in before.keys() & after.keys():
        yield from _compare_operation(before[name], after[name])


def _index_by_method(views: Mapping[str, OperationView]) -> dict[tuple[str, str], OperationView]:
    """Return operations by namespace and method: another spelling of an operationId isn't another operation."""
    return {(area_name(name.partition("_")[0]), view.name): view for name, view in views.items()}


def _compare_operation(old: OperationView, new: OperationView) -> Iterator[Change]:
    if old.id != new.id:
        yield _make_change(old.id, "changed", f"operationId is {new.id}{RESPELLED}")
    if old.returns != new.returns or old.result.kind.annotation != new.result.kind.annotation:
        yield _make_change(old.id, "changed", f"returns {new.returns}, was {old.returns}", breaks=True)
    for what in ("method", "path"):
        was, now = getattr(old, what), getattr(new, what)
        if was != now:
            yield _make_change(old.id, "changed", f"{what} is {now}, was {was}")
    if old.effect != new.effect:
        yield _make_change(old.id, "changed", EFFECTS[new.effect])
    if old.deprecated != new.deprecated:
        words = "no longer obsolete" if new.deprecated is None else ast.literal_eval(new.deprecated)
        yield _make_change(old.id, "changed", words)
    if old.provisional and not new.provisional:
        yield _make_change(old.id, "changed", "stated by the vendor now, and no longer provisional")
    if old.doc != new.doc:
        yield _make_change(old.id, "changed", DOCUMENTATION)
    yield from _compare_arguments(old, new)


def _compare_arguments(old: OperationView, new: OperationView) -> Iterator[Change]:
    before = {item.name: item for item in old.arguments}
    after = {item.name: item for item in new.arguments}
    for name in before.keys() - after.keys():
        yield _make_change(f"{old.id}({name})", "removed", breaks=True)
    for name in after.keys() - before.keys():
        required = after[name].required
        yield _make_change(f"{old.id}({name})", "added", "required" * required, breaks=required)
    for name in before.keys() & after.keys():
        yield from _compare_argument(f"{old.id}({name})", before[name], after[name])


def _compare_argument(place: str, old: ArgumentView, new: ArgumentView) -> Iterator[Change]:
    if old.kind.code != new.kind.code:
        takes, took = new.kind.argument, old.kind.argument
        if takes == took:
            takes, took = f"{takes} ({new.kind.code})", f"{took} ({old.kind.code})"
        breaks = not _is_wider(old.kind.code, new.kind.code)
        yield _make_change(place, "changed", f"takes {takes}, took {took}", breaks=breaks)
    if old.required != new.required:
        yield _make_change(place, "changed", "required" if new.required else "optional", breaks=new.required)
    if old.nullable != new.nullable:
        detail = (
            "None is sent as null now, so leave the argument out where it was None"
            if new.nullable
            else "null is not sent"
        )
        yield _make_change(place, "changed", detail, breaks=True)
    if old.min_items != new.min_items:
        detail = f"at least {new.min_items} items"
        yield _make_change(place, "changed", detail, breaks=new.min_items > old.min_items)
    yield from _compare_values(place, old.doc, new.doc, sent=True)
    if (old.key, old.place) != (new.key, new.place):
        yield _make_change(place, "changed", f"travels as {new.key} in the {new.place}")


def _compare_values(place: str, old: str, new: str, *, sent: bool) -> Iterator[Change]:
    """Yield changes of the values of a string enum, which the normal form lists in the description."""
    found = [read_listed_values(description) for description in (old, new)]
    if None in found or found[0] == found[1]:
        return
    was, now = (
        [value for value in values or [] if value not in (other or [])]
        for values, other in (found, found[::-1])
    )
    if now:
        yield _make_change(place, "changed", f"may also be {', '.join(now)}")
    if was:
        yield _make_change(place, "changed", f"is no longer {', '.join(was)}", breaks=sent)


def _is_wider(old: str, new: str) -> bool:
    """Return whether every value of one kind is accepted for the other."""
    return new in (old, "ANYTHING", *_WIDER.get(old, ()))


def _compare_schemas(old: Document, new: Document) -> Iterator[Change]:
    before, after = old["components"]["schemas"], new["components"]["schemas"]
    yield from (_make_change(name, "removed", breaks=True) for name in before.keys() - after.keys())
    yield from (_make_change(name, "added") for name in after.keys() - before.keys())
    sent, received = find_sent_models(new), _find_received_models(old) | _find_received_models(new)
    used = find_sent_models(old) | sent | received
    for name in before.keys() & after.keys():
        was, now = before[name], after[name]
        if ("enum" in was) != ("enum" in now):
            yield _make_change(name, "changed", "of another kind", breaks=True)
        elif "enum" in was:
            yield from _compare_enums(name, was, now)
        elif name in used:
            owners = _Owner(name, was, before), _Owner(name, now, after)
            yield from _compare_fields(*owners, sent=name in sent, received=name in received)


def _compare_enums(name: str, old: Document, new: Document) -> Iterator[Change]:
    before = dict(zip(old["x-enum-varnames"], old["enum"], strict=True))
    after = dict(zip(new["x-enum-varnames"], new["enum"], strict=True))
    for member in before.keys() | after.keys():
        place, was, now = f"{name}.{member}", before.get(member), after.get(member)
        if now is None:
            called = next((other for other, value in after.items() if value == was), None)
            yield _make_change(
                place, "removed", f"{was} is {name}.{called} now" if called else "", breaks=True
            )
        elif was is None:
            yield _make_change(place, "added")
        elif was != now:
            yield _make_change(place, "changed", f"is {now}, was {was}", breaks=True)
    if old.get("x-enum-labels") != new.get("x-enum-labels") and before == after:
        yield _make_change(name, "changed", "its labels")


@attrs.frozen
class _Owner:
    """A model's schema together with its document."""

    name: str
    schema: Document
    schemas: Document

    @property
    def fields(self) -> Document:
        found: Document = self.schema.get("properties") or {}
        return found

    def is_required(self, key: str) -> bool:
        return key in self.schema.get("required", [])

    def kind(self, key: str) -> KindView:
        """Return the kind of a field."""
        return choose_kind(self.fields[key], self.schemas)

    def is_optional(self, key: str) -> bool:
        """Return whether a field may be absent or null."""
        return is_nullable(self.fields[key]) or not self.is_required(key)

    def annotation(self, key: str) -> str:
        """Return the annotation of a field, with None if it may be absent or null."""
        return self.kind(key).annotation + " | None" * self.is_optional(key)


def _compare_fields(old: _Owner, new: _Owner, *, sent: bool, received: bool) -> Iterator[Change]:
    for key in old.fields.keys() - new.fields.keys():
        yield _make_change(f"{old.name}.{key}", "removed", breaks=True)
    for key in new.fields.keys() - old.fields.keys():
        required = new.is_required(key)
        yield _make_change(f"{old.name}.{key}", "added", "required" * required, breaks=required and sent)
    for key in old.fields.keys() & new.fields.keys():
        was, now, place = old.annotation(key), new.annotation(key), f"{old.name}.{key}"
        if was != now:
            breaks = (sent and not _accepts_as_much(old, new, key)) or (received and was != f"{now} | None")
            yield _make_change(place, "changed", f"is {now}, was {was}", breaks=breaks)
        words = [str(owner.fields[key].get("description") or "") for owner in (old, new)]
        changes = list(_compare_values(place, *words, sent=sent))
        yield from changes
        if words[0] != words[1] and not changes:
            yield _make_change(place, "changed", DOCUMENTATION)


def _accepts_as_much(old: _Owner, new: _Owner, key: str) -> bool:
    """Return whether a model still accepts all values that it accepted."""
    optional = new.is_optional(key) or not old.is_optional(key)
    return optional and _is_wider(old.kind(key).code, new.kind(key).code)
