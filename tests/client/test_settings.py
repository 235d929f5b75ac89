"""Settings: what can't work is refused when the client is made, in one line that repeats no secret."""

import ssl
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus import (
    ConfigurationError,
    NexportCampus,
    NexportError,
    PasswordAuth,
    RetryPolicy,
    StaticToken,
)
from support.campus import ONCE, TOKEN, campus_with
from support.scripted import json_answer
from support.spec import SOME_ID, answer_for

GOOD = json_answer(answer_for("LearningApi_GetSection"))
WRONG: dict[str, list[Any]] = {
    "base_url": [
        *(
            "",
            "campus.example",
            "ftp://campus.example",
            "//campus.example",
            "https://",
            "http://[::1",
            "https://xn--/",
        ),
        *(
            "https://ada:hunter2@campus.example",
            "https://campus.example/?a=b",
            "https://campus.example/#a",
            None,
            5,
        ),
    ],
    "timeout": [0, -1, float("inf"), float("nan"), True, "5"],
    "retry": [None, 3, {}],
    "max_concurrency": [0, -1, 1.5, True, None, "4"],
    "rate_limit": [0, -1, float("nan"), float("inf"), True, "4"],
    "transport": [object(), httpx.HTTPTransport(), httpx.AsyncClient],
    "verify": [None, 5, b"path"],
    "proxy": ["nonsense", "ftp://ada:hunter2@proxy", 5, "http://[::1"],
    "user_agent": ["two\r\nlines", "ümlaut", 5, b"agent"],
    "max_response_bytes": [0, -1, 1.5, True, None],
    "allow_insecure_http": ["no", 1, None],
    "on_drift": ["log", 5],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_a_wrong_setting_is_named(name: str, value: Any) -> None:
    """ConfigurationError names the setting, and repeats no password of an address."""
    with pytest.raises(ConfigurationError) as caught:
        NexportCampus(StaticToken("token"), **{name: value})
    assert name in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"timeout": None},
        {"timeout": httpx.Timeout(5.0)},
        {"timeout": 0.5},
        {"rate_limit": 0.1},
        {"verify": False},
        {"verify": ssl.create_default_context()},
        {"base_url": httpx.URL("https://campus.example/lms/")},
        {"user_agent": "app/1.0 (+https://example.com)"},
        {"proxy": "http://ada:hunter2@127.0.0.1:3128"},
    ],
)
def test_good_settings(settings: Mapping[str, Any]) -> None:
    """What the documentation allows is taken, and no repr shows a proxy's password."""
    campus = NexportCampus(StaticToken("token"), **settings)
    assert "hunter2" not in repr(campus) + repr(vars(campus))


@given(st.text() | st.text().map(lambda text: f"https://{text}"))
def test_any_address(address: str) -> None:
    """Any text is an address or a ConfigurationError."""
    try:
        NexportCampus(StaticToken("token"), base_url=address, allow_insecure_http=True)
    except ConfigurationError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017 -- both ends are good


def test_a_proxy_beside_a_transport() -> None:
    """It would have no effect, and says so."""
    with pytest.raises(ConfigurationError, match="transport itself"):
        NexportCampus(
            StaticToken("token"),
            transport=httpx.MockTransport(lambda _: httpx.Response(200)),
            proxy="http://p",
        )


ENVIRONMENT = {
    "NEXPORT_BASE_URL": "https://campus.example",
    "NEXPORT_USERNAME": "ada",
    "NEXPORT_PASSWORD": "hunter2",
}


def test_from_the_environment() -> None:
    """The environment names the campus and the account; arguments outrank it."""
    assert "campus.example" in repr(NexportCampus.from_env(ENVIRONMENT))
    assert "other.example" in repr(NexportCampus.from_env(ENVIRONMENT, base_url="https://other.example"))
    assert "www.nexportcampus.com" in repr(NexportCampus.from_env({"NEXPORT_ACCESS_TOKEN": "token"}))


def test_from_this_process_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an argument it is `os.environ`."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NEXPORT_ACCESS_TOKEN", raising=False)
    assert "campus.example" in repr(NexportCampus.from_env())


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "NEXPORT_USERNAME is not set"),
        ({"NEXPORT_USERNAME": "ada"}, "NEXPORT_PASSWORD is not set"),
        ({"NEXPORT_PASSWORD": "hunter2"}, "NEXPORT_USERNAME is not set"),
        ({"NEXPORT_USERNAME": "", "NEXPORT_PASSWORD": "hunter2"}, "NEXPORT_USERNAME is not set"),
        (ENVIRONMENT | {"NEXPORT_ACCESS_TOKEN": "token"}, "not both"),
        (ENVIRONMENT | {"NEXPORT_BASE_URL": "campus"}, "base_url"),
    ],
)
def test_an_environment_that_cannot_work(environment: dict[str, str], words: str) -> None:
    """What is missing or contradicts itself is named."""
    with pytest.raises(ConfigurationError, match=words) as caught:
        NexportCampus.from_env(environment)
    assert "hunter2" not in str(caught.value)


async def test_a_view_shares_connections_and_token() -> None:
    """A view has other settings on the same connection and login, and closing it closes nothing."""
    login = json_answer(
        {"access_token": TOKEN, "token_type": "bearer", "api_error_entity": {"error_code": 0}}
    )
    async with campus_with(login, GOOD, GOOD, GOOD, auth=PasswordAuth("ada", "secret")) as (campus, server):
        await campus.learning.get_section(syllabus_id=SOME_ID)
        async with campus.with_options(timeout=5.0, retry=RetryPolicy(), user_agent="view/1") as view:
            await view.learning.get_section(syllabus_id=SOME_ID)
        await campus.learning.get_section(syllabus_id=SOME_ID)
        with pytest.raises(ConfigurationError):
            campus.with_options(timeout=-1)
    agents = [request.headers["user-agent"] for request in server.requests]
    assert (agents[2], agents[1] == agents[3] != "view/1") == ("view/1", True)
    assert server.connections <= 2


async def test_a_closed_client_says_so() -> None:
    """A call on it, or on a view of it, is a NexportError; closing again does nothing."""
    campus = NexportCampus(StaticToken("token"), base_url="http://127.0.0.1:9", retry=ONCE)
    view = campus.with_options(timeout=1.0)
    await campus.aclose()
    await campus.aclose()
    for client in (campus, view):
        with pytest.raises(NexportError, match="closed"):
            await client.learning.get_section(syllabus_id=SOME_ID)
