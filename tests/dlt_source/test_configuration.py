"""Where the account and the settings come from, and which of them are refused."""

import asyncio
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from dlt.common.configuration.exceptions import ConfigFieldMissingException

from nexport_campus import ArgumentError, ConfigurationError, PasswordAuth, StaticToken
from nexport_campus.dlt import NexportCredentials, campus_source
from nexport_campus.dlt.credentials import to_auth
from tests.dlt_source.test_incremental import old
from tests.dlt_source.warehouse import Warehouse
from tests.support.scripted_server import Request, Response, ScriptedServer

ORG = str(uuid4())
GOOD: dict[str, Any] = {
    "credentials": StaticToken("token"),
    "base_url": "https://campus.example",
    "org_ids": [ORG],
}


@pytest.mark.parametrize(
    ("credentials", "expected"),
    [
        (NexportCredentials(username="user", password="secret"), PasswordAuth("user", "secret")),
        (NexportCredentials(access_token="token"), StaticToken("token")),
        (StaticToken("token"), StaticToken("token")),
        (NexportCredentials(), PasswordAuth("of-env", "secret")),
        (None, PasswordAuth("of-env", "secret")),
    ],
    ids=["password", "token", "sdk", "empty", "none"],
)
def test_accounts_are_given_configured_or_from_the_environment(
    credentials: Any, expected: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An account is given, or configured, or else the environment's."""
    monkeypatch.setenv("NEXPORT_USERNAME", "of-env")
    monkeypatch.setenv("NEXPORT_PASSWORD", "secret")
    found = to_auth(credentials)
    assert type(found) is type(expected)
    assert found == expected


async def test_everything_may_be_configured(
    duckdb_warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without arguments, dlt's configuration has the account, the address and the organizations."""
    server, queries = old(3), set[str]()

    async def respond(request: Request) -> Response:
        queries.add(dict(request.query)["access_token"])
        return await server.respond(request)

    async with ScriptedServer(respond) as http:
        monkeypatch.setenv("SOURCES__NEXPORT_CAMPUS__CREDENTIALS__ACCESS_TOKEN", "configured")
        monkeypatch.setenv("SOURCES__NEXPORT_CAMPUS__BASE_URL", http.url)
        monkeypatch.setenv(
            "SOURCES__NEXPORT_CAMPUS__ORG_IDS", f'["{next(iter(server.records.values())).org}"]'
        )
        pipeline = duckdb_warehouse.pipeline()
        await asyncio.to_thread(lambda: pipeline.run(campus_source().with_resources("enrollments")))
    assert queries == {"configured"}
    assert duckdb_warehouse.query("SELECT count(*) FROM campus.enrollments") == [(3,)]


@pytest.mark.parametrize(
    ("wrong", "kind", "message"),
    [
        ({"org_ids": []}, ArgumentError, "org_ids must not be empty"),
        ({"org_ids": ["xyz"]}, ArgumentError, "org_ids"),
        ({"since": datetime(2026, 1, 1)}, ArgumentError, "since must be a datetime with a zone"),  # noqa: DTZ001
        (
            {"since": datetime(2026, 2, 1, tzinfo=UTC), "until": datetime(2026, 1, 1, tzinfo=UTC)},
            ArgumentError,
            "until must be later than since",
        ),
        ({"base_url": "ftp://campus.example"}, ConfigurationError, "base_url"),
        ({"rate_limit": -1.0}, ConfigurationError, "rate_limit"),
        ({"unknown_fields": "drop"}, ConfigurationError, "unknown_fields"),
    ],
    ids=["no-orgs", "bad-id", "naive", "backwards", "url", "rate", "unknown"],
)
def test_wrong_arguments(wrong: dict[str, Any], kind: type[Exception], message: str) -> None:
    """What can't work is refused when the source is made, by name."""
    with pytest.raises(kind, match=message):
        campus_source(**(GOOD | wrong))


def test_no_organization() -> None:
    """Without organizations, dlt says which configuration is missing."""
    with pytest.raises(ConfigFieldMissingException, match="org_ids"):
        campus_source(credentials=StaticToken("token"), base_url="https://campus.example")


def test_a_missing_extra() -> None:
    """Without dlt, the import says in one line what to install."""
    program = "import sys; sys.modules['dlt'] = None; import nexport_campus.dlt"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == (
        'ModuleNotFoundError: nexport_campus.dlt needs: pip install "nexport-campus[dlt]"'
    )
