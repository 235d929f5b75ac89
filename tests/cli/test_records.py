"""Answers of every kind, in every format."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from nexport_campus.cli.record_output import Secrecy, write_value, writer
from nexport_campus.models import AuthenticationTokenResponse, CatalogAccessOption, CmiField
from nexport_client.kinds import (
    DATE_TIME,
    NOTHING,
    TEXT,
    UUID_,
    Array,
    EnumOf,
    Kind,
    MapOf,
    ModelOf,
    Nullable,
)
from nexport_client.types import Secret

ID = UUID("6f9619ff-8b86-4d01-b42d-00cf4fc964ff")
ACCESS = EnumOf("CatalogAccessOption")
TOKEN: dict[str, Any] = {
    "access_token": str(ID),
    "token_type": "bearer",
    "api_error_entity": {"error_code": 0},
}
Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("kind", "value", "plain", "table"),
    [
        (TEXT, "a\tb", "a\tb", "value  a b\n"),
        (UUID_, ID, str(ID), f"value  {ID}\n"),
        (
            DATE_TIME,
            datetime(2026, 1, 31, tzinfo=UTC),
            "2026-01-31T00:00:00+00:00",
            "value  2026-01-31 00:00:00Z\n",
        ),
        (ACCESS, CatalogAccessOption.OWNED, 1, "value  Owned\n"),
        (MapOf(ACCESS), {"a": CatalogAccessOption.BOTH}, {"a": 2}, "a  Both\n"),
        (Nullable(TEXT), None, None, ""),
        (NOTHING, None, None, ""),
        (
            ModelOf("AuthenticationTokenResponse"),
            TOKEN,
            TOKEN | {"access_token": "***"},
            "access_token  ***\ntoken_type    bearer\n",
        ),
    ],
)
def test_one_value(kind: Kind, value: Any, plain: Any, table: str, capsys: Capture) -> None:
    """Whatever an operation answers is one JSON value, or what people read."""
    if isinstance(kind, ModelOf):
        value = AuthenticationTokenResponse.from_dict(value)
    for form in ("json", "jsonl"):
        write_value(form, kind, value, Secrecy())
        assert json.loads(capsys.readouterr().out) == plain
    write_value("table", kind, value, Secrecy())
    assert capsys.readouterr().out == table


def test_records_of_scalars(capsys: Capture) -> None:
    """A list of texts is one, too; null stays null."""
    for form, wanted in (("json", ["a", None]), ("table", "value\na\n\n")):
        out = writer(form, Nullable(TEXT), Secrecy())
        out.write(["a"])
        out.write([None])
        out.end()
        told = capsys.readouterr().out
        assert (json.loads(told) if form == "json" else told) == wanted


@pytest.mark.parametrize("show", [True, False])
def test_secrets_in_lists_and_mappings(show: bool, capsys: Capture) -> None:
    """A secret field is masked wherever it is."""
    model = AuthenticationTokenResponse.from_dict(TOKEN)
    kind = ModelOf("AuthenticationTokenResponse")
    write_value("json", MapOf(Array(kind)), {"a": [model]}, Secrecy(show=show))
    assert (str(ID) in capsys.readouterr().out) is show
    out = writer("table", kind, Secrecy(show=show))
    out.write([model])
    out.end()
    assert (str(ID) in capsys.readouterr().out) is show


@pytest.mark.parametrize("form", ["json", "jsonl", "table"])
def test_an_echo(form: str, capsys: Capture) -> None:
    """A secret that was sent, and comes back in some field, is masked; a short one may be a word of its own."""
    quoted = 'a "quoted" pass phrase'
    field = CmiField(cmi_element_name="name", cmi_element_value=f"{ID} {str(ID).upper()} {quoted} is name")
    write_value(form, ModelOf("CmiField"), field, Secrecy(known=(Secret(ID), Secret(quoted), Secret("name"))))
    told = capsys.readouterr().out
    assert "*** *** *** is name" in told


def test_a_terminal_is_not_steered(capsys: Capture) -> None:
    """What a record holds moves no cursor and breaks no line of a table."""
    field = CmiField(cmi_element_name="[bold]n[/bold]", cmi_element_value="\x1b[2J\r\n\x07:smile:")
    write_value("table", ModelOf("CmiField"), field, Secrecy())
    told = capsys.readouterr().out
    assert not [char for char in told if char != "\n" and not char.isprintable()]
    assert "[bold]n[/bold]" in told
    assert ":smile:" in told
    assert len(told.splitlines()) == 2
