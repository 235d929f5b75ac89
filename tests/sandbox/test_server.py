"""The server process: its life, its settings, what it doesn't model."""

import asyncio
import contextlib
import http.client
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
from tests.sandbox.http_api import HttpApi


def alive(url: str) -> bool:
    """Whether something answers at the address."""
    address = urllib.parse.urlsplit(url)
    with contextlib.closing(
        http.client.HTTPConnection(address.hostname or "", address.port, timeout=5)
    ) as connection:
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == 404
        except OSError:
            return False


async def test_it_ends_with_the_block() -> None:
    """The server answers inside the block, and not after it; a second start is another server."""
    sandbox = Sandbox(enrollments=500)
    for _ in range(2):
        async with sandbox:
            url = sandbox.url
            assert await asyncio.to_thread(alive, url)
        assert not await asyncio.to_thread(alive, url)


async def test_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its extra the sandbox says what to install."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "uvicorn" else name)
    with pytest.raises(SandboxError, match=r"needs uvicorn: pip install 'nexport-campus\[sandbox\]'"):
        async with Sandbox():
            pytest.fail("it started")


async def test_a_sandbox_that_does_not_run() -> None:
    """Outside the block there is no address; a sandbox can't run twice at once."""
    sandbox = Sandbox(enrollments=500)
    with pytest.raises(SandboxError):
        _ = sandbox.url
    async with sandbox:
        with pytest.raises(SandboxError):
            await sandbox.__aenter__()


def test_it_ends_with_its_parent() -> None:
    """A parent that is killed takes the server along."""
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
            assert alive(url)
            parent.kill()
            # The server closes its connections as it ends.
            assert connection.recv(1) == b""


def test_it_serves_in_the_foreground() -> None:
    """`python -m nexport_campus.sandbox` prints where it is and who may log in, and ends when interrupted."""
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
        told = dict(server.stdout.readline().split() for _ in range(3))
        body = {"username": told["username"], "password": told["password"], "grant_type": "password"}
        with httpx.Client(base_url=told["url"]) as client:
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


def test_settings_that_can_not_work_in_the_foreground() -> None:
    """A wrong setting ends the command with a line that says so."""
    command = [sys.executable, "-m", "nexport_campus.sandbox", "--enrollments", "3"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ended = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert ended.returncode == 2
    assert re.fullmatch(r"nexport-sandbox: enrollments: .*\n", ended.stderr)


def test_secrets_stay_out_of_reprs() -> None:
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
def test_settings_that_can_not_work(settings: dict[str, int]) -> None:
    """A setting that can't work is a ValueError before anything starts."""
    with pytest.raises(ValueError, match=next(iter(settings))):
        Sandbox(**settings)  # type: ignore[arg-type]  # parametrized


async def test_a_port_that_is_taken(server: Sandbox) -> None:
    """A port that can't be had is a SandboxError."""
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
    """A sandbox that listens on every address of the machine gives one that a client can use, IPv6 in brackets."""
    async with Sandbox(enrollments=500, host=host) as sandbox:
        assert sandbox.url.startswith(reached)
        auth = PasswordAuth(sandbox.username, sandbox.password)
        async with NexportCampus(auth, base_url=sandbox.url) as campus:
            assert (await campus.admin.validate_access_token()).utc_expiration_date


@pytest.mark.parametrize("status", [200, 401])
async def test_the_status_of_a_refused_token(status: int) -> None:
    """The status of a refused token can be chosen; its error code is 4 always."""
    async with (
        Sandbox(enrollments=500, refused_token_status=status) as sandbox,  # type: ignore[arg-type]  # parametrized
        httpx.AsyncClient(base_url=sandbox.url) as client,
    ):
        assert await HttpApi(client).refusal("LearningApi_GetSection") == (status, 4)


async def test_a_short_life_of_tokens() -> None:
    """The lifetime of tokens can be chosen, in seconds."""
    async with (
        Sandbox(enrollments=500, token_lifetime=60) as sandbox,
        httpx.AsyncClient(base_url=sandbox.url) as client,
    ):
        api = await HttpApi(client).log_in(sandbox.accounts["administrator"])
        assert await api.refusal("LearningApi_GetSection") == (422, 2)
        await sandbox.advance(61)
        assert await api.refusal("LearningApi_GetSection") == (403, 4)


async def test_a_campus_in_a_file(tmp_path: Path) -> None:
    """A campus in a file is continued by the next server, and refused to one of another seed."""
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


async def test_what_is_not_modelled(anyone: HttpApi) -> None:
    """Operations of the areas that the sandbox has no page of answer 501 and say so; nonsense is 404."""
    for operation in (
        "AdminApi_GetOrganizations",
        "AssessmentApi_GetTestAttempts",
        "PointOfSaleApi_Anything",
    ):
        answer = await anyone.call(operation)
        assert answer.status_code == 501
        assert "does not model" in answer.json()["message"]
    for operation in ("LearningApi_GetNothing", "NoApi_GetNothing"):
        assert (await anyone.call(operation)).status_code == 404


async def test_methods_that_an_operation_does_not_have(api: HttpApi) -> None:
    """An operation answers to its own HTTP method alone."""
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
async def test_bodies_that_are_no_objects(api: HttpApi, content: bytes, content_type: str) -> None:
    """A body has to be a JSON object, as application/json or text/json."""
    path = f"/api/v1/LearningApi/GetSections?access_token={api.token}"
    answer = await api.client.post(path, content=content, headers={"Content-Type": content_type})
    assert answer.status_code == 422
    assert answer.json()["api_error_entity"]["error_code"] == 2


async def test_what_is_malformed_is_refused_first(api: HttpApi) -> None:
    """Every argument is read before anything is looked up: 422, not 409, though the ids are unknown too."""
    nothing = str(uuid.uuid4())
    body = {"org_id": nothing, "user_id": nothing, "syllabus_id": nothing, "membership_group_ids": [{}]}
    for operation, sent, query in (
        ("LearningApi_GetAssignments", None, {"section_id": nothing, "page": "y"}),
        ("LearningApi_GetTestAttempts", None, {"enrollment_id": nothing, "assignment_id": "x"}),
        ("LearningApi_CreateEnrollment", body, {}),
    ):
        assert await api.refusal(operation, sent, **query) == (422, 2)


async def test_answers_are_aspnet_json(api: HttpApi, samples: Samples) -> None:
    """Answers say that they are UTF-8 JSON, refusals too."""
    for query in ({"syllabus_id": samples.section_id}, {}):
        answer = await api.call("LearningApi_GetSection", **query)
        assert answer.headers["content-type"] == "application/json; charset=utf-8"


async def test_dates_look_like_aspnets(api: HttpApi, samples: Samples) -> None:
    """Dates have up to seven fractional digits, without trailing zeros, and Z or an offset."""
    body = {"org_ids": [samples.org_id]}
    found = (await api.get("LearningApi_SearchEnrollments", body, per_page=1000))["enrollments"]
    dates = [value for each in found for name, value in each.items() if name.endswith("_date")]
    pattern = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,6}[1-9])?(Z|\+00:00)")
    assert all(pattern.fullmatch(date) for date in dates)
    assert {len(date.partition(".")[2].rstrip("Z").removesuffix("+00:00")) for date in dates} >= {0, 3, 7}


def nulls(value: object) -> int:
    """How many nulls there are in a JSON value."""
    if isinstance(value, dict):
        return sum(map(nulls, value.values()))
    if isinstance(value, list):
        return sum(map(nulls, value))
    return int(value is None)


async def test_a_strict_sandbox_sends_no_nulls(server: Sandbox) -> None:
    """Where the page requires a value, a strict sandbox sends .NET's unset one instead of null."""
    samples = await server.samples()
    async with Sandbox(seed=7, strict=True) as sandbox, httpx.AsyncClient(base_url=sandbox.url) as client:
        api = await HttpApi(client).log_in(sandbox.accounts["administrator"])
        query = {"syllabus_id": samples.popular_section_id, "org_id": samples.root_org_id, "per_page": 1000}
        found = await api.get("LearningApi_GetSectionEnrollments", **query)
        section = await api.get("LearningApi_GetSection", syllabus_id=samples.section_id)
        values = await api.get(
            "LearningApi_GetCustomEnrollmentFieldValues", enrollment_id=samples.finished_enrollment_id
        )
    assert nulls([found, section, values]) == 0
    assert section["enrollment_end"] == "0001-01-01T00:00:00Z"
    assert {"completion_date" in each for each in found} == {True, False}


async def test_the_clock_does_not_run_backwards(sandbox: Sandbox) -> None:
    """The clock can be moved ahead alone."""
    with pytest.raises(ValueError, match="seconds"):
        await sandbox.advance(-1)
