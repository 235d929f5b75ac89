"""Clients that share a token through a store: what is stored, when it is renewed, and stores that fail."""

import asyncio
import hashlib
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import UUID

import attrs
import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus import (
    AccessToken,
    AuthenticationError,
    ConfigurationError,
    NexportCampus,
    PasswordAuth,
    StaticToken,
    TokenStore,
)
from nexport_campus._auth.guarded_store import StoreTimes
from nexport_campus._auth.token_envelope import (
    Envelope,
    SharedToken,
    UnreadableValueError,
    make_cipher,
    make_store_key,
)
from nexport_campus.testing import MemoryTokenStore
from nexport_client.types import Secret
from tests.support.counting_campus import PASSWORD, USERNAME, CountingCampus
from tests.support.manual_clock import ManualClock, campus_on
from tests.support.scripted_server import ScriptedServer
from tests.support.spec import SOME_ID


@attrs.define
class Account:
    """A campus, a store and a clock; each client stands for a process."""

    clock: ManualClock
    campus: CountingCampus
    server: ScriptedServer
    store: Any
    _clients: AsyncExitStack

    async def client(self, password: str = PASSWORD, **settings: Any) -> NexportCampus:
        """Return a new client."""
        chosen = {"auth": PasswordAuth(USERNAME, password), "token_store": self.store} | settings
        return await self._clients.enter_async_context(campus_on(self.clock, self.server, **chosen))

    def stored(self) -> dict[str, Any]:
        """Return what is stored: by the part of the key that can be read, with the remaining seconds."""
        return {
            key[64:]: json.loads(value) | {"ttl": until - self.clock.now}
            for key, (value, until) in self.store.values.items()
            if until > self.clock.now
        }


@asynccontextmanager
async def account_with(store: Any = None, **campus: Any) -> AsyncIterator[Account]:
    """Yield an account whose store is kept in memory unless another one is given."""
    clock = ManualClock()
    counting = CountingCampus(clock=lambda: clock.now, **campus)
    store = MemoryTokenStore(clock=lambda: clock.now) if store is None else store
    async with ScriptedServer(counting) as server, AsyncExitStack() as clients:
        yield Account(clock, counting, server, store, clients)


async def call(campus: NexportCampus) -> None:
    """Make a call, which succeeds."""
    assert (await campus.learning.get_section_description(section_id=SOME_ID)).description == "Safety first"


async def refusal(campus: NexportCampus) -> AuthenticationError:
    """Return the error of a call that is refused."""
    with pytest.raises(AuthenticationError) as caught:
        await call(campus)
    return caught.value


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the SDK's warnings."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == "nexport_campus" and record.levelno >= logging.WARNING
    ]


async def test_clients_share_a_login() -> None:
    """The second client makes no login; what is stored is the token, its life, and nothing that names the account."""
    async with account_with() as account:
        await call(await account.client())
        await call(await account.client())
        assert account.campus.logins == 1
        (key,) = account.store.values
        assert len(bytes.fromhex(key)) == 32
        stored = account.stored()[""]
        assert stored == {
            "format": 1,
            "account": key,
            "token": account.campus.tokens[0],
            "life": pytest.approx(3600, abs=10),
            "ttl": pytest.approx(3540, abs=10),
        }


async def test_another_user_or_campus_has_another_key() -> None:
    """The key depends on the user name and the campus's address, and on nothing else."""
    async with account_with() as account, ScriptedServer(account.campus) as other:
        await call(await account.client())
        await call(await account.client(auth=PasswordAuth("another", PASSWORD)))
        await call(await account.client(base_url=other.url))
        await call(await account.client(timeout=7.0, base_url=f"{account.server.url}/"))
        assert (account.campus.logins, len(account.store.values)) == (3, 3)


async def test_a_late_reader_renews_in_time() -> None:
    """A process that found the token when it was old knows no age, yet no call is sent with an expired token."""
    async with account_with() as account:
        await call(await account.client())
        account.clock.now += 3000
        readers = [await account.client() for _ in range(3)]
        for _ in range(120):
            account.clock.now += 10
            for reader in readers:
                await call(reader)
            await asyncio.sleep(0.001)  # lets checks in the background end
        assert (account.campus.logins, account.campus.rejections) == (2, 0)


async def test_a_reader_that_was_idle() -> None:
    """After a long pause, the first call looks into the store before it uses a token that may have expired."""
    async with account_with() as account:
        await call(await account.client())
        reader = await account.client()
        await call(reader)
        account.clock.now += 3590
        await call(reader)
        assert (account.campus.logins, account.campus.rejections) == (2, 0)


async def test_a_reader_looks_for_a_newer_token() -> None:
    """It looks into the store every 20 seconds, in the background, and waits for it only after 40 seconds."""
    gate, reads = asyncio.Event(), 0
    gate.set()

    class Gated(MemoryTokenStore):
        async def get(self, key: str) -> bytes | None:
            nonlocal reads
            reads += 1
            await gate.wait()
            return await super().get(key)

    async with account_with(Gated()) as account:
        await call(await account.client())
        reader = await account.client()
        await call(reader)
        before = reads
        account.clock.now += 19
        await call(reader)
        assert reads == before
        account.clock.now += 1
        gate.clear()
        await call(reader)
        account.clock.now += 19
        await call(reader)
        assert reads == before + 1
        account.clock.now += 1
        waiting = asyncio.create_task(call(reader))
        await asyncio.wait([waiting], timeout=0.05)
        assert not waiting.done()
        gate.set()
        await waiting
        assert (reads, account.campus.logins) == (before + 1, 1)


async def test_a_store_that_forgets_nothing() -> None:
    """The process that logged in knows when to renew, even if the store still has the old token."""

    class Keeping(MemoryTokenStore):
        async def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
            await super().set(key, value, ttl=None)

    async with account_with(Keeping()) as account:
        reader = await account.client()
        await call(await account.client())
        await call(reader)
        account.clock.now += 3539
        await call(reader)
        assert account.campus.logins == 1
        account.clock.now += 1
        await call(reader)
        assert account.campus.logins == 2
    async with account_with(Keeping()) as account:
        first, second = await account.client(), await account.client()
        await call(first)
        await call(second)
        account.clock.now += 3550
        await call(first)
        await call(second)
        assert (account.campus.logins, account.campus.rejections) == (2, 0)
        account.campus.revoke()
        await call(second)
        await call(first)
        assert account.campus.logins == 3


async def test_a_token_without_expiry() -> None:
    """It is stored without a time limit, and used until the campus rejects it."""
    async with account_with(lifetime=None) as account:
        for _ in range(2):
            await call(await account.client())
        account.clock.now += 10**7
        await call(await account.client())
        assert account.campus.logins == 1
        assert (account.stored()[""]["life"], account.stored()[""]["ttl"]) == (None, float("inf"))


async def test_all_tokens_revoked_at_different_times() -> None:
    """The store has a newer token than this process, which is revoked as well: one login, and no failed call."""
    async with account_with() as account:
        first, second = await account.client(), await account.client()
        await call(first)
        await call(second)
        account.campus.revoke()
        await call(second)
        account.campus.revoke()
        await call(first)
        assert account.campus.logins == 3


async def test_a_rejected_token_is_deleted_only_if_it_is_still_stored() -> None:
    """What another process has stored meanwhile stays."""
    deletions: list[tuple[bool, bytes]] = []

    class Recording(MemoryTokenStore):
        async def delete(self, key: str, *, if_value: bytes) -> None:
            deletions.append((self.values[key][0] == if_value, if_value))
            await super().delete(key, if_value=if_value)

    async with account_with(Recording()) as account:
        first, second = await account.client(), await account.client()
        await call(first)
        await call(second)
        account.campus.revoke()
        await call(first)
        await call(second)
        assert account.campus.logins == 2
        assert [matches for matches, _ in deletions] == [True]
        assert account.campus.tokens[0].encode() in deletions[0][1]


async def test_a_shared_refusal() -> None:
    """The stored refusal holds no password and no user name, and lasts 60 seconds; then one process tries again."""
    async with account_with() as account:
        first, second = await account.client("wrong"), await account.client("wrong")
        errors = [await refusal(first), await refusal(second)]
        assert account.campus.logins == 1
        assert str(errors[0]) == str(errors[1])
        assert [error.retry_after for error in errors] == [60, 60]
        stored = account.stored()
        assert (stored[""]["refusals"], stored[""]["ttl"]) == (1, 60)
        assert not [word for word in ("wrong", USERNAME) if f'"{word}' in json.dumps(stored)]
        account.clock.now += 60
        assert [(await refusal(each)).retry_after for each in (second, first)] == [120, 120]
        assert account.campus.logins == 2


async def test_the_stored_digest_of_a_refused_password() -> None:
    """It is scrypt's, whose cost makes guessing slow, and the same for every process of the account."""
    async with account_with() as account:
        await refusal(await account.client("wrong"))
        digest = hashlib.scrypt(b"wrong", salt=USERNAME.encode(), n=16_384, r=8, p=1)
        assert {found["password"] for found in account.stored().values()} == {digest.hex()}


async def test_new_processes_continue_the_hold_back() -> None:
    """A job queue that starts a process for each job doesn't begin at 60 seconds again."""
    async with account_with() as account:
        for seconds in (60, 120, 240, 480, 900, 900):
            assert (await refusal(await account.client("wrong"))).retry_after == seconds
            account.clock.now += seconds - 1
            assert (await refusal(await account.client("wrong"))).retry_after == pytest.approx(seconds)
            account.clock.now += 1
        assert account.campus.logins == 6


async def test_a_corrected_password_starts_fresh() -> None:
    """It logs in at once; afterwards even the process with the old password uses the token, and the count starts again."""
    async with account_with() as account:
        wrong = await account.client("wrong")
        for seconds in (60, 120):
            assert (await refusal(wrong)).retry_after == seconds
            account.clock.now += seconds
        await refusal(wrong)
        await call(await account.client())
        account.clock.now += 4
        await refusal(wrong)
        account.clock.now += 1
        await call(wrong)
        assert set(account.stored()) == {""}
        account.campus.revoke()
        assert (await refusal(wrong)).retry_after == 60


async def test_a_refusal_that_the_store_has_lost() -> None:
    """The process that was refused still holds back."""
    async with account_with() as account:
        wrong = await account.client("wrong")
        await refusal(wrong)
        account.store.values.clear()
        account.clock.now += 30
        assert (await refusal(wrong)).retry_after == 30
        assert account.campus.logins == 1


FAILURES = {
    "get fails": "get",
    "set fails": "set",
    "delete fails": "delete",
    "entering the lock fails": "lock",
    "leaving the lock fails": "unlock",
}


class FailingStore(MemoryTokenStore):
    """A store with one operation that fails: raises, or never ends."""

    def __init__(self, operation: str, hangs: bool) -> None:
        super().__init__()
        self.operation = operation
        self.hangs = hangs

    async def fail(self, operation: str) -> None:
        if operation == self.operation:
            if self.hangs:
                await asyncio.Event().wait()
            raise OSError(f"{operation} failed\nwith {self.values}")

    async def get(self, key: str) -> bytes | None:
        await self.fail("get")
        return await super().get(key)

    async def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
        await self.fail("set")
        await super().set(key, value, ttl=ttl)

    async def delete(self, key: str, *, if_value: bytes) -> None:
        await self.fail("delete")
        await super().delete(key, if_value=if_value)

    @asynccontextmanager
    async def lock(self, key: str, *, ttl: float) -> AsyncIterator[None]:
        await self.fail("lock")
        async with super().lock(key, ttl=ttl):
            yield
        await self.fail("unlock")


@pytest.mark.sampled(4)
@pytest.mark.parametrize("hangs", [False, True], ids=["raises", "hangs"])
@pytest.mark.parametrize("failure", FAILURES)
async def test_a_store_that_fails(
    failure: str, hangs: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It costs one warning, which doesn't quote what is stored, and the sharing, but never a call."""
    monkeypatch.setattr(
        "nexport_campus._calling.client_state.StoreTimes", lambda: StoreTimes(operation=0.1, wait=0.3)
    )
    async with account_with(FailingStore(FAILURES[failure], hangs)) as account:
        campus = await account.client()
        for _ in range(3):
            await asyncio.gather(*(call(campus) for _ in range(3)))
            account.campus.revoke()
        assert account.campus.logins == 3
    (warning,) = warnings_in(caplog)
    assert warning.startswith("the token store failed (")
    assert not [token for token in account.campus.tokens if token in caplog.text]


async def test_a_store_that_fails_after_a_token_was_found() -> None:
    """The token that was found is used until it is due for renewal; the store is tried every 20 seconds."""
    reads = 0

    class Counting(FailingStore):
        async def get(self, key: str) -> bytes | None:
            nonlocal reads
            reads += 1
            return await super().get(key)

    async with account_with(Counting("none", hangs=False)) as account:
        await call(await account.client())
        reader = await account.client()
        await call(reader)
        account.store.operation = "get"
        account.clock.now += 100
        before = reads
        await call(reader)
        account.clock.now += 19
        await call(reader)
        assert reads == before + 1
        account.clock.now += 1
        await call(reader)
        await asyncio.sleep(0.001)  # lets the check in the background end
        assert (reads, account.campus.logins) == (before + 2, 1)
        account.clock.now += 3539 - 120
        await call(reader)
        assert account.campus.logins == 1
        account.clock.now += 1
        await call(reader)
        assert (account.campus.logins, account.campus.rejections) == (2, 0)


@pytest.mark.parametrize("operation", ["get", "set", "delete", "lock", "unlock"])
async def test_a_refusal_while_the_store_fails(operation: str) -> None:
    """The process that was refused holds back for as long as without a failure."""
    async with account_with(FailingStore("none", hangs=False)) as account:
        wrong = await account.client("wrong")
        await refusal(wrong)
        account.store.operation = operation
        for passed in (6, 30, 59):
            account.clock.now = 1000.0 + passed
            assert (await refusal(wrong)).retry_after == 60 - passed
        assert account.campus.logins == 1
        account.clock.now += 1
        await refusal(wrong)
        assert account.campus.logins == 2


async def test_a_found_token_that_is_revoked_while_the_store_fails() -> None:
    """It isn't used again: the process logs in by itself, and no call fails."""
    async with account_with(FailingStore("none", hangs=False)) as account:
        await call(await account.client())
        reader = await account.client()
        await call(reader)
        account.store.operation = "get"
        account.campus.revoke()
        for _ in range(2):
            await call(reader)
        assert (account.campus.logins, account.campus.rejections) == (2, 1)


async def test_a_lock_that_is_never_free(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A client that has waited long enough logs in without the lock, and stores the token for the others."""
    monkeypatch.setattr("nexport_campus._calling.client_state.StoreTimes", lambda: StoreTimes(wait=0.1))
    async with account_with() as account:
        first = await account.client()
        key = make_store_key(account.server.url, USERNAME)
        async with account.store.lock(key, ttl=10):
            await call(first)
            await call(await account.client())
        assert account.campus.logins == 1
    assert warnings_in(caplog) == [
        "the token store failed (its lock was not free within 0.1 s): this process logs in by itself"
    ]


async def test_the_lease_of_the_lock() -> None:
    """The store's lock is taken for ten seconds, longer than any of the store's operations."""
    leases: list[float] = []

    class Recording(MemoryTokenStore):
        @asynccontextmanager
        async def lock(self, key: str, *, ttl: float) -> AsyncIterator[None]:
            leases.append(ttl)
            async with super().lock(key, ttl=ttl):
                yield

    async with account_with(Recording()) as account:
        await call(await account.client())
    assert leases == [10.0]


def test_lease_and_wait_have_their_documented_times() -> None:
    """A lease of 10 seconds, a wait of 15, and one second for each operation."""
    assert StoreTimes() == StoreTimes(operation=1.0, lease=10.0, wait=15.0)


VALUES: dict[str, Any] = {
    "empty": b"",
    "garbage": b"\xff\x00garbage",
    "another format": json.dumps({"format": 2}).encode(),
    "a list": b"[]",
    "deeply nested": b"[" * 100_000,
    "no bytes": "a string",
    "a number": 7,
    "a token that is not a string": {"token": 7, "life": 3600},
    "an endless life": {"token": "t", "life": float("inf")},
    "a life that is not a number": {"token": "t", "life": "long"},
    "a refusal without an error": {"password": "x", "refusals": 1},
    "another account's": {"account": "0" * 64, "token": SOME_ID, "life": 3600},
}


@pytest.mark.parametrize("name", VALUES)
async def test_a_store_that_returns_something_else(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Garbage and another account's token are not used: the client logs in, warns once and replaces the value."""
    async with account_with() as account:
        await call(await account.client())
        (key,) = account.store.values
        value = VALUES[name]
        if isinstance(value, dict):
            value = json.dumps({"format": 1, "account": key} | value).encode()
        await account.store.set(key, value, ttl=None)
        for _ in range(2):
            await call(await account.client())
        assert (account.campus.logins, account.campus.rejections) == (2, 0)
    assert len(warnings_in(caplog)) == 1


@pytest.mark.parametrize("life", [3600, 0, -5, None])
async def test_a_store_that_returns_an_expired_token(life: int | None) -> None:
    """The campus rejects it, or its life is over: one login, and no failed call."""
    async with account_with() as account:
        await call(await account.client())
        (key,) = account.store.values
        expired = {"format": 1, "account": key, "token": SOME_ID, "life": life}
        await account.store.set(key, json.dumps(expired).encode(), ttl=None)
        for _ in range(2):
            await call(await account.client())
        assert account.campus.logins == 2


async def test_a_store_that_always_returns_an_expired_token() -> None:
    """Whatever it returns after a deletion or a login, each process makes one login, and no call fails."""

    class Stuck(MemoryTokenStore):
        async def get(self, key: str) -> bytes | None:
            found = {"format": 1, "account": key, "token": SOME_ID, "life": 3600}
            return None if ":" in key else json.dumps(found).encode()

    async with account_with(Stuck()) as account:
        for _ in range(2):
            campus = await account.client()
            await call(campus)
            await call(campus)
        assert account.campus.logins == 2


async def test_a_store_with_ever_new_expired_tokens() -> None:
    """After a few of them the process logs in by itself, and the call succeeds."""
    reads = 0

    class Changing(MemoryTokenStore):
        async def get(self, key: str) -> bytes | None:
            nonlocal reads
            reads += 1
            found = {"format": 1, "account": key, "token": str(UUID(int=reads)), "life": 3600}
            return None if ":" in key or reads > 50 else json.dumps(found).encode()

    async with account_with(Changing()) as account:
        await call(await account.client())
        assert (account.campus.logins, account.campus.rejections) == (1, 3)
        assert reads < 10


async def test_stored_values_are_encrypted() -> None:
    """The value is encrypted with the first key, and shown in no repr; without the right keys it is of no use."""
    old, new = Fernet.generate_key(), Fernet.generate_key()
    async with account_with() as account:
        first = await account.client(token_encryption_keys=[old])
        await call(first)
        ((value, _),) = account.store.values.values()
        assert account.campus.tokens[0].encode() in Fernet(old).decrypt(value)
        await call(await account.client(token_encryption_keys=(new, old)))
        assert account.campus.logins == 1
        shown = f"{first!r} {first._settings!r} {first._settings.token_encryption_keys!r}"
        assert not [secret for secret in (old.decode(), account.campus.tokens[0]) if secret in shown]
        await call(await account.client(token_encryption_keys=[new.decode()]))
        await call(await account.client(token_encryption_keys=[new]))
        await call(await account.client())
        assert account.campus.logins == 3


async def test_a_token_from_the_store_is_redacted(caplog: pytest.LogCaptureFixture) -> None:
    """A process that never logged in keeps the token out of its logs as well."""
    async with account_with() as account:
        await call(await account.client())
        second = await account.client()
        await call(second)
        assert account.campus.tokens[0] not in second._state.scrubber.scrub(account.campus.tokens[0])


async def test_views_share_the_store() -> None:
    """A view uses the token of its client."""
    async with account_with() as account:
        campus = await account.client(token_encryption_keys=[Fernet.generate_key()])
        await call(campus.with_options(timeout=5.0))
        await call(campus)
        assert account.campus.logins == 1


async def token() -> AccessToken:
    """Return a token, as an auth function does."""
    return AccessToken(SOME_ID)


@pytest.mark.parametrize("auth", [StaticToken(SOME_ID), token], ids=["StaticToken", "auth function"])
def test_a_store_needs_a_password(auth: Any) -> None:
    """Only a login can be shared."""
    with pytest.raises(ConfigurationError, match="token_store needs PasswordAuth"):
        NexportCampus(auth, token_store=MemoryTokenStore())


INVALID: dict[str, tuple[dict[str, Any], str]] = {
    "a class": (
        {"token_store": MemoryTokenStore},
        "token_store must be an object with get, set, delete and lock",
    ),
    "a dict": ({"token_store": {}}, "token_store must be an object with get, set, delete and lock"),
    "one key": ({"token_encryption_keys": Fernet.generate_key()}, "must be a list of Fernet keys"),
    "a string": ({"token_encryption_keys": "key"}, "must be a list of Fernet keys"),
    "a number": ({"token_encryption_keys": 7}, "must be a list of Fernet keys"),
    "an invalid key": ({"token_encryption_keys": ["too short"]}, "has an invalid key"),
    "no key": ({"token_encryption_keys": [None]}, "has an invalid key"),
}


@pytest.mark.parametrize("name", INVALID)
def test_settings_that_cannot_work(name: str) -> None:
    """They raise in the constructor, and no message shows a key."""
    settings, message = INVALID[name]
    with pytest.raises(ConfigurationError, match=message) as caught:
        NexportCampus(PasswordAuth(USERNAME, PASSWORD), **settings)
    assert "too short" not in str(caught.value)


def test_the_memory_store_is_a_token_store() -> None:
    """A type checker and `isinstance` accept it."""
    store: TokenStore = MemoryTokenStore()
    assert isinstance(store, TokenStore)


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_read_or_refused(value: bytes, encrypted: bool) -> None:
    """A value that an envelope didn't write raises UnreadableValueError, and nothing else."""
    envelope = Envelope("account", make_cipher([Fernet.generate_key()]) if encrypted else None)
    with pytest.raises(UnreadableValueError):
        envelope.open(value)


@given(st.text(min_size=1), st.none() | st.floats(0, 10**9))
def test_a_token_is_read_back(text: str, life: float | None) -> None:
    """What an envelope writes, it reads."""
    envelope = Envelope("account", None)
    content = SharedToken(Secret(text), life)
    assert envelope.open(envelope.seal(content)) == content
