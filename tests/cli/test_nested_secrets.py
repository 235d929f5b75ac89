"""Secrets of records within other records: masked in every format, for models and for raw responses."""

import asyncio
import json
from typing import Any

import attrs
import pytest

from nexport_campus.cli.record_output import Secrecy, write_value
from nexport_client import registry
from nexport_client.api.learning_api import learning_api_get_section
from nexport_client.kinds import STRING, Array, MapOf, ModelOf
from nexport_client.types import Model, wire
from tests.cli.conftest import Nexport
from tests.support.scripted_server import TOKEN, ScriptedServer, json_response

__all__ = ["NestedKey", "NestedOwner"]

SECRET = "0123-4567-89ab"
KEY = {"keyCode": SECRET, "label": "main"}
Capture = pytest.CaptureFixture[str]


@attrs.define(kw_only=True)
class NestedKey(Model):
    """A record with a secret."""

    key_code: str | None = attrs.field(default=None, repr=False, metadata=wire("keyCode", STRING))
    label: str | None = attrs.field(default=None, metadata=wire("label", STRING))
    additional_properties: dict[str, Any] = attrs.field(factory=dict)


@attrs.define(kw_only=True)
class NestedOwner(Model):
    """A record that has no secret itself, and holds others."""

    own: NestedKey | None = attrs.field(default=None, metadata=wire("own", ModelOf("NestedKey")))
    listed: list[NestedKey] | None = attrs.field(
        default=None, metadata=wire("listed", Array(ModelOf("NestedKey")))
    )
    mapped: dict[str, NestedKey] | None = attrs.field(
        default=None, metadata=wire("mapped", MapOf(ModelOf("NestedKey")))
    )
    deep: "NestedOwner | None" = attrs.field(default=None, metadata=wire("deep", ModelOf("NestedOwner")))
    additional_properties: dict[str, Any] = attrs.field(factory=dict)


OWNERS: dict[str, dict[str, Any]] = {
    "a field": {"own": KEY},
    "a list": {"listed": [KEY, KEY]},
    "a mapping": {"mapped": {"a": KEY}},
    "a record within another": {"deep": {"deep": {"listed": [KEY]}}},
}
of_each_place = pytest.mark.parametrize("owner", OWNERS.values(), ids=OWNERS)
in_each_format = pytest.mark.parametrize("form", ["json", "jsonl", "table"])


@pytest.fixture(autouse=True)
def known_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add the models of this module to the client's."""
    monkeypatch.setattr(registry, "_packages", [*registry._packages, __name__])


@of_each_place
@in_each_format
def test_secrets_of_nested_models_are_masked(owner: dict[str, Any], form: str, capsys: Capture) -> None:
    """Only the secret is masked, at any depth; with --show-secret, JSON has it."""
    kind, model = ModelOf("NestedOwner"), NestedOwner.from_dict(owner)
    write_value(form, kind, model, Secrecy())
    masked = capsys.readouterr().out
    assert SECRET not in masked
    if form != "table":
        assert json.loads(masked) == json.loads(json.dumps(owner).replace(SECRET, "***"))
        write_value(form, kind, model, Secrecy(show=True))
        assert json.loads(capsys.readouterr().out) == owner


@of_each_place
@in_each_format
async def test_secrets_of_nested_records_of_a_known_operation_are_masked(
    owner: dict[str, Any], form: str, nexport: Nexport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`nexport call GET PATH` masks what the operation's models mark as secret, at any depth, unless --show-secret."""
    declared = attrs.evolve(learning_api_get_section.OPERATION, result=ModelOf("NestedOwner"))
    monkeypatch.setattr(learning_api_get_section, "OPERATION", declared)
    words = ("call", "GET", "/api/v1/LearningApi/GetSection", "--output", form)
    async with ScriptedServer([json_response(owner)] * 2) as server:
        env = {"NEXPORT_BASE_URL": server.url, "NEXPORT_ACCESS_TOKEN": TOKEN}
        masked = await asyncio.to_thread(nexport, *words, env=env)
        shown = await asyncio.to_thread(nexport, *words, "--show-secret", env=env)
    assert (masked.exit_code, SECRET in masked.output) == (0, False)
    assert "main" in masked.stdout
    assert SECRET in shown.stdout
