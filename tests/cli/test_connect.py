"""Where credentials and address come from: the command line, the environment, the keyring, a prompt."""

import json
import os
import sys
from pathlib import Path

import pytest

from nexport_campus import PasswordAuth, StaticToken
from nexport_campus.cli.keyring_store import load_auth
from nexport_campus.sandbox import Samples, Sandbox
from tests.cli.conftest import SETTINGS, MemoryKeyring, Nexport
from tests.cli.pseudo_terminal import run_on_terminal
from tests.support.clients import needs

pytestmark = needs("AdminApi_Authenticate", "AdminApi_ValidateAccessToken")

VALIDATE = ("call", "admin.validate_access_token")
NEXPORT = (sys.executable, "-W", "error", "-m", "nexport_campus.cli")


@pytest.fixture
def no_login(nexport_sandbox: Sandbox) -> dict[str, str]:
    """Return the address of the sandbox, set in the environment without an account."""
    return {"NEXPORT_BASE_URL": nexport_sandbox.url}


def test_login_and_logout(
    nexport: Nexport, nexport_sandbox: Sandbox, no_login: dict[str, str], keys: MemoryKeyring
) -> None:
    """After `nexport login` no command needs a password, after `nexport logout` each does again."""
    assert nexport(*VALIDATE, env=no_login).exit_code == 2
    password = f"{nexport_sandbox.password}\n"
    done = nexport("login", "--username", nexport_sandbox.username, stdin=password, env=no_login)
    assert (done.exit_code, done.stdout) == (0, "")
    assert nexport(*VALIDATE, env=no_login).exit_code == 0
    assert "from the keyring" in nexport("doctor", env=no_login).stdout
    elsewhere = nexport(*VALIDATE, env={"NEXPORT_BASE_URL": "http://127.0.0.1:9"})
    assert "no credentials for " in elsewhere.stderr
    assert "removed from the keyring" in nexport("logout", env=no_login).stderr
    assert keys.stored == {}
    assert "nothing was in the keyring" in nexport("logout", env=no_login).stderr
    assert nexport(*VALIDATE, env=no_login).exit_code == 2


def test_refused_credentials_are_not_stored(
    nexport: Nexport, nexport_sandbox: Sandbox, no_login: dict[str, str], keys: MemoryKeyring
) -> None:
    """A wrong password or token ends with the exit code for authentication, and nothing is stored."""
    wrong = nexport("login", "--username", nexport_sandbox.username, stdin="wrong\n", env=no_login)
    assert wrong.exit_code == 3
    token = nexport("login", "--access-token", stdin="0c0d14bd-4de6-4838-b8e3-efb80828b0ce\n", env=no_login)
    assert token.exit_code == 3
    assert keys.stored == {}


def test_a_token_is_stored(nexport: Nexport, nexport_sandbox: Sandbox, no_login: dict[str, str]) -> None:
    """`--access-token` stores a token instead of a password; another user name doesn't use it."""
    account = {"NEXPORT_USERNAME": nexport_sandbox.username, "NEXPORT_PASSWORD": nexport_sandbox.password}
    words = ["call", "admin.authenticate", "--username", nexport_sandbox.username, "--grant-type", "password"]
    token = json.loads(nexport(*words, "--show-secret", env=no_login | account).stdout)["access_token"]
    assert nexport("login", "--access-token", stdin=token, env=no_login).exit_code == 0
    assert load_auth(f"{nexport_sandbox.url}/") == StaticToken(token)
    assert nexport(*VALIDATE, env=no_login).exit_code == 0
    assert nexport(*VALIDATE, env=no_login | {"NEXPORT_USERNAME": "api.viewer"}).exit_code == 2
    assert nexport("login", "--access-token", "--username", "x", stdin=token, env=no_login).exit_code == 2


def test_the_environment_outranks_the_keyring(
    nexport: Nexport, nexport_sandbox: Sandbox, no_login: dict[str, str], keys: MemoryKeyring
) -> None:
    """A password in the environment wins; a user name without one selects that user's entry, or none."""
    entry = {"username": nexport_sandbox.username, "password": nexport_sandbox.password}
    keys.stored["nexport-campus", nexport_sandbox.url] = json.dumps(entry)
    assert nexport(*VALIDATE, env=no_login).exit_code == 0
    assert nexport(*VALIDATE, env=no_login | {"NEXPORT_USERNAME": nexport_sandbox.username}).exit_code == 0
    assert nexport(*VALIDATE, env=no_login | {"NEXPORT_USERNAME": "somebody"}).exit_code == 2
    wrong = no_login | {"NEXPORT_USERNAME": nexport_sandbox.username, "NEXPORT_PASSWORD": "wrong"}
    assert nexport(*VALIDATE, env=wrong).exit_code == 3
    both = no_login | {"NEXPORT_ACCESS_TOKEN": "x", "NEXPORT_PASSWORD": "y"}
    assert "not both" in nexport(*VALIDATE, env=both).stderr


def test_a_broken_keyring(
    nexport: Nexport, nexport_sandbox: Sandbox, no_login: dict[str, str], keys: MemoryKeyring
) -> None:
    """Without a keyring the error names the variables to set; an entry that can't be read back isn't reported as stored."""
    login = ("login", "--username", nexport_sandbox.username)
    for fault in ("broken", "forgets"):
        setattr(keys, fault, True)
        done = nexport(*login, stdin=nexport_sandbox.password, env=no_login)
        assert done.exit_code == 2
        assert "no keyring works on this machine" in done.stderr
        assert "NEXPORT_PASSWORD" in done.stderr
    assert "no credentials for " in nexport(*VALIDATE, env=no_login).stderr
    assert nexport("logout", env=no_login).exit_code == 2


@pytest.mark.parametrize(
    "entry", ["nonsense", "[]", "{}", '{"username": "x", "password": ""}', '{"token": ""}']
)
def test_an_unreadable_entry(
    nexport: Nexport, no_login: dict[str, str], keys: MemoryKeyring, entry: str
) -> None:
    """A foreign value under our name in the keyring is reported, and not shown."""
    keys.stored["nexport-campus", no_login["NEXPORT_BASE_URL"]] = entry
    done = nexport(*VALIDATE, env=no_login)
    assert done.exit_code == 2
    assert "run `nexport login` again" in done.stderr
    assert entry not in done.stderr


def test_spellings_of_the_address(keys: MemoryKeyring) -> None:
    """All spellings of an address share one entry."""
    keys.stored["nexport-campus", "https://campus.example"] = '{"username": "a", "password": "b"}'
    for address in ("https://campus.example/", "https://Campus.example"):
        assert load_auth(address) == PasswordAuth("a", "b")


def test_the_option_outranks_the_environment(nexport: Nexport, account: dict[str, str]) -> None:
    """`--base-url` wins over the environment, before the command and after it."""
    elsewhere = {"NEXPORT_BASE_URL": "http://127.0.0.1:9"}
    address = account["NEXPORT_BASE_URL"]
    assert nexport(*VALIDATE, "--base-url", address, env=elsewhere).exit_code == 0
    assert nexport("--base-url", address, *VALIDATE, env=elsewhere).exit_code == 0


@pytest.fixture
def environment(no_login: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """Return the environment of a process: the address, no account, and no keyring."""
    named = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    return (
        named | no_login | {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring", "HOME": str(tmp_path)}
    )


def test_missing_credentials_are_prompted_for(environment: dict[str, str], nexport_sandbox: Sandbox) -> None:
    """On a terminal, missing credentials are prompted for; the password isn't echoed. The output is a table."""
    code, shown = run_on_terminal(
        [*NEXPORT, *VALIDATE],
        environment,
        replies={"User name": nexport_sandbox.username},
        secrets={"Password of": nexport_sandbox.password},
    )
    assert code == 0
    assert nexport_sandbox.password not in shown
    assert "utc_expiration_date" in shown
    assert "{" not in shown


def test_a_prompt_for_a_secret_argument(environment: dict[str, str], nexport_sandbox: Sandbox) -> None:
    """On a terminal, a password that is an argument is prompted for, and no login."""
    words = ["call", "admin.authenticate", "--username", nexport_sandbox.username, "--grant-type", "password"]
    secrets = {"password:": nexport_sandbox.password}
    code, shown = run_on_terminal([*NEXPORT, *words], environment, secrets=secrets)
    assert code == 0, shown
    assert nexport_sandbox.password not in shown
    assert "***" in shown


@pytest.mark.parametrize(("reply", "code"), [("n", 130), ("y", 0)])
def test_a_write_needs_confirmation(
    environment: dict[str, str], nexport_sandbox: Sandbox, samples: Samples, reply: str, code: int
) -> None:
    """On a terminal, an operation that changes data needs confirmation; without a yes nothing is sent."""
    account = {"NEXPORT_USERNAME": nexport_sandbox.username, "NEXPORT_PASSWORD": nexport_sandbox.password}
    words = ["call", "learning.drop_enrollment", "--enrollment-id", samples.finished_enrollment_id]
    replies = {f"learning.drop_enrollment changes data at {nexport_sandbox.url}. Continue?": reply}
    ended, shown = run_on_terminal([*NEXPORT, *words], environment | account, replies=replies)
    assert ended == code, shown
    assert ("nothing was sent" in shown) is (reply == "n")


def test_terminals_get_colors(environment: dict[str, str], nexport_sandbox: Sandbox) -> None:
    """A terminal gets colors unless NO_COLOR is set; a wide one gets one line per record."""
    account = {"NEXPORT_USERNAME": nexport_sandbox.username, "NEXPORT_PASSWORD": nexport_sandbox.password}
    _, shown = run_on_terminal([*NEXPORT, "doctor"], environment | account)
    assert "\x1b[32mok" in shown
    _, shown = run_on_terminal([*NEXPORT, "doctor"], environment | account | {"NO_COLOR": "1"})
    assert "\x1b" not in shown


@pytest.mark.parametrize(("columns", "lines"), [(300, 3), (80, 22)])
def test_tables_on_a_terminal(
    environment: dict[str, str], nexport_sandbox: Sandbox, samples: Samples, columns: int, lines: int
) -> None:
    """A wide terminal gets one line per record, a narrow one a block per record, and nothing is cut."""
    account = {"NEXPORT_USERNAME": nexport_sandbox.username, "NEXPORT_PASSWORD": nexport_sandbox.password}
    words = ["call", "learning.search_enrollments", "--org-ids", samples.org_id, "--limit", "2"]
    env = environment | account | {"NO_COLOR": "1"}
    code, shown = run_on_terminal([*NEXPORT, *words], env, columns=columns)
    assert code == 0
    output = shown.splitlines()
    assert output.pop() == "2 records"
    assert lines - 2 <= len(output) <= lines
    assert samples.finished_enrollment_id in shown
    assert "…" not in shown
