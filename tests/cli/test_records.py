"""Output of values and records, in every format."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from nexport_campus.cli.record_output import Secrecy, make_writer, write_value
from nexport_campus.models import CatalogAccessOption, CmiField
from nexport_client.kinds import (
    DATE_TIME,
    NOTHING,
    STRING,
    UUID_,
    Array,
    EnumOf,
    Kind,
    MapOf,
    ModelOf,
    Nullable,
)
from nexport_client.types import Secret
from tests.support.spec import model_named

ID = UUID("6f9619ff-8b86-4d01-b42d-00cf4fc964ff")
ACCESS = EnumOf("CatalogAccessOption")
TOKEN: dict[str, Any] = {
    "access_token": str(ID),
    "token_type": "bearer",
    "api_error_entity": {"error_code": 0},
}
Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("value_type", "value", "plain", "table"),
    [
        (STRING, "a\tb", "a\tb", "value  a b\n"),
        (UUID_, ID, str(ID), f"value  {ID}\n"),
        (
            DATE_TIME,
            datetime(2026, 1, 31, tzinfo=UTC),
            "2026-01-31T00:00:00+00:00",
            "value  2026-01-31 00:00:00Z\n",
        ),
        (ACCESS, CatalogAccessOption.OWNED, 1, "value  Owned\n"),
        (MapOf(ACCESS), {"a": CatalogAccessOption.BOTH}, {"a": 2}, "a  Both\n"),
        (Nullable(STRING), None, None, ""),
        (NOTHING, None, None, ""),
        (
            ModelOf("AuthenticationTokenResponse"),
            TOKEN,
            TOKEN | {"access_token": "***"},
            "access_token  ***\ntoken_type    bearer\n",
        ),
    ],
)
def test_one_value(value_type: Kind, value: Any, plain: Any, table: str, capsys: Capture) -> None:
    """Any value is printed as one JSON value, or in a readable form."""
    if isinstance(value_type, ModelOf):
        value = model_named("AuthenticationTokenResponse").from_dict(value)
    for form in ("json", "jsonl"):
        write_value(form, value_type, value, Secrecy())
        assert json.loads(capsys.readouterr().out) == plain
    write_value("table", value_type, value, Secrecy())
    assert capsys.readouterr().out == table


def test_records_of_scalars(capsys: Capture) -> None:
    """Lists of strings are printed as records; null stays null."""
    for form, wanted in (("json", ["a", None]), ("table", "value\na\n\n")):
        out = make_writer(form, Nullable(STRING), Secrecy())
        out.write(["a"])
        out.write([None])
        out.end()
        output = capsys.readouterr().out
        assert (json.loads(output) if form == "json" else output) == wanted


@pytest.mark.parametrize("show", [True, False])
def test_secrets_in_lists_and_mappings(show: bool, capsys: Capture) -> None:
    """A secret field is masked at any depth."""
    model = model_named("AuthenticationTokenResponse").from_dict(TOKEN)
    value_type = ModelOf("AuthenticationTokenResponse")
    write_value("json", MapOf(Array(value_type)), {"a": [model]}, Secrecy(show=show))
    assert (str(ID) in capsys.readouterr().out) is show
    out = make_writer("table", value_type, Secrecy(show=show))
    out.write([model])
    out.end()
    assert (str(ID) in capsys.readouterr().out) is show


@pytest.mark.parametrize("form", ["json", "jsonl", "table"])
def test_echoed_secrets_are_masked(form: str, capsys: Capture) -> None:
    """A secret that was sent and is echoed in a field is masked; a short one may be an ordinary word."""
    quoted = 'a "quoted" pass phrase'
    field = CmiField(cmi_element_name="name", cmi_element_value=f"{ID} {str(ID).upper()} {quoted} is name")
    write_value(form, ModelOf("CmiField"), field, Secrecy(known=(Secret(ID), Secret(quoted), Secret("name"))))
    output = capsys.readouterr().out
    assert "*** *** *** is name" in output


def test_control_characters_in_tables(capsys: Capture) -> None:
    """A record can't move the cursor or break a line of a table."""
    field = CmiField(cmi_element_name="[bold]n[/bold]", cmi_element_value="\x1b[2J\r\n\x07:smile:")
    write_value("table", ModelOf("CmiField"), field, Secrecy())
    output = capsys.readouterr().out
    assert not [char for char in output if char != "\n" and not char.isprintable()]
    assert "[bold]n[/bold]" in output
    assert ":smile:" in output
    assert len(output.splitlines()) == 2
