"""The server process: lifetime, settings, and operations that the sandbox doesn't model."""

import asyncio
import contextlib
import http.client
import inspect
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.parse
import uuid
from pathlib import Path

import httpx
import pytest

from nexport_campus import NexportCampus, PasswordAuth
from nexport_campus.sandbox import Samples, Sandbox, SandboxError
from nexport_campus.sandbox.sandbox_settings import DEFAULTS
from tests.sandbox.http_api import HttpApi


def is_running(url: str) -> bool:
    """Return whether a server responds at the address."""
    address = urllib.parse.urlsplit(url)
    with contextlib.closing(
        http.client.HTTPConnection(address.hostname or "", address.port, timeout=5)
    ) as connection:
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == 404
        except OSError:
            return False


async def test_the_server_stops_with_the_block() -> None:
    """The server runs only inside the block; entering again starts a new server."""
    sandbox = Sandbox(enrollments=500)
    for _ in range(2):
        async with sandbox:
            url = sandbox.url
            assert await asyncio.to_thread(is_running, url)
        assert not await asyncio.to_thread(is_running, url)


async def test_a_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its extra the sandbox names what to install."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "uvicorn" else name)
    with pytest.raises(
        SandboxError, match=r'^nexport_campus\.sandbox needs: pip install "nexport-campus\[sandbox\]"$'
    ):
        async with Sandbox():
            pytest.fail("it started")


async def test_a_sandbox_that_is_not_running() -> None:
    """Outside the block `url` raises, and a running sandbox can't be entered again."""
    sandbox = Sandbox(enrollments=500)
    with pytest.raises(SandboxError):
        _ = sandbox.url
    async with sandbox:
        with pytest.raises(SandboxError):
            await sandbox.__aenter__()


def test_the_server_stops_with_its_parent() -> None:
    """Killing the parent process stops the server."""
    program = (
        "import asyncio\nfrom nexport_campus.sandbox import Sandbox\n"
        "async def main():\n    async with Sandbox(enrollments=500) as sandbox:\n"
        "        print(sandbox.url, flush=True)\n        await asyncio.sleep(600)\nasyncio.run(main())\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment
    ) as parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        address = urllib.parse.urlsplit(url)
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as connection:
            assert is_running(url)
            parent.kill()
            # The server closes its connections when it stops.
            assert connection.recv(1) == b""


def test_the_defaults_of_a_sandbox() -> None:
    """`Sandbox` has the defaults of its settings, which the command line has too."""
    parameters = inspect.signature(Sandbox).parameters
    assert {name: each.default for name, each in parameters.items()} == {
        name: value for name, value in DEFAULTS.items() if name != "control_key"
    }


async def test_the_control_routes_need_the_key(sandbox: Sandbox) -> None:
    """Without the sandbox's random key, they don't exist, whatever is sent in its place."""
    async with httpx.AsyncClient(base_url=sandbox.url) as client:
        for key in (b"", b"wrong", "sch\u00f6n".encode("latin-1")):
            response = await client.post("/sandbox/books", json={"since": 0}, headers={b"X-Sandbox-Key": key})
            assert response.status_code == 404


def test_serving_in_the_foreground() -> None:
    """`python -m nexport_campus.sandbox` prints its address and credentials, and ends when interrupted."""
    command = [
        sys.executable,
        "-m",
        "nexport_campus.sandbox",
        "--port",
        "0",
        "--seed",
        "9",
        "--enrollments",
        "500",
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        printed = dict(server.stdout.readline().split() for _ in range(3))
        body = {"username": printed["username"], "password": printed["password"], "grant_type": "password"}
        with httpx.Client(base_url=printed["url"]) as client:
            token = client.post("/api/v1/AdminApi/Authenticate", json=body).json()["access_token"]
            client.get("/api/v1/LearningApi/GetCatalog", params={"access_token": token, "catalog_id": "x"})
            assert (
                client.post("/sandbox/books", json={"since": 0}, headers={"X-Sandbox-Key": ""}).status_code
                == 404
            )
        server.send_signal(signal.SIGINT)
        rest = server.stdout.read() + server.stderr.read()
    assert token not in rest
    assert rest == ""


def test_invalid_settings_in_the_foreground() -> None:
    """An invalid setting ends the command with a message on one line."""
    command = [sys.executable, "-m", "nexport_campus.sandbox", "--enrollments", "3"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    completed = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert completed.returncode == 2
    assert re.fullmatch(r"nexport-sandbox: enrollments: .*\n", completed.stderr)


def test_reprs_hide_secrets() -> None:
    """Neither a sandbox nor an account shows a password."""
    sandbox = Sandbox(seed=7)
    shown = repr(sandbox) + repr(sandbox.accounts) + repr(vars(sandbox))
    assert sandbox.password not in shown
    assert repr(sandbox) == "<Sandbox not running>"


@pytest.mark.parametrize(
    "settings",
    [{"enrollments": 499}, {"enrollments": 10**9}, {"token_lifetime": 0}, {"refused_token_status": 418}],
    ids=str,
)
def test_invalid_settings_are_refused_before_the_start(settings: dict[str, int]) -> None:
    """An invalid setting raises ValueError before anything starts."""
    with pytest.raises(ValueError, match=next(iter(settings))):
        Sandbox(**settings)  # type: ignore[arg-type]  # parametrized


async def test_a_port_that_is_taken(server: Sandbox) -> None:
    """A port that is in use raises SandboxError."""
    port = urllib.parse.urlsplit(server.url).port
    with pytest.raises(SandboxError):
        async with Sandbox(enrollments=500, port=port or 0):
            pytest.fail("two servers share a port")


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


IPV6 = pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6")


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("host", "reached"),
    [
        ("0.0.0.0", "http://127.0.0.1:"),
        ("", "http://127.0.0.1:"),
        ("localhost", "http://127.0.0.1:"),
        pytest.param("::", "http://[::1]:", marks=IPV6),
        pytest.param("::1", "http://[::1]:", marks=IPV6),
    ],
)
async def test_the_address_works(host: str, reached: str) -> None:
    """`url` is an address that a client can use, also if the sandbox listens on all; IPv6 has brackets."""
    async with Sandbox(enrollments=500, host=host) as sandbox:
        assert sandbox.url.startswith(reached)
        auth = PasswordAuth(sandbox.username, sandbox.password)
        async with NexportCampus(auth, base_url=sandbox.url) as campus:
            response = await campus.request("GET", "/api/v1/AdminApi/ValidateAccessToken")
            assert response.parsed["utc_expiration_date"]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("status", [200, 401])
async def test_the_status_of_a_refused_token(status: int) -> None:
    """The status of a refused token can be set; its error code is always 4."""
    async with (
        Sandbox(enrollments=500, refused_token_status=status) as sandbox,  # type: ignore[arg-type]  # parametrized
        httpx.AsyncClient(base_url=sandbox.url) as client,
    ):
        assert await HttpApi(client).refusal("LearningApi_GetSection") == (status, 4)


async def test_the_lifetime_of_tokens() -> None:
    """The lifetime of tokens can be set, in seconds."""
    async with (
        Sandbox(enrollments=500, token_lifetime=60) as sandbox,
        httpx.AsyncClient(base_url=sandbox.url) as client,
    ):
        api = await HttpApi(client).log_in(sandbox.accounts["administrator"])
        assert await api.refusal("LearningApi_GetSection") == (422, 2)
        await sandbox.advance(61)
        assert await api.refusal("LearningApi_GetSection") == (403, 4)


async def test_a_database_file(tmp_path: Path) -> None:
    """The next server continues the campus in a database file; another seed, or another file, is refused."""
    database = tmp_path / "campus.sqlite"
    async with Sandbox(enrollments=500, database=database) as sandbox:
        samples = await sandbox.samples()
        async with httpx.AsyncClient(base_url=sandbox.url) as client:
            api = await HttpApi(client).log_in(sandbox.accounts["administrator"])
            await api.get("LearningApi_DeleteEnrollment", enrollment_id=samples.finished_enrollment_id)
        with pytest.raises(ValueError, match="memory"):
            await sandbox.reset()
    async with (
        Sandbox(enrollments=500, database=database) as sandbox,
        httpx.AsyncClient(base_url=sandbox.url) as client,
    ):
        api = await HttpApi(client).log_in(sandbox.accounts["administrator"])
        body = {"user_ids": [samples.finished_user_id], "enrollment_ids": [samples.finished_enrollment_id]}
        assert (await api.get("LearningApi_SearchEnrollments", body))["total_count"] == 0
    (tmp_path / "letter.txt").write_text(
        "no campus at all, but a letter that is long enough to be a database"
    )
    with pytest.raises(SandboxError, match="not a database"):
        async with Sandbox(database=tmp_path / "letter.txt"):
            pytest.fail("a campus in a letter")
    with pytest.raises(SandboxError, match="another campus"):
        async with Sandbox(seed=8, enrollments=500, database=database):
            pytest.fail("two campuses share a file")


async def test_operations_that_are_not_modeled(anyone: HttpApi) -> None:
    """Operations of areas without a page respond with 501 and a message; unknown operations are 404."""
    for operation in (
        "AdminApi_CreateUser",
        "AssessmentApi_Anything",
        "PointOfSaleApi_GetInvoiceItem",
    ):
        response = await anyone.call(operation)
        assert response.status_code == 501
        assert "does not model" in response.json()["message"]
    for operation in ("LearningApi_GetNothing", "NoApi_GetNothing"):
        assert (await anyone.call(operation)).status_code == 404


async def test_other_methods_are_refused(api: HttpApi) -> None:
    """An operation accepts only its own HTTP method."""
    assert (await api.call("LearningApi_GetSection", {})).status_code == 405
    assert (await api.call("LearningApi_GetSections")).status_code == 405


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"", "application/json"),
        (b"[]", "application/json"),
        (b"{", "text/json"),
        (b"\xff", "text/json"),
        (b"{}", "text/plain"),
    ],
)
async def test_bodies_that_are_not_objects(api: HttpApi, content: bytes, content_type: str) -> None:
    """A body must be a JSON object, sent as application/json or text/json."""
    path = f"/api/v1/LearningApi/GetSections?access_token={api.token}"
    response = await api.client.post(path, content=content, headers={"Content-Type": content_type})
    assert response.status_code == 422
    assert response.json()["api_error_entity"]["error_code"] == 2


async def test_malformed_arguments_are_refused_first(api: HttpApi) -> None:
    """Every argument is read before anything is looked up: the response is 422, although the ids are unknown too."""
    nothing = str(uuid.uuid4())
    body = {"org_id": nothing, "user_id": nothing, "syllabus_id": nothing, "membership_group_ids": [{}]}
    for operation, sent, query in (
        ("LearningApi_GetAssignments", None, {"section_id": nothing, "page": "y"}),
        ("LearningApi_GetTestAttempts", None, {"enrollment_id": nothing, "assignment_id": "x"}),
        ("LearningApi_CreateEnrollment", body, {}),
    ):
        assert await api.refusal(operation, sent, **query) == (422, 2)


async def test_responses_are_utf8_json(api: HttpApi, samples: Samples) -> None:
    """Responses, refusals included, declare UTF-8 JSON."""
    for query in ({"syllabus_id": samples.section_id}, {}):
        response = await api.call("LearningApi_GetSection", **query)
        assert response.headers["content-type"] == "application/json; charset=utf-8"


async def test_dates_look_like_those_of_aspnet(api: HttpApi, samples: Samples) -> None:
    """Dates have up to seven fractional digits, without trailing zeros, and Z or an offset."""
    body = {"org_ids": [samples.org_id]}
    found = (await api.get("LearningApi_SearchEnrollments", body, per_page=1000))["enrollments"]
    dates = [value for each in found for name, value in each.items() if name.endswith("_date")]
    pattern = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,6}[1-9])?(Z|\+00:00)")
    assert all(pattern.fullmatch(date) for date in dates)
    assert {len(date.partition(".")[2].rstrip("Z").removesuffix("+00:00")) for date in dates} >= {0, 3, 7}


def count_nulls(value: object) -> int:
    """Return the number of nulls in a JSON value."""
    if isinstance(value, dict):
        return sum(map(count_nulls, value.values()))
    if isinstance(value, list):
        return sum(map(count_nulls, value))
    return int(value is None)


async def test_a_strict_sandbox_sends_no_nulls(server: Sandbox) -> None:
    """Where the page requires a value, a strict sandbox sends .NET's default instead of null."""
    samples = await server.samples()
    async with Sandbox(seed=7, strict=True) as sandbox, httpx.AsyncClient(base_url=sandbox.url) as client:
        api = await HttpApi(client).log_in(sandbox.accounts["administrator"])
        query = {"syllabus_id": samples.popular_section_id, "org_id": samples.root_org_id, "per_page": 1000}
        found = await api.get("LearningApi_GetSectionEnrollments", **query)
        section = await api.get("LearningApi_GetSection", syllabus_id=samples.section_id)
        values = await api.get(
            "LearningApi_GetCustomEnrollmentFieldValues", enrollment_id=samples.finished_enrollment_id
        )
    assert count_nulls([found, section, values]) == 0
    assert section["enrollment_end"] == "0001-01-01T00:00:00Z"
    assert {"completion_date" in each for each in found} == {True, False}


async def test_the_clock_can_not_go_back(sandbox: Sandbox) -> None:
    """A negative advance raises ValueError."""
    with pytest.raises(ValueError, match="seconds"):
        await sandbox.advance(-1)
