"""`nexport doctor`: what its checks find, and the advice they give."""

import asyncio
import json
import socket
import ssl
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import attrs
import pytest
import trustme

from nexport_campus._certificates import _create_default_context
from nexport_campus.cli.checks.permission_check import _needs_only_organization
from nexport_campus.sandbox import Samples, Sandbox
from nexport_client import OPERATIONS
from nexport_client.api.learning_api import learning_api_get_custom_enrollment_fields
from tests.cli.conftest import Nexport
from tests.support.clients import needs
from tests.support.proxy import Proxy
from tests.support.scripted_server import (
    TOKEN,
    Handler,
    Request,
    Response,
    ScriptedServer,
    error_entity,
    html_response,
    json_response,
    with_login,
)

CHECKS = ["settings", "reachability", "tls", "token", "permissions", "clock"]
ENV = {"NEXPORT_USERNAME": "api.user", "NEXPORT_PASSWORD": "correct-horse-battery-staple"}
Found = dict[str, dict[str, str]]


@pytest.fixture(autouse=True)
def no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the proxy and certificate variables from the environment."""
    names = (
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
        "ssl_cert_file",
        "ssl_cert_dir",
        "sslkeylogfile",
    )
    for name in names:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def doctor(nexport: Nexport) -> Callable[..., Awaitable[tuple[int, Found]]]:
    """Return a function that runs the doctor on an address and returns its exit code and its findings by check."""

    async def run(address: str, *words: str, **env: str) -> tuple[int, Found]:
        environment = (env or ENV) | {"NEXPORT_BASE_URL": address}
        done = await asyncio.to_thread(nexport, "doctor", "--json", *words, env=environment)
        findings = json.loads(done.stdout)
        assert [finding["check"] for finding in findings] == CHECKS
        for finding in findings:
            assert bool(finding["advice"]) or finding["status"] in ("ok", "skipped"), finding
        return done.exit_code, {finding["check"]: finding for finding in findings}

    return run


Doctor = Callable[..., Awaitable[tuple[int, Found]]]


def statuses(found: Found) -> list[str]:
    """Return the status of every check, in order."""
    return [found[check]["status"] for check in CHECKS]


def minimal_campus(**headers: str) -> Handler:
    """Return a campus that accepts every login, has no organization, and sends these headers."""

    async def respond(request: Request) -> Response:
        if request.operation_id == "AdminApi_ValidateAccessToken":
            return json_response(
                {"utc_expiration_date": "2027-01-01T00:00:00Z"} | error_entity(), headers=headers
            )
        if "/api/" not in request.path:
            return (
                html_response(ending="close", html="<html>")
                if not headers
                else json_response({}, headers=headers)
            )
        return json_response(error_entity(3, "Not found"), status=409, headers=headers)

    return with_login(respond)


def test_a_healthy_campus(nexport: Nexport, nexport_sandbox: Sandbox, account: dict[str, str]) -> None:
    """All six checks pass, and no request changes anything."""
    done = nexport("doctor")
    assert (done.exit_code, done.stderr) == (0, "")
    lines = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    assert [line[1] for line in lines] == CHECKS
    assert [line[0] for line in lines] == ["ok", "ok", "skipped", "ok", "ok", "ok"]
    assert account["NEXPORT_BASE_URL"] in lines[0][2]
    books = asyncio.run(_request_log(nexport_sandbox))
    assert not any(entry.changes for entry in books.entries if entry.operation != "AdminApi_Authenticate")


async def _request_log(sandbox: Sandbox) -> Any:
    return await sandbox.books()


@pytest.mark.parametrize(
    ("name", "status", "words", "operation"),
    [
        ("administrator", "ok", "may call", "learning.get_custom_enrollment_fields"),
        ("instructor", "warning", "but not", "learning.search_enrollments"),
    ],
)
def test_permissions_in_an_organization(
    nexport: Nexport,
    nexport_sandbox: Sandbox,
    samples: Samples,
    name: str,
    status: str,
    words: str,
    operation: str,
) -> None:
    """With an organization, the doctor lists which reads the account may call there and which it may not."""
    who = nexport_sandbox.accounts[name]
    env = {"NEXPORT_USERNAME": who.username, "NEXPORT_PASSWORD": who.password}
    done = nexport("doctor", "--json", "--org-id", samples.org_id, env=env)
    finding = json.loads(done.stdout)[CHECKS.index("permissions")]
    assert finding["status"] == status
    assert operation in finding["message"].partition(words)[2]
    assert done.exit_code == 0


def test_an_unknown_organization(nexport: Nexport, samples: Samples) -> None:
    """For an unknown organization, the permissions are reported as unknown."""
    done = nexport("doctor", "--json", "--org-id", samples.user_id)
    assert "no organization" in json.loads(done.stdout)[CHECKS.index("permissions")]["message"]


def test_permission_checks_only_read() -> None:
    """The permission check tries several operations, all of them reads."""
    tried = [operation for operation in OPERATIONS.values() if _needs_only_organization(operation)]
    assert len(tried) >= 3
    assert not any(operation.effect == "write" for operation in tried)


@pytest.mark.parametrize(
    "change", [{"effect": "write"}, {"token": "none"}, {"token": "argument"}, {"provisional": True}], ids=repr
)
async def test_operations_that_the_permission_check_does_not_try(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    """An operation that writes, has another token or is provisional isn't sent, though it needs only an organization."""
    declared = attrs.evolve(learning_api_get_custom_enrollment_fields.OPERATION, **change)
    monkeypatch.setattr(learning_api_get_custom_enrollment_fields, "OPERATION", declared)

    async def respond(request: Request) -> Response:
        return json_response({"utc_expiration_date": None} | error_entity())

    async with ScriptedServer(with_login(respond)) as server:
        await doctor(server.url)
        sent = {request.operation_id for request in server.requests}
    assert "LearningApi_GetSectionEnrollments" in sent
    assert "LearningApi_GetCustomEnrollmentFields" not in sent


def test_a_wrong_password(nexport: Nexport, account: dict[str, str]) -> None:
    """A refused login ends with exit code 3, and the user name is named."""
    done = nexport("doctor", env={"NEXPORT_PASSWORD": "wrong"})
    assert done.exit_code == 3
    failed = [line for line in done.stdout.splitlines() if line.startswith("failed")]
    assert len(failed) == 1
    assert "System Operators" in failed[0]
    assert "skipped  permissions" in done.stdout


@needs("AdminApi_Authenticate")
def test_an_expired_token(nexport: Nexport, nexport_sandbox: Sandbox, account: dict[str, str]) -> None:
    """An expired token ends with exit code 3 and advice on what to set instead."""
    words = [
        "call",
        "admin.authenticate",
        "--username",
        account["NEXPORT_USERNAME"],
        "--grant-type",
        "password",
    ]
    token = json.loads(nexport(*words, "--show-secret").stdout)["access_token"]
    env = {"NEXPORT_USERNAME": None, "NEXPORT_PASSWORD": None, "NEXPORT_ACCESS_TOKEN": token}
    assert nexport("doctor", env=env).exit_code == 0
    asyncio.run(_expire(nexport_sandbox))
    done = nexport("doctor", env=env)
    assert done.exit_code == 3
    assert "failed   token         the campus refused the access token" in done.stdout
    assert token not in done.stdout + done.stderr


async def _expire(sandbox: Sandbox) -> None:
    await sandbox.expire_tokens()


async def test_a_token_that_soon_expires(doctor: Doctor) -> None:
    """A static token in its last hour, by the server's clock, is a warning; with a password it is renewed."""
    now = datetime.now(UTC)

    async def respond(request: Request) -> Response:
        verdict = {"utc_expiration_date": (now + timedelta(minutes=20)).isoformat()} | error_entity()
        return json_response(verdict, headers={"Date": format_datetime(now, usegmt=True)})

    async with ScriptedServer(with_login(respond)) as server:
        _, found = await doctor(server.url, NEXPORT_ACCESS_TOKEN=TOKEN)
        assert found["token"]["status"] == "warning"
        _, found = await doctor(server.url)
        assert found["token"]["status"] == "ok"


async def test_a_host_without_address(doctor: Doctor) -> None:
    """A failing DNS lookup is distinguished from a failing connection; later checks are skipped."""
    code, found = await doctor("https://campus.invalid")
    assert code == 11
    assert statuses(found) == ["ok", "failed", "skipped", "skipped", "skipped", "skipped"]
    assert "campus.invalid can't be resolved" in found["reachability"]["message"]


async def test_a_closed_port(doctor: Doctor) -> None:
    """A refused connection fails the TCP check."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        code, found = await doctor(f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert code == 11
    assert "refuses connections (Connection refused)" in found["reachability"]["message"]


async def test_plain_http(doctor: Doctor) -> None:
    """Plain http to another machine is refused before any lookup; the other checks are skipped."""
    code, found = await doctor("http://campus.example")
    assert code == 2
    assert statuses(found) == ["failed"] + ["skipped"] * 5
    assert "plain http" in found["settings"]["message"]


async def test_missing_credentials(doctor: Doctor) -> None:
    """Without credentials, the connection is still checked."""
    async with ScriptedServer(minimal_campus()) as server:
        code, found = await doctor(server.url, NEXPORT_USERNAME="api.user")
    assert code == 2
    assert statuses(found) == ["failed", "ok", "skipped", "skipped", "skipped", "skipped"]
    assert "NEXPORT_PASSWORD" in found["settings"]["message"]


@pytest.mark.parametrize(
    ("seconds", "status", "code"),
    [
        (0, "ok", 0),
        (20, "ok", 0),
        (-90, "warning", 0),
        (90, "warning", 0),
        (3600, "failed", 1),
        (-3600, "failed", 1),
    ],
)
async def test_clock_difference(doctor: Doctor, seconds: int, status: str, code: int) -> None:
    """A clock difference of half a minute passes, five minutes fail."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
    async with ScriptedServer(minimal_campus(Date=date)) as server:
        ended, found = await doctor(server.url)
    assert (ended, found["clock"]["status"]) == (code, status)
    if status != "ok":
        assert ("behind" if seconds > 0 else "ahead") in found["clock"]["message"]


async def test_a_server_without_a_clock(doctor: Doctor) -> None:
    """A missing or invalid Date header skips the check."""
    for handler in (minimal_campus(), minimal_campus(Date="now")):
        async with ScriptedServer(handler) as server:
            _, found = await doctor(server.url)
        assert found["clock"]["status"] == "skipped"


@pytest.mark.parametrize(
    ("response", "code"),
    [
        (html_response(), 13),
        (html_response(404, "<html>Not found</html>"), 10),
        (json_response({"hello": "world"}), 13),
        (Response(status=302, headers=(("Location", "https://elsewhere.example"),)), 10),
        (Response(raw=b"SSH-2.0-OpenSSH_9.2\r\n", ending="close"), 11),
    ],
)
async def test_another_kind_of_server(doctor: Doctor, response: Response, code: int) -> None:
    """For a response of another kind of server, the advice is that it may not be a campus, or names the connection."""

    async def anything(request: Request) -> Response:
        return response

    async with ScriptedServer(anything) as server:
        ended, found = await doctor(server.url)
    assert ended == code
    assert found["token"]["status"] == "failed"
    assert "not be a campus" in found["token"]["advice"] or "connection" in found["token"]["advice"]
    assert found["permissions"]["status"] == "skipped"


async def test_a_failing_permission_check(doctor: Doctor) -> None:
    """An error other than a missing permission fails the check with that error."""

    async def respond(request: Request) -> Response:
        if request.operation_id == "AdminApi_ValidateAccessToken":
            return json_response({"utc_expiration_date": None} | error_entity())
        return json_response({}, status=500 if "/api/" in request.path else 200)

    async with ScriptedServer(with_login(respond)) as server:
        code, found = await doctor(server.url)
    assert code == 9
    assert "never expires" in found["token"]["message"]
    assert found["permissions"]["status"] == "failed"


class TestTls:
    """Certificates."""

    async def test_an_untrusted_certificate(self, doctor: Doctor) -> None:
        """No token is sent, and the advice is how to trust one's own authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
        async with ScriptedServer(minimal_campus(), tls=context) as server:
            code, found = await doctor(server.url)
            assert server.requests == []
        assert code == 11
        assert statuses(found) == ["ok", "ok", "failed", "skipped", "skipped", "skipped"]
        assert "can't be trusted" in found["tls"]["message"]
        assert "SSL_CERT_FILE" in found["tls"]["advice"]

    @pytest.mark.parametrize(("days", "status"), [(90, "ok"), (5, "warning")])
    async def test_a_private_authority(
        self, doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, status: str
    ) -> None:
        """Certificates in SSL_CERT_FILE are trusted, as in calls; a certificate that soon expires is a warning."""
        authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        until = datetime.now(UTC) + timedelta(days=days)
        authority.issue_cert("127.0.0.1", not_after=until).configure_cert(context)
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        async with ScriptedServer(minimal_campus(), tls=context) as server:
            code, found = await doctor(server.url)
        assert (code, found["tls"]["status"]) == (0, status)
        assert f"valid until {until:%Y-%m-%d}" in found["tls"]["message"]
        assert found["token"]["status"] == "ok"

    @pytest.mark.parametrize(
        ("variable", "value"),
        [
            ("SSL_CERT_FILE", "/missing.pem"),
            ("SSL_CERT_FILE", "/"),
            ("SSL_CERT_FILE", __file__),
            ("SSLKEYLOGFILE", "/missing/keys.log"),
            ("SSLKEYLOGFILE", "/"),
        ],
    )
    async def test_unusable_certificate_files(
        self, doctor: Doctor, nexport: Nexport, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
    ) -> None:
        """An unusable file named by the environment is reported as a setting to correct, in calls too."""
        monkeypatch.setenv(variable, value)
        _create_default_context.cache_clear()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
        async with ScriptedServer(minimal_campus(), tls=context) as server:
            code, found = await doctor(server.url)
            words = ("call", "GET", "/api/v1/AdminApi/ValidateAccessToken", "--read")
            done = await asyncio.to_thread(nexport, *words, env=ENV | {"NEXPORT_BASE_URL": server.url})
        assert (code, found["tls"]["status"]) == (2, "failed")
        assert variable in found["tls"]["message"]
        assert (done.exit_code, variable in done.stderr) == (2, True)

    async def test_a_server_without_tls(self, doctor: Doctor) -> None:
        """Https to a port that speaks plain http fails the TLS check."""
        async with ScriptedServer([Response(raw=b"HTTP/1.1 400 Bad\r\n\r\n", ending="close")]) as server:
            code, found = await doctor(server.url.replace("http:", "https:"), "--timeout", "0.5")
        assert code == 11
        assert found["tls"]["status"] == "failed"

    async def test_the_proxy_of_the_environment_is_checked(
        self, doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The doctor connects to the proxy that the environment names, and prints it without its password."""
        authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("campus.example").configure_cert(context)
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        async with ScriptedServer(minimal_campus(), tls=context) as server, Proxy() as proxy:
            monkeypatch.setenv("https_proxy", proxy.url.replace("//", "//name:s3cr3t@"))
            code, found = await doctor(server.url.replace("127.0.0.1", "campus.example"))
        assert code == 0
        assert "the proxy 127.0.0.1:" in found["reachability"]["message"]
        assert "s3cr3t" not in json.dumps(found)

    @pytest.mark.parametrize("address", [":::", "http://[::1", "http://", "http://127.0.0.1:99999", "\udc80"])
    @pytest.mark.parametrize("variable", ["https_proxy", "all_proxy"])
    async def test_an_invalid_proxy_variable(
        self, doctor: Doctor, nexport: Nexport, monkeypatch: pytest.MonkeyPatch, address: str, variable: str
    ) -> None:
        """An invalid proxy address is reported as a setting to correct, in the doctor and in calls."""
        monkeypatch.setenv(variable, address)
        code, found = await doctor("https://campus.example")
        assert (code, found["reachability"]["status"]) == (2, "failed")
        words = ("call", "GET", "/api/v1/AdminApi/ValidateAccessToken", "--read")
        done = await asyncio.to_thread(
            nexport, *words, env=ENV | {"NEXPORT_BASE_URL": "https://campus.example"}
        )
        assert done.exit_code == 2
        assert "http_proxy, https_proxy or all_proxy" in done.stderr

    async def test_a_proxy_error_hides_its_password(
        self, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An invalid proxy address is reported without showing it."""
        monkeypatch.setenv("https_proxy", "gopher://name:s3cr3t@127.0.0.1:1")
        code, found = await doctor("https://campus.example:9")
        assert code == 2
        assert found["reachability"]["status"] == "failed"
        assert "s3cr3t" not in json.dumps(found)
