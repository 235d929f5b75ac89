"""The token of an account, shared with other processes through a store."""

import asyncio
import hashlib
from collections.abc import Callable

import attrs

from nexport_client.types import Secret

from .credentials import PasswordAuth
from .guarded_store import GuardedStore, Stored, StoreFailed
from .refusals import HoldBack, Refusal
from .token_envelope import SharedRefusal, SharedToken
from .token_source import FetchedToken, LoginRefused, OwnTokens, get_renewal_margin

__all__ = ["SharedTokens"]

_CHECK_REFUSAL_SECONDS = 5.0
_HASH_COST = 1 << 14
"""Uses 16 MB, and some 50 ms."""

_HISTORY = ":refusals"
_HISTORY_SECONDS = 1800.0


@attrs.frozen
class _Seen:
    """A token found in the store. `until`: its expiry if it was stored just before this process found it."""

    token: Secret
    until: float
    check_seconds: float


class SharedTokens:
    """The token of one account in a store, and the logins of this process, `own`, whose results are stored.

    The age of a stored token is unknown, because clocks differ. So it expires in the store when it is due for renewal,
    and a process that found it there checks now and then whether it is still there.

    Args:
        store: Where the token is shared.
        auth: The account.
        own: The logins of this process.
        clock: Returns monotonic seconds.
        keep: Called with each token that is found, so that it can be redacted.
    """

    shared = True

    def __init__(
        self,
        store: GuardedStore,
        auth: PasswordAuth,
        own: OwnTokens,
        *,
        clock: Callable[[], float],
        keep: Callable[[Secret], object],
    ) -> None:
        self._store = store
        self._auth = auth
        self._own = own
        self._clock = clock
        self._keep = keep
        self._digest: str | None = None
        self._issued: FetchedToken | None = None
        self._seen: _Seen | None = None
        self._rejected: Secret | None = None
        self._distrust = False

    def reject(self, token: Secret, *, distrust: bool) -> None:
        """Note that the campus rejected a token. It is deleted from the store by the next fetch."""
        self._rejected = token
        self._distrust = self._distrust or distrust

    async def fetch(self) -> FetchedToken:
        """Return the stored token, or log in and store the new one. A failing store is only logged.

        Raises LoginRefused, also for a login of another process, or the login's NexportError.
        """
        try:
            found = await self._find()
            if found is None:
                self._raise_own_refusal()
                async with self._store.lock():
                    found = await self._find() or await self._log_in()
        except StoreFailed:
            found = None
        # Outside the handler, so that errors of the login have no internal context.
        return found or await self._fetch_without_store()

    async def _find(self) -> FetchedToken | None:
        """Return the stored token if it can be used. Raises LoginRefused and StoreFailed."""
        stored = await self._store.read()
        if stored is None:
            return None
        if isinstance(stored.content, SharedToken):
            return await self._find_token(stored, stored.content)
        if stored.content.password == await self._password_digest():
            self._raise_shared_refusal(stored.content)
        return None

    async def _find_token(self, stored: Stored, content: SharedToken) -> FetchedToken | None:
        self._own.refusal = None
        if self._rejected is not None and content.token == self._rejected:
            await self._store.delete(stored)
            return None
        if self._issued is not None and content.token == self._issued.token:
            # The store may be slow to drop it.
            return self._issued if self._clock() < self._issued.renew_at else None
        if self._distrust:
            return None
        if self._seen is None or content.token != self._seen.token:
            life = float("inf") if content.life is None else content.life
            early = get_renewal_margin(life)
            self._keep(content.token)
            self._seen = _Seen(
                content.token, self._clock() + life - early, early / 3 if content.life else float("inf")
            )
        return self._usable(self._seen)

    def _usable(self, seen: _Seen) -> FetchedToken | None:
        """Return the token with the time of the next check, which no call waits for, and the latest one."""
        now = self._clock()
        if now >= seen.until:
            return None
        renew_at = min(seen.until, now + 2 * seen.check_seconds)
        return FetchedToken(seen.token, renew_at, check_at=now + seen.check_seconds, issued=False)

    async def _log_in(self) -> FetchedToken:
        """Log in and store the token or the refusal."""
        history = await self._adopt_history()
        try:
            fetched = await self._own.fetch()
        except LoginRefused as refused:
            refusal = refused.refusal
        else:
            self._note_login(fetched)
            await self._store_token(fetched)
            if history is not None:
                await self._store.delete(history, _HISTORY)
            return fetched
        content = SharedRefusal(await self._password_digest(), refusal.hold.refusals, refusal.reason)
        seconds = refusal.hold.remaining(self._clock())
        await self._store.write(content, ttl=seconds)
        await self._store.write(content, ttl=seconds + _HISTORY_SECONDS, suffix=_HISTORY)
        raise self._refused(refusal)

    async def _store_token(self, fetched: FetchedToken) -> None:
        now = self._clock()
        if fetched.expires_at == float("inf"):
            await self._store.write(SharedToken(fetched.token, None), ttl=None)
        elif fetched.renew_at > now:
            content = SharedToken(fetched.token, fetched.expires_at - now)
            await self._store.write(content, ttl=fetched.renew_at - now)

    async def _adopt_history(self) -> Stored | None:
        """Continue the count of refusals where another process, which may have ended, left it."""
        history = await self._store.read(_HISTORY)
        if history is not None and isinstance(history.content, SharedRefusal):
            known = 0 if self._own.refusal is None else self._own.refusal.hold.refusals
            content = history.content
            if content.refusals > known and content.password == await self._password_digest():
                self._own.refusal = Refusal(content.error, HoldBack(float("-inf"), content.refusals))
        return history

    def _raise_shared_refusal(self, content: SharedRefusal) -> None:
        known, now = self._own.refusal, self._clock()
        if known is None or known.hold.refusals != content.refusals:
            known = self._own.refusal = Refusal(content.error, HoldBack(now, content.refusals))
        self._raise_own_refusal()

    def _raise_own_refusal(self) -> None:
        refusal = self._own.refusal
        if refusal is not None and refusal.hold.remaining(self._clock()) > 0:
            raise self._refused(refusal)

    def _refused(self, refusal: Refusal) -> LoginRefused:
        # Another process may correct the password, and log in, before the hold-back is over.
        now = self._clock()
        return LoginRefused(refusal, now + min(refusal.hold.remaining(now), _CHECK_REFUSAL_SECONDS))

    async def _fetch_without_store(self) -> FetchedToken:
        if self._seen is not None and self._seen.token != self._rejected:
            now = self._clock()
            if now < self._seen.until:
                check_at = now + self._seen.check_seconds
                return FetchedToken(self._seen.token, self._seen.until, check_at=check_at, issued=False)
        self._raise_own_refusal()
        fetched = await self._own.fetch()
        self._note_login(fetched)
        return fetched

    def _note_login(self, fetched: FetchedToken) -> None:
        self._issued, self._seen, self._rejected, self._distrust = fetched, None, None, False

    async def _password_digest(self) -> str:
        """Return a digest of the password, which is slow to compute so that guessing passwords takes long."""
        if self._digest is None:
            self._digest = await asyncio.to_thread(_hash_slowly, self._auth)
        return self._digest


def _hash_slowly(auth: PasswordAuth) -> str:
    password, salt = auth.password.reveal().encode(), auth.username.encode()
    return hashlib.scrypt(password, salt=salt, n=_HASH_COST, r=8, p=1).hex()
