"""The filter on httpx' and httpcore's loggers: it removes secrets and leaves other programs' records unchanged."""

import logging
import re
import threading
import weakref
from collections import UserDict
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpcore
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
    """Return a function that logs through the filters of httpx' logger, while a client with a token exists."""
    campus = NexportCampus(StaticToken(TOKEN))
    scrubber = Scrubber()
    scrubber.keep("token", Secret(TOKEN))
    scrub_logs(scrubber)
    yield filtered
    del campus


def filtered(message: object, *arguments: Any) -> logging.LogRecord:
    """Return the record of a log call, as handlers get it."""
    record = LOGGER.makeRecord("httpx", logging.INFO, "file", 1, message, arguments, None)
    assert LOGGER.filter(record)
    return record


class Unprintable:
    """An object that can't be converted to a string."""

    def __str__(self) -> str:
        raise ZeroDivisionError

    __repr__ = __str__


class Leaking:
    """An object whose repr contains the token."""

    def __repr__(self) -> str:
        return f"<leaking {TOKEN}>"


ODD: list[tuple[object, tuple[Any, ...]]] = [
    ("%s %s", ("one",)),
    ("no place", ("one", 2)),
    ("%d", ("string",)),
    ("100%", ("one",)),
    ("%s", (Unprintable(),)),
    (Unprintable(), ()),
    ("%(a)s %(b)s", ({"a": 1},)),
    ("%(a)s", (UserDict(a=1),)),
    ("%s", (None,)),
    ("%c", ("",)),
    (None, ()),
    (b"bytes %s", (1,)),
    (["a", "list"], ()),
]


@pytest.mark.parametrize(("message", "arguments"), ODD)
def test_malformed_records_pass_unchanged(message: object, arguments: tuple[Any, ...], log: Log) -> None:
    """A record that can't be formatted or displayed reaches its handlers unchanged."""
    record = log(message, *arguments)
    expected = arguments[0] if arguments and isinstance(arguments[0], dict | UserDict) else arguments
    assert record.msg is message
    assert record.args == expected


@given(
    message=st.text(alphabet="%sdrfx()ab {}*.5", max_size=20),
    arguments=st.lists(
        st.one_of(st.none(), st.integers(), st.floats(), st.text(), st.binary(), st.builds(Unprintable)),
        max_size=4,
    ),
)
def test_a_record_without_secrets_is_unchanged(message: str, arguments: list[Any]) -> None:
    """Logging never raises, and message and arguments stay the same objects."""
    scrubber = Scrubber()
    scrubber.keep("token", Secret(TOKEN))
    scrub_logs(scrubber)
    record = filtered(message, *arguments)
    assert record.msg is message
    assert isinstance(record.args, tuple)
    assert all(kept is given for kept, given in zip(record.args, arguments, strict=True))


def test_arguments_keep_their_number_and_order(log: Log) -> None:
    """A filter or handler that unpacks the arguments of httpx' own log line finds the URL where it was."""
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
        ("token %r", (Leaking(),)),
        ("token %s and %s", (Leaking(), 5)),
        ("token %(token)s", ({"token": TOKEN, "other": 5},)),
        ("token %(token)s", (UserDict(token=TOKEN),)),
        ("token %s", (TOKEN.encode(),)),
        ("token %s", ([TOKEN],)),
        ("token %s", (TOKEN.upper(),)),
        ("token %s-%s", (TOKEN[:18], TOKEN[19:])),
        (Leaking(), ()),
        ("token %s %s", (TOKEN,)),
        ("token %d", (TOKEN,)),
        (f"token {TOKEN} %s %s", (TOKEN,)),
    ],
    ids=str,
)
def test_secrets_are_removed(message: object, arguments: tuple[Any, ...], log: Log) -> None:
    """Secrets are removed from message, arguments, mappings and reprs, or if split; in malformed records too."""
    record = log(message, *arguments)
    shown = repr(record.msg) + repr(record.args)
    try:
        shown += record.getMessage()
    except TypeError:
        assert message in ("token %s %s", "token %d", f"token {TOKEN} %s %s")
    assert TOKEN not in shown.lower()


def find_loggers() -> list[str]:
    """Return the names of all loggers in the source of httpx and httpcore."""
    folders = [Path(found) for package in (httpx, httpcore) for found in package.__path__]
    sources = [path.read_text("utf-8") for folder in folders for path in folder.rglob("*.py")]
    return sorted({name for source in sources for name in re.findall(r'getLogger\("(.+?)"\)', source)})


@pytest.mark.parametrize("name", find_loggers())
def test_every_logger_of_the_http_libraries_is_filtered(name: str, log: Log) -> None:
    """Each of them has the filter, also those of protocols that a client itself doesn't use."""
    logger = logging.getLogger(name)
    record = logger.makeRecord(name, logging.DEBUG, "file", 1, "token %s", (TOKEN,), None)
    assert logger.filter(record)
    assert record.getMessage() == "token ***"


def test_the_loggers_that_are_found() -> None:
    """The search finds the loggers of both packages."""
    assert {"httpx", "httpcore.http11", "httpcore.http2"} <= set(find_loggers())


def test_arguments_without_secrets_are_kept(log: Log) -> None:
    """Only arguments with a secret are replaced."""
    other = object()
    first = log("%s %s", TOKEN, other).args
    second = log("%(token)s %(other)s", {"token": TOKEN, "other": other}).args
    assert isinstance(first, tuple)
    assert first == ("***", other)
    assert second == {"token": "***", "other": other}


def test_a_password_that_occurs_in_the_message(log: Log) -> None:
    """If the secret occurs only in the message's own words, placeholders and arguments are kept."""
    scrubber = Scrubber()
    scrubber.keep("password", Secret("user"))
    scrub_logs(scrubber)
    record = log("%(user)s logs in", {"user": TOKEN})
    assert record.args == {"user": "***"}
    assert record.getMessage().startswith("*** ")
    assert "user" not in log("the user %s", 5).getMessage()


def test_log_calls_of_other_threads_while_secrets_change() -> None:
    """Records are redacted while clients come and go and learn tokens."""
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


def test_clients_that_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """If two threads make a client each at the same time, the secrets of both are removed."""
    first, second = Scrubber(), Scrubber()
    first.keep("token", Secret("violet-harbour"))
    second.keep("token", Secret("amber-lantern"))
    other = threading.Thread(target=scrub_logs, args=[second])

    def interrupt(scrubber: Scrubber) -> "weakref.ref[Scrubber]":
        if scrubber is first:
            other.start()
            other.join(0.05)  # which it may spend waiting for this thread
        return weakref.ref(scrubber)

    monkeypatch.setattr("nexport_campus._auth.log_redaction.weakref", SimpleNamespace(ref=interrupt))
    scrub_logs(first)
    other.join()
    assert filtered("violet-harbour amber-lantern").getMessage() == "*** ***"


def test_the_newest_secret_is_removed() -> None:
    """The pattern always includes the newest secret."""
    scrubber = Scrubber()
    for number in range(5):
        token = f"token-number-{number}"
        scrubber.keep("token", Secret(token))
        assert scrubber.scrub(f"it is {token}.") == "it is ***."


def test_a_deleted_client_redacts_nothing(log: Log) -> None:
    """A client's secrets are forgotten with the client."""
    scrubber = Scrubber()
    scrubber.keep("token", Secret("violet-harbour-lantern"))
    scrub_logs(scrubber)
    assert log("violet-harbour-lantern").getMessage() == "***"
    del scrubber
    assert log("violet-harbour-lantern").getMessage() == "violet-harbour-lantern"
