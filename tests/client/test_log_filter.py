"""The filter on the loggers of httpx and httpcore: it removes secrets, and leaves the records of other programs whole."""

import logging
import threading
from collections import UserDict
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus import NexportCampus, StaticToken
from nexport_campus._auth.log_redaction import scrub_logs
from nexport_campus._auth.redaction import Scrubber
from nexport_client.types import Secret

TOKEN = "9f3c2b1a-7d4e-4c55-8a66-0123456789ab"
LOGGER = logging.getLogger("httpx")
Log = Callable[..., logging.LogRecord]


@pytest.fixture
def log() -> Iterator[Log]:
    """Passes a message and its arguments through the filters of httpx' logger, while a client with a token exists."""
    campus = NexportCampus(StaticToken(TOKEN))
    scrubber = Scrubber()
    scrubber.keep("token", Secret(TOKEN))
    scrub_logs(scrubber)
    yield filtered
    del campus


def filtered(message: object, *arguments: Any) -> logging.LogRecord:
    """The record of a log call, as handlers get it."""
    record = LOGGER.makeRecord("httpx", logging.INFO, "file", 1, message, arguments, None)
    assert LOGGER.filter(record)
    return record


class Raising:
    """An object that can't be shown."""

    def __str__(self) -> str:
        raise ZeroDivisionError

    __repr__ = __str__


class Talking:
    """An object whose repr has the token."""

    def __repr__(self) -> str:
        return f"<talking {TOKEN}>"


ODD: list[tuple[object, tuple[Any, ...]]] = [
    ("%s %s", ("one",)),
    ("no place", ("one", 2)),
    ("%d", ("text",)),
    ("100%", ("one",)),
    ("%s", (Raising(),)),
    (Raising(), ()),
    ("%(a)s %(b)s", ({"a": 1},)),
    ("%(a)s", (UserDict(a=1),)),
    ("%s", (None,)),
    ("%c", ("",)),
    (None, ()),
    (b"bytes %s", (1,)),
    (["a", "list"], ()),
]


@pytest.mark.parametrize(("message", "arguments"), ODD)
def test_odd_records_pass_untouched(message: object, arguments: tuple[Any, ...], log: Log) -> None:
    """A record that can't be formatted, or holds what can't be shown, reaches its handlers as it was made."""
    record = log(message, *arguments)
    expected = arguments[0] if arguments and isinstance(arguments[0], dict | UserDict) else arguments
    assert record.msg is message
    assert record.args == expected


@given(
    message=st.text(alphabet="%sdrfx()ab {}*.5", max_size=20),
    arguments=st.lists(
        st.one_of(st.none(), st.integers(), st.floats(), st.text(), st.binary(), st.builds(Raising)),
        max_size=4,
    ),
)
def test_a_record_without_secrets_is_left_alone(message: str, arguments: list[Any]) -> None:
    """Whatever is logged, nothing is raised, and message and arguments are the very objects that were given."""
    scrubber = Scrubber()
    scrubber.keep("token", Secret(TOKEN))
    scrub_logs(scrubber)
    record = filtered(message, *arguments)
    assert record.msg is message
    assert isinstance(record.args, tuple)
    assert all(kept is given for kept, given in zip(record.args, arguments, strict=True))


def test_arguments_keep_their_number_and_order(log: Log) -> None:
    """A filter or handler that unpacks the arguments of httpx' own line still can: URL first among them."""
    url = httpx.URL(f"https://example.com/path?access_token={TOKEN}")
    record = log('HTTP Request: %s %s "%s %d %s"', "GET", url, "HTTP/1.1", 200, "OK")
    assert isinstance(record.args, tuple)
    method, shown, *rest = record.args
    assert (method, rest) == ("GET", ["HTTP/1.1", 200, "OK"])
    assert isinstance(shown, httpx.URL)
    assert shown.path == "/path"
    assert TOKEN not in record.getMessage() + repr(record.args)


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("token %s", (TOKEN,)),
        (f"token {TOKEN}", ()),
        (f"token {TOKEN} %s", ("x",)),
        ("token %r", (Talking(),)),
        ("token %s and %s", (Talking(), 5)),
        ("token %(token)s", ({"token": TOKEN, "other": 5},)),
        ("token %(token)s", (UserDict(token=TOKEN),)),
        ("token %s", (TOKEN.encode(),)),
        ("token %s", ([TOKEN],)),
        ("token %s", (TOKEN.upper(),)),
        ("token %s-%s", (TOKEN[:18], TOKEN[19:])),
        (Talking(), ()),
        ("token %s %s", (TOKEN,)),
        ("token %d", (TOKEN,)),
        (f"token {TOKEN} %s %s", (TOKEN,)),
    ],
    ids=str,
)
def test_secrets_are_removed(message: object, arguments: tuple[Any, ...], log: Log) -> None:
    """In the message, an argument, a mapping, an object's text, or put together from two; in broken records too."""
    record = log(message, *arguments)
    shown = repr(record.msg) + repr(record.args)
    try:
        shown += record.getMessage()
    except TypeError:
        assert message in ("token %s %s", "token %d", f"token {TOKEN} %s %s")
    assert TOKEN not in shown.lower()


def test_the_other_arguments_of_a_record_with_a_secret_stay(log: Log) -> None:
    """Only what has the secret is replaced."""
    other = object()
    first = log("%s %s", TOKEN, other).args
    second = log("%(token)s %(other)s", {"token": TOKEN, "other": other}).args
    assert isinstance(first, tuple)
    assert first == ("***", other)
    assert second == {"token": "***", "other": other}


def test_a_password_that_is_a_word_of_the_message(log: Log) -> None:
    """Placeholders stay whole, and with them the arguments, where the secret is only in the message's own words."""
    scrubber = Scrubber()
    scrubber.keep("password", Secret("user"))
    scrub_logs(scrubber)
    record = log("%(user)s logs in", {"user": TOKEN})
    assert record.args == {"user": "***"}
    assert record.getMessage().startswith("*** ")
    assert "user" not in log("the user %s", 5).getMessage()


def test_log_calls_of_other_threads_while_secrets_change() -> None:
    """Records are cleaned of what is known at that moment, while clients come, learn tokens and go."""
    stop = threading.Event()
    failures: list[BaseException] = []
    scrubber = Scrubber()
    scrubber.keep("token", Secret(TOKEN))
    scrub_logs(scrubber)

    def log() -> None:
        while not stop.is_set():
            try:
                assert TOKEN not in filtered("token %s", TOKEN).getMessage()
            except BaseException as failure:  # noqa: BLE001 -- the test raises it
                failures.append(failure)
                return

    threads = [threading.Thread(target=log) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(300):
        another = Scrubber()
        scrub_logs(another)
        another.add([Secret(f"{number:08}-another")])
        scrubber.add([Secret(f"{number:08}-secret")])
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_secret_that_was_learned_last_is_removed() -> None:
    """The pattern is never older than the secrets."""
    scrubber = Scrubber()
    for number in range(5):
        token = f"token-number-{number}"
        scrubber.keep("token", Secret(token))
        assert scrubber.text(f"it is {token}.") == "it is ***."


def test_a_client_that_is_gone_scrubs_nothing(log: Log) -> None:
    """The secrets of a client live as long as the client."""
    scrubber = Scrubber()
    scrubber.keep("token", Secret("violet-harbour-lantern"))
    scrub_logs(scrubber)
    assert log("violet-harbour-lantern").getMessage() == "***"
    del scrubber
    assert log("violet-harbour-lantern").getMessage() == "violet-harbour-lantern"
