"""The state that a client shares with its views, and how it logs in."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import ContextVar
from functools import partial

import attrs

from nexport_campus._auth.credentials import AccessToken, Auth, PasswordAuth, StaticToken
from nexport_campus._auth.guarded_store import GuardedStore, StoreTimes
from nexport_campus._auth.log_redaction import scrub_logs
from nexport_campus._auth.redaction import Scrubber
from nexport_campus._auth.refusals import to_login_refusal
from nexport_campus._auth.shared_tokens import SharedTokens
from nexport_campus._auth.token_cache import TokenCache
from nexport_campus._auth.token_envelope import Envelope, make_store_key
from nexport_campus._auth.token_source import OwnTokens, TokenSource
from nexport_campus._clock import REAL_CLOCK, Clock
from nexport_campus._decoding.decoder import Decoder
from nexport_campus._decoding.response import ResponseReader
from nexport_campus._drift import Drift, DriftReporter
from nexport_campus._errors import APIError, ConfigurationError, NexportError
from nexport_campus._http.encoded_request import EncodedRequest
from nexport_campus._http.loop_state import LoopState, LoopStates
from nexport_campus._rate_limit import make_limiter
from nexport_campus._retry import Budget
from nexport_campus._settings import Settings
from nexport_client.types import Secret

from .login import check_login, get_login_operation, make_login_fields, read_token
from .runner import CallRunner

__all__ = ["ClientState"]


_login_for: ContextVar["tuple[ClientState, Settings] | None"] = ContextVar("nexport_login_for", default=None)
"""The client and the settings of the view's call that waits for a token. A login's task inherits them."""


class ClientState:
    """The state shared by a client and its views: connections, token, rate limit, retry budget, known secrets."""

    def __init__(self, auth: Auth, settings: Settings, clock: Clock = REAL_CLOCK) -> None:
        self.clock = clock
        self.loop_states = LoopStates(settings)
        self.limiter = make_limiter(settings.rate_limit, clock)
        self.budget = Budget()
        self.scrubber = Scrubber()
        scrub_logs(self.scrubber)
        self.settings = settings
        self._auth = auth
        self._decoder = self._make_decoder(settings.on_drift)
        self.tokens = TokenCache(
            self._make_token_source(),
            renewable=not isinstance(auth, StaticToken),
            logs_in=isinstance(auth, PasswordAuth),
            clock=clock.monotonic,
        )
        if isinstance(auth, PasswordAuth):
            self.scrubber.keep("password", auth.password)

    def get_decoder(self, on_drift: Callable[[Drift], object] | None) -> Decoder:
        """Return the decoder of all views with this `on_drift`, which reports and learns each drift once."""
        return self._decoder if on_drift is self.settings.on_drift else self._make_decoder(on_drift)

    def _make_decoder(self, on_drift: Callable[[Drift], object] | None) -> Decoder:
        return Decoder(DriftReporter(on_drift, self.scrubber.scrub))

    def get_loop_state(self) -> LoopState:
        """Return the state of the running event loop. Raises NexportError."""
        loop_state, is_new = self.loop_states.current()
        if is_new:
            self.tokens.forget_loop()
        return loop_state

    async def aclose(self) -> None:
        """Close everything. Safe to call twice."""
        self.loop_states.reject_calls()
        await self.tokens.aclose()
        await self.loop_states.aclose()

    async def get_token(self, settings: Settings) -> Secret:
        """Return the current token. A login that this starts uses the headers and `on_attempt` of these settings."""
        if settings is self.settings:
            return await self.tokens.get()
        previous = _login_for.set((self, settings))
        try:
            return await self.tokens.get()
        finally:
            # A call that is abandoned within a generator may be closed in another context, which has nothing to reset.
            with suppress(ValueError):
                _login_for.reset(previous)

    def _choose_login_settings(self) -> Settings:
        waiting = _login_for.get()
        # An auth function may call another client, whose login must not get the headers of this one's view.
        if waiting is None or waiting[0] is not self:
            return self.settings
        _, settings = waiting
        return attrs.evolve(self.settings, headers=settings.headers, on_attempt=settings.on_attempt)

    def _make_token_source(self) -> TokenSource:
        auth, settings, clock = self._auth, self.settings, self.clock.monotonic
        own = OwnTokens(self._fetch, logs_in=isinstance(auth, PasswordAuth), clock=clock)
        if settings.token_store is None or not isinstance(auth, PasswordAuth):
            return own
        envelope = Envelope(
            make_store_key(str(settings.base_url), auth.username), settings.token_encryption_keys
        )
        store = GuardedStore(settings.token_store, envelope, clock, StoreTimes())
        return SharedTokens(store, auth, own, clock=clock, keep=partial(self.scrubber.keep, "token"))

    async def _fetch(self) -> AccessToken:
        auth = self._auth
        if isinstance(auth, StaticToken):
            token = AccessToken(auth.token)
        elif isinstance(auth, PasswordAuth):
            token = await self._log_in(auth)
        else:
            token = await _call_auth(auth)
        self.scrubber.keep("token", token.value)
        return token

    async def _log_in(self, auth: PasswordAuth) -> AccessToken:
        operation = get_login_operation()
        runner = CallRunner(self, self._choose_login_settings(), ResponseReader(self._decoder, self.scrubber))
        encoded = EncodedRequest("", make_login_fields(auth), secret_body=True, token=None)
        try:
            outcome = await runner.run(operation, encoded, limited=False, check=check_login)
        except APIError as error:
            refusal = to_login_refusal(error)
            if refusal is None:
                raise
            raise refusal from None
        return read_token(outcome.parsed)


async def _call_auth(auth: Callable[[], Awaitable[AccessToken]]) -> AccessToken:
    """Return the token from the user's function. Raises NexportError."""
    try:
        token: object = await auth()
    except NexportError:
        raise
    except Exception as error:
        raise NexportError(
            f"auth raised {type(error).__name__}: it must return an AccessToken, or raise a NexportError"
        ) from error
    if not isinstance(token, AccessToken):
        raise ConfigurationError(f"auth must return an AccessToken, got {type(token).__name__}")
    return token
