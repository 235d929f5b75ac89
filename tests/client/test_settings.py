"""Settings: impossible ones raise when the client is made, in one line that repeats no secret."""

import inspect
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, get_type_hints
from unittest.mock import AsyncMock

import attrs
import httpx
import numpy as np
import pandas as pd
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus import (
    AccessToken,
    ClientSettings,
    ConfigurationError,
    Drift,
    NexportCampus,
    NexportError,
    PasswordAuth,
    RetryPolicy,
    StaticToken,
)
from nexport_campus.aiohttp import AiohttpTransport
from tests.support.clients import NO_RETRY, TOKEN, campus_with
from tests.support.scripted_server import error_entity, json_response
from tests.support.spec import SOME_ID, example_response

GOOD = json_response(example_response("LearningApi_GetSection"))
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
    "timeout": [
        *(
            0,
            -1,
            float("inf"),
            float("nan"),
            10**400,
            True,
            "5",
            timedelta(seconds=5),
            pd.NaT,
            np.True_,
        ),
        *(httpx.Timeout(-1.0), httpx.Timeout(0.0), httpx.Timeout(5.0, read=float("nan")), [5]),
    ],
    "retry": [None, 3, {}, RetryPolicy],
    "max_concurrency": [0, -1, 1.5, True, None, "4", np.float64(4)],
    "rate_limit": [0, -1, float("nan"), float("inf"), True, "4", Decimal("NaN")],
    "transport": [object(), httpx.HTTPTransport(), httpx.AsyncClient],
    "verify": [
        *(None, 5, b"path", "", "/no/such/file.pem", __file__, Path(__file__).parent, "/dev/null", "a\0b"),
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
    ],
    "proxy": [
        *("nonsense", "ftp://ada:hunter2@proxy", 5, "http://[::1", "http://ada:hunter2@proxy:99999"),
        *("http://", "http://a..b:80", httpx.Proxy("http://proxy:0"), b"http://proxy"),
    ],
    "user_agent": ["two\r\nlines", "ümlaut", 5, b"agent", "", " ", "agent ", "\tagent"],
    "max_response_bytes": [0, -1, 1.5, True, None],
    "allow_insecure_http": ["no", 1, None, np.True_],
    "on_drift": ["log", 5, lambda: None, lambda drift, *, level: None],
}
ADDRESSES: dict[str, str] = {
    "http://127.0.0.1:80443": "port 80443",
    "https://campus.example:0": "port 0",
    "https://ada:hunter2@campus.example:99999": "user name",
    "https://campus.example:eighty": "address",
    "https://campus.example:-1": "port -1",
    "campus.example": "https://",
    "campus.example:443": "https://",
    "https:/campus.example": "no host",
    "https://campus.example/?": "query",
    "https://campus.example/#": "fragment",
    " https://campus.example": "spaces",
    "https://campus.example\r": "control characters",
    "https://campus.example\\lms": "backslashes",
    "https://cam pus.example": "spaces",
    "https://campus..example": "host name",
    "https://.example": "host name",
    f"https://{'a' * 64}.example": "host name",
    f"https://{'a.' * 130}example": "host name",
    "https://[1::2::3]": "address",
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_a_wrong_setting_is_named(name: str, value: Any) -> None:
    """ConfigurationError names the setting, and repeats no password of a URL."""
    with pytest.raises(ConfigurationError) as caught:
        NexportCampus(StaticToken("token"), **{name: value})
    assert name in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_callback_that_takes_nothing() -> None:
    """The message says what a callback is called with."""

    def print_nothing() -> None:
        """Take no argument."""

    with pytest.raises(ConfigurationError, match=r"^on_drift .* can be called with one argument, a Drift$"):
        NexportCampus(StaticToken("token"), on_drift=print_nothing)  # type: ignore[arg-type]  # the mistake


def test_a_refused_client_in_a_traceback() -> None:
    """Displaying the constructor's locals in a traceback works, although the client was not completed."""
    with pytest.raises(ConfigurationError) as caught:
        NexportCampus(StaticToken("token"), timeout=-1)
    unmade = [frame.frame.f_locals.get("self") for frame in caught.traceback]
    clients = [repr(each) for each in unmade if isinstance(each, NexportCampus)]
    assert clients == ["<NexportCampus without settings>"]


@pytest.mark.parametrize(
    "settings",
    [
        {"timeout": None},
        {"timeout": httpx.Timeout(5.0)},
        {"timeout": 0.5},
        {"rate_limit": 0.1},
        {"verify": False},
        {"on_drift": print},
        {"on_drift": [].append},
        {"on_drift": vars},  # its signature is unknown
        {"timeout": httpx.Timeout(5.0, pool=None)},
        {"base_url": "HTTPS://Campus.Example:65535/lms/"},
        {"base_url": "https://campus.example."},
        {"base_url": "https://[2001:db8::1]:8443"},
        {"base_url": "https://bücher.example"},
        {"verify": ssl.create_default_context()},
        {"base_url": httpx.URL("https://campus.example/lms/")},
        {"user_agent": "app/1.0 (+https://example.com)"},
        {"proxy": "http://ada:hunter2@127.0.0.1:3128"},
    ],
)
def test_valid_settings(settings: Mapping[str, Any]) -> None:
    """Documented values are accepted, and no repr shows a proxy's password."""
    campus = NexportCampus(StaticToken("token"), **settings)
    assert "hunter2" not in repr(campus) + repr(vars(campus))


@pytest.mark.parametrize(("address", "words"), ADDRESSES.items())
def test_the_message_about_base_url(address: str, words: str) -> None:
    """The message says what is wrong with `base_url`, and repeats nothing of it that may be a password."""
    with pytest.raises(ConfigurationError, match=words) as caught:
        NexportCampus(StaticToken("token"), base_url=address, allow_insecure_http=True)
    assert "base_url" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("timeout", 0, "greater than 0, got 0"),
        ("timeout", -1.5, "greater than 0, got -1.5"),
        ("timeout", "5", "number of seconds, got str"),
        ("timeout", timedelta(seconds=5), "number of seconds, got timedelta"),
        ("timeout", float("inf"), "finite number of seconds, got inf"),
        ("timeout", httpx.Timeout(5.0, connect=0), "timeout: connect must be greater than 0"),
        ("rate_limit", 0, "greater than 0"),
        ("max_concurrency", 1.5, "whole number from 1, got 1.5"),
        ("verify", "/no/such/file.pem", "no file '/no/such/file.pem'"),
        ("verify", __file__, "no certificates in PEM"),
        ("verify", str(Path(__file__).parent), "openssl rehash"),
        ("retry", None, "RetryPolicy, got None"),
        ("user_agent", 5, "string, got 5"),
    ],
)
def test_the_message_about_a_setting(name: str, value: Any, words: str) -> None:
    """The message says what is wrong with the value."""
    with pytest.raises(ConfigurationError, match=words):
        NexportCampus(StaticToken("token"), **{name: value})


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("max_attempts", 0, "whole number from 1, got 0"),
        ("max_attempts", 2.0, "whole number from 1, got 2.0"),
        ("initial_delay", -1, "must not be negative, got -1"),
        ("max_delay", float("nan"), "finite number of seconds, got nan"),
        ("max_retry_after", "60", "number of seconds, got str"),
        ("max_retry_after", None, "number of seconds, got None"),
        ("total_timeout", 0, "greater than 0, got 0"),
        ("total_timeout", -2, "greater than 0, got -2"),
        ("total_timeout", True, "number of seconds, got True"),
    ],
)
def test_the_message_about_a_retry_policy(name: str, value: Any, words: str) -> None:
    """The message names the setting and says what is wrong with the value."""
    with pytest.raises(ConfigurationError, match=f"RetryPolicy: {name} .*{words}"):
        RetryPolicy(**{name: value})


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: PasswordAuth("", "secret"), "user name must not be empty"),
        (lambda: PasswordAuth(5, "secret"), "user name must be a string, got int"),  # type: ignore[arg-type]
        (lambda: PasswordAuth("ada", ""), "password must not be empty"),
        (lambda: PasswordAuth("ada", b"hunter2"), "password must be a string, got bytes"),  # type: ignore[arg-type]
        (lambda: PasswordAuth("ada", 47110815), "password must be a string, got int"),  # type: ignore[arg-type]
        (lambda: PasswordAuth("ada", "hunter2\ud800"), "password must not contain lone surrogates"),
        (lambda: StaticToken(None), "token must be a string or a UUID, got NoneType"),  # type: ignore[arg-type]
        (lambda: AccessToken("t", pd.NaT), "expires_at is NaT"),  # type: ignore[arg-type]
        (lambda: AccessToken("t", datetime(2026, 1, 31)), "expires_at must be a datetime with a zone"),  # noqa: DTZ001
        (lambda: AccessToken("t", 3600), "expires_at must be .* got 3600"),  # type: ignore[arg-type]
        (lambda: NexportCampus("token"), "auth must be .* got str"),  # type: ignore[arg-type]
        (lambda: NexportCampus(StaticToken), "auth must be .* got type"),  # type: ignore[arg-type]
    ],
)
def test_the_message_about_credentials(make: Callable[[], object], words: str) -> None:
    """The message says what is wrong, and shows neither password nor token."""
    with pytest.raises(ConfigurationError, match=words) as caught:
        make()
    assert "hunter2" not in str(caught.value)
    assert "47110815" not in str(caught.value)


async def test_credentials_of_any_class_of_string() -> None:
    """User name and password may be numpy strings or enum members: their characters are sent."""
    login = json_response({"access_token": TOKEN, "token_type": "bearer"} | error_entity())
    account = PasswordAuth(np.str_("ada"), Account.PASSWORD)
    async with campus_with(login, GOOD, auth=account) as (campus, server):
        await campus.learning.get_section(syllabus_id=SOME_ID)
    assert (server.requests[0].json["username"], server.requests[0].json["password"]) == ("ada", "hunter2")


class Account(StrEnum):
    PASSWORD = "hunter2"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("verify", "/no/such/file.pem", "no file '/no/such/file.pem'"),
        ("verify", None, "verify must be .* got None"),
        ("proxy", "http://ada:hunter2@proxy:99999", "proxy's address has port 99999"),
        ("proxy", 5, "proxy's address is not valid"),
        ("keepalive_seconds", -1, "keepalive_seconds must not be negative, got -1"),
        ("keepalive_seconds", "15", "keepalive_seconds must be a number of seconds, got str"),
    ],
)
def test_the_message_about_an_aiohttp_transport(name: str, value: Any, words: str) -> None:
    """Its settings are checked like the client's."""
    with pytest.raises(ConfigurationError, match=words) as caught:
        AiohttpTransport(**{name: value})
    assert "hunter2" not in str(caught.value)


def test_numbers_of_other_libraries() -> None:
    """Numpy's numbers and decimals are accepted like Python's own."""
    policy: Any = RetryPolicy(
        max_attempts=np.int64(3),  # type: ignore[arg-type]  # numpy's integers are tested
        initial_delay=Decimal("0.5"),  # type: ignore[arg-type]
        max_delay=np.float32(2),  # type: ignore[arg-type]
        total_timeout=Fraction(30),  # type: ignore[arg-type]
    )
    assert policy == RetryPolicy(max_attempts=3, initial_delay=0.5, max_delay=2.0, total_timeout=30.0)
    assert {type(value) for value in attrs.astuple(policy)} == {int, float}
    NexportCampus(StaticToken("token"), timeout=np.int16(5), rate_limit=Decimal(2), retry=policy)  # type: ignore[arg-type]


def test_a_number_beyond_every_float() -> None:
    """A fraction that no float can hold is refused like infinity."""
    with pytest.raises(ConfigurationError, match="max_delay"):
        RetryPolicy(max_delay=Fraction(10**400))  # type: ignore[arg-type]


def test_a_path_of_certificates(tmp_path: Path) -> None:
    """A certificate file is accepted as a string or a Path, and read once: views don't need it any more."""
    bundle = tmp_path / "campus.pem"
    trustme.CA().cert_pem.write_to_path(str(bundle))
    campus = NexportCampus(StaticToken("token"), verify=bundle)
    NexportCampus(StaticToken("token"), verify=str(bundle))
    bundle.unlink()
    campus.with_options(timeout=5)


def test_a_directory_of_certificates(tmp_path: Path) -> None:
    """A directory is accepted if OpenSSL's hashed names are in it."""
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "0a1b2c3d.0"))
    NexportCampus(StaticToken("token"), verify=tmp_path)


class AsyncCallback:
    """An object that is called like an async function."""

    async def __call__(self, drift: Drift) -> None:
        """Do nothing."""

    async def method(self, drift: Drift) -> None:
        """Do nothing."""


async def note_later(level: int, drift: Drift) -> None:
    """Do nothing."""


async def note_in_parts(drift: Drift) -> AsyncIterator[None]:
    """Do nothing."""
    yield


@pytest.mark.parametrize(
    "callback",
    [
        AsyncCallback(),
        AsyncCallback().method,
        partial(note_later, 5),
        partial(AsyncCallback()),
        partial(partial(note_later), 5),
        note_in_parts,
        AsyncMock(),
    ],
)
def test_an_async_callback_is_refused(callback: Any) -> None:
    """Nothing would await it; the message says what to do instead."""
    campus = NexportCampus(StaticToken("token"))
    for make in (partial(NexportCampus, StaticToken("token")), campus.with_options):
        with pytest.raises(ConfigurationError, match=r"on_drift is async.*asyncio\.create_task"):
            make(on_drift=callback)


async def test_a_callback_that_returns_a_coroutine(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and leaves no coroutine for the garbage collector to warn about."""
    drifted = example_response("LearningApi_GetSection") | {"new": 1}
    async with campus_with(json_response(drifted), on_drift=lambda drift: note_later(5, drift)) as (
        campus,
        _,
    ):
        await campus.learning.get_section(syllabus_id=SOME_ID)
    assert "on_drift returned a coroutine" in caplog.text


@given(st.text() | st.text().map(lambda text: f"https://{text}"))
def test_any_url(address: str) -> None:
    """Any string is either a valid URL or raises ConfigurationError."""
    try:
        NexportCampus(StaticToken("token"), base_url=address, allow_insecure_http=True)
    except ConfigurationError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017 -- both outcomes are correct


def test_a_proxy_with_a_transport() -> None:
    """It would have no effect, and the error says so."""
    with pytest.raises(ConfigurationError, match="pass the proxy to the transport"):
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
    """The environment names campus and account; arguments take precedence."""
    assert "campus.example" in repr(NexportCampus.from_env(ENVIRONMENT))
    assert "other.example" in repr(NexportCampus.from_env(ENVIRONMENT, base_url="https://other.example"))
    assert "www.nexportcampus.com" in repr(NexportCampus.from_env({"NEXPORT_ACCESS_TOKEN": "token"}))


def test_an_unknown_setting() -> None:
    """A misspelt setting is Python's own TypeError."""
    with pytest.raises(TypeError, match="timeuot"):
        NexportCampus.from_env(ENVIRONMENT, timeuot=3)  # type: ignore[call-arg]  # the misspelling is tested


def test_the_settings_that_a_type_checker_knows() -> None:
    """`ClientSettings` has every argument of the client except `auth`, with equal annotations."""
    arguments = inspect.signature(NexportCampus, eval_str=True).parameters
    expected = {name: argument.annotation for name, argument in arguments.items() if name != "auth"}
    assert get_type_hints(ClientSettings) == expected
    assert not ClientSettings.__required_keys__
    assert ClientSettings.__module__ == "nexport_campus"


def test_from_this_process_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an argument, `from_env` reads `os.environ`."""
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
    """The error names the variable that is missing or contradictory."""
    with pytest.raises(ConfigurationError, match=words) as caught:
        NexportCampus.from_env(environment)
    assert "hunter2" not in str(caught.value)


async def test_a_view_shares_connections_and_token() -> None:
    """A view with other settings uses the same connection and login; closing it closes nothing."""
    login = json_response(
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
    """Calling it, or a view of it, raises a NexportError; closing it again does nothing."""
    campus = NexportCampus(StaticToken("token"), base_url="http://127.0.0.1:9", retry=NO_RETRY)
    view = campus.with_options(timeout=1.0)
    await campus.aclose()
    await campus.aclose()
    for client in (campus, view):
        with pytest.raises(NexportError, match="closed"):
            await client.learning.get_section(syllabus_id=SOME_ID)
