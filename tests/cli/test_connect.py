"""Who logs in, and where to: the command line, the environment, the keyring, a prompt."""

import json
import os
import sys
from pathlib import Path

import pytest

from nexport_campus import PasswordAuth, StaticToken
from nexport_campus.cli.keyring_store import stored_auth
from nexport_campus.sandbox import Samples, Sandbox
from tests.cli.conftest import SETTINGS, MemoryKeyring, Nexport
from tests.cli.pseudo_terminal import on_a_terminal

VALIDATE = ("call", "admin.validate_access_token")
NEXPORT = (sys.executable, "-W", "error", "-m", "nexport_campus.cli")


@pytest.fixture
def at(nexport_sandbox: Sandbox) -> dict[str, str]:
    """The address of the sandbox, without an account."""
    return {"NEXPORT_BASE_URL": nexport_sandbox.url}


def test_a_login_is_kept_and_forgotten(
    nexport: Nexport, nexport_sandbox: Sandbox, at: dict[str, str], keys: MemoryKeyring
) -> None:
    """After `nexport login` no command needs a password, after `nexport logout` each does again."""
    assert nexport(*VALIDATE, env=at).exit_code == 2
    password = f"{nexport_sandbox.password}\n"
    done = nexport("login", "--username", nexport_sandbox.username, stdin=password, env=at)
    assert (done.exit_code, done.stdout) == (0, "")
    assert nexport(*VALIDATE, env=at).exit_code == 0
    assert "from the keyring" in nexport("doctor", env=at).stdout
    elsewhere = nexport(*VALIDATE, env={"NEXPORT_BASE_URL": "http://127.0.0.1:9"})
    assert "no credentials for " in elsewhere.stderr
    assert "removed from the keyring" in nexport("logout", env=at).stderr
    assert keys.held == {}
    assert "nothing was in the keyring" in nexport("logout", env=at).stderr
    assert nexport(*VALIDATE, env=at).exit_code == 2


def test_what_the_campus_refuses_is_not_kept(
    nexport: Nexport, nexport_sandbox: Sandbox, at: dict[str, str], keys: MemoryKeyring
) -> None:
    """A wrong password or token is refused with the code of a refusal."""
    wrong = nexport("login", "--username", nexport_sandbox.username, stdin="wrong\n", env=at)
    assert wrong.exit_code == 3
    token = nexport("login", "--access-token", stdin="0c0d14bd-4de6-4838-b8e3-efb80828b0ce\n", env=at)
    assert token.exit_code == 3
    assert keys.held == {}


def test_a_token_is_kept(nexport: Nexport, nexport_sandbox: Sandbox, at: dict[str, str]) -> None:
    """`--access-token` keeps a token in place of a password, and with another user's name it is not taken."""
    account = {"NEXPORT_USERNAME": nexport_sandbox.username, "NEXPORT_PASSWORD": nexport_sandbox.password}
    words = ["call", "admin.authenticate", "--username", nexport_sandbox.username, "--grant-type", "password"]
    token = json.loads(nexport(*words, "--show-secret", env=at | account).stdout)["access_token"]
    assert nexport("login", "--access-token", stdin=token, env=at).exit_code == 0
    assert stored_auth(f"{nexport_sandbox.url}/") == StaticToken(token)
    assert nexport(*VALIDATE, env=at).exit_code == 0
    assert nexport(*VALIDATE, env=at | {"NEXPORT_USERNAME": "api.viewer"}).exit_code == 2
    assert nexport("login", "--access-token", "--username", "x", stdin=token, env=at).exit_code == 2


def test_the_environment_outranks_the_keyring(
    nexport: Nexport, nexport_sandbox: Sandbox, at: dict[str, str], keys: MemoryKeyring
) -> None:
    """A password in the environment is what counts; a user name alone picks that user's entry, or none."""
    held = {"username": nexport_sandbox.username, "password": nexport_sandbox.password}
    keys.held["nexport-campus", nexport_sandbox.url] = json.dumps(held)
    assert nexport(*VALIDATE, env=at).exit_code == 0
    assert nexport(*VALIDATE, env=at | {"NEXPORT_USERNAME": nexport_sandbox.username}).exit_code == 0
    assert nexport(*VALIDATE, env=at | {"NEXPORT_USERNAME": "somebody"}).exit_code == 2
    wrong = at | {"NEXPORT_USERNAME": nexport_sandbox.username, "NEXPORT_PASSWORD": "wrong"}
    assert nexport(*VALIDATE, env=wrong).exit_code == 3
    both = at | {"NEXPORT_ACCESS_TOKEN": "x", "NEXPORT_PASSWORD": "y"}
    assert "not both" in nexport(*VALIDATE, env=both).stderr


def test_a_keyring_that_does_not_work(
    nexport: Nexport, nexport_sandbox: Sandbox, at: dict[str, str], keys: MemoryKeyring
) -> None:
    """A machine without a keyring is told what to set; what can't be read back isn't said to be kept."""
    login = ("login", "--username", nexport_sandbox.username)
    for fault in ("broken", "forgets"):
        setattr(keys, fault, True)
        done = nexport(*login, stdin=nexport_sandbox.password, env=at)
        assert done.exit_code == 2
        assert "no keyring works on this machine" in done.stderr
        assert "NEXPORT_PASSWORD" in done.stderr
    assert "no credentials for " in nexport(*VALIDATE, env=at).stderr
    assert nexport("logout", env=at).exit_code == 2


@pytest.mark.parametrize(
    "held", ["nonsense", "[]", "{}", '{"username": "x", "password": ""}', '{"token": ""}']
)
def test_an_entry_that_cannot_be_read(
    nexport: Nexport, at: dict[str, str], keys: MemoryKeyring, held: str
) -> None:
    """Something else under our name in the keyring is told, and not shown."""
    keys.held["nexport-campus", at["NEXPORT_BASE_URL"]] = held
    done = nexport(*VALIDATE, env=at)
    assert done.exit_code == 2
    assert "run `nexport login` again" in done.stderr
    assert held not in done.stderr


def test_the_address_goes_without_its_slash(keys: MemoryKeyring) -> None:
    """However an address is written, it is one entry."""
    keys.held["nexport-campus", "https://campus.example"] = '{"username": "a", "password": "b"}'
    for address in ("https://campus.example/", "https://Campus.example"):
        assert stored_auth(address) == PasswordAuth("a", "b")


def test_the_option_outranks_the_environment(nexport: Nexport, account: dict[str, str]) -> None:
    """`--base-url` is meant, before the command and after it."""
    elsewhere = {"NEXPORT_BASE_URL": "http://127.0.0.1:9"}
    address = account["NEXPORT_BASE_URL"]
    assert nexport(*VALIDATE, "--base-url", address, env=elsewhere).exit_code == 0
    assert nexport("--base-url", address, *VALIDATE, env=elsewhere).exit_code == 0


@pytest.fixture
def environment(at: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The environment of a process: the address, no account, and no keyring."""
    named = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    return named | at | {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring", "HOME": str(tmp_path)}


def test_a_prompt(environment: dict[str, str], nexport_sandbox: Sandbox) -> None:
    """On a terminal, who is missing is asked for; the password doesn't show. What comes is a table."""
    code, shown = on_a_terminal(
        [*NEXPORT, *VALIDATE],
        environment,
        answers={"User name": nexport_sandbox.username},
        secrets={"Password of": nexport_sandbox.password},
    )
    assert code == 0
    assert nexport_sandbox.password not in shown
    assert "utc_expiration_date" in shown
    assert "{" not in shown


def test_a_secret_argument_is_asked_for(environment: dict[str, str], nexport_sandbox: Sandbox) -> None:
    """On a terminal, a password that is an argument is asked for, and nobody else's login is."""
    words = ["call", "admin.authenticate", "--username", nexport_sandbox.username, "--grant-type", "password"]
    secrets = {"password:": nexport_sandbox.password}
    code, shown = on_a_terminal([*NEXPORT, *words], environment, secrets=secrets)
    assert code == 0, shown
    assert nexport_sandbox.password not in shown
    assert "***" in shown


@pytest.mark.parametrize(("answer", "code"), [("n", 130), ("y", 0)])
def test_a_write_asks_first(
    environment: dict[str, str], nexport_sandbox: Sandbox, samples: Samples, answer: str, code: int
) -> None:
    """On a terminal, what changes data asks; without a yes nothing is sent."""
    account = {"NEXPORT_USERNAME": nexport_sandbox.username, "NEXPORT_PASSWORD": nexport_sandbox.password}
    words = ["call", "learning.drop_enrollment", "--enrollment-id", samples.finished_enrollment_id]
    answers = {f"learning.drop_enrollment changes data at {nexport_sandbox.url}. Continue?": answer}
    ended, shown = on_a_terminal([*NEXPORT, *words], environment | account, answers=answers)
    assert ended == code, shown
    assert ("nothing was sent" in shown) is (answer == "n")


def test_colours(environment: dict[str, str], nexport_sandbox: Sandbox) -> None:
    """A terminal gets colours, unless NO_COLOR is set; a wide one gets a line for each record."""
    account = {"NEXPORT_USERNAME": nexport_sandbox.username, "NEXPORT_PASSWORD": nexport_sandbox.password}
    _, shown = on_a_terminal([*NEXPORT, "doctor"], environment | account)
    assert "\x1b[32mok" in shown
    _, shown = on_a_terminal([*NEXPORT, "doctor"], environment | account | {"NO_COLOR": "1"})
    assert "\x1b" not in shown


@pytest.mark.parametrize(("columns", "lines"), [(300, 3), (80, 22)])
def test_tables_on_a_terminal(
    environment: dict[str, str], nexport_sandbox: Sandbox, samples: Samples, columns: int, lines: int
) -> None:
    """A wide terminal gets a line for each record, a narrow one a block, so that nothing is cut."""
    account = {"NEXPORT_USERNAME": nexport_sandbox.username, "NEXPORT_PASSWORD": nexport_sandbox.password}
    words = ["call", "learning.search_enrollments", "--org-ids", samples.org_id, "--limit", "2"]
    env = environment | account | {"NO_COLOR": "1"}
    code, shown = on_a_terminal([*NEXPORT, *words], env, columns=columns)
    assert code == 0
    told = shown.splitlines()
    assert told.pop() == "2 records"
    assert lines - 2 <= len(told) <= lines
    assert samples.finished_enrollment_id in shown
    assert "…" not in shown
