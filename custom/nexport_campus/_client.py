"""The client: one object per application, with the vendor's areas as namespaces."""

import os
import ssl
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Self, Unpack
from uuid import UUID

import attrs
import httpx

from nexport_client.client import Areas, RawAreas
from nexport_client.protocols import AsyncPager
from nexport_client.results import RawResponse
from nexport_client.types import UNSET, Unset

from ._attempts import Attempt
from ._auth.credentials import Auth, check_auth
from ._auth.secret_headers import check_headers, conceal_headers
from ._auth.token_store import TokenStore
from ._calling.arguments import read_uuids
from ._calling.raw_arguments import RawArguments, RawPaging
from ._changes.results import ChangeBatch, EnrollmentsById, SectionsById
from ._drift import Drift
from ._ensure import (
    EnsuredEnrollment,
    Retries,
    check_enrollment,
    ensure_enrollment,
)
from ._inputs import Concealed
from ._rate_limit import RateLimiter
from ._retry import RetryPolicy
from ._settings import (
    DEFAULT_BASE_URL,
    MAX_RESPONSE_BYTES,
    CallGroup,
    ClientSettings,
    Settings,
    read_auth,
)

if TYPE_CHECKING:
    from ._calling.client_state import ClientState
    from ._decoding.decoder import Decoder

__all__ = ["NexportCampus"]

_DEFAULT_RETRY = RetryPolicy()
_HOUR = timedelta(hours=1)


class NexportCampus(Areas):
    """A client for a NexPort campus.

    `async with NexportCampus(auth) as campus` closes it at the end; one client serves a whole application.

    Args:
        auth: `PasswordAuth`, `StaticToken`, or an async function that returns an `AccessToken`.
        base_url: The address of the campus: https, or http to this machine.
        timeout: Seconds for one attempt as a whole, an `httpx.Timeout` for its phases, or None.
        retry: What is retried, how often and when.
        max_concurrency: Maximum number of concurrent requests; further calls wait.
        rate_limit: Maximum number of requests per second, a `RateLimiter` that several clients share, or None for no
            limit.
        token_store: Where to share the token with other processes; see `nexport_campus.redis`. Requires `PasswordAuth`.
        token_encryption_keys: Fernet keys for what is stored: the first one encrypts, all of them decrypt.
        headers: Headers to send with every request, logins included. Their values are treated as secrets.
        transport: Any `httpx.AsyncBaseTransport`; without one, proxies and certificates from the environment apply.
        verify: TLS verification: True, False, an `ssl.SSLContext`, or the path of a PEM file or folder of certificates.
        proxy: The address of a proxy for all requests of this client.
        user_agent: The `User-Agent` header; None identifies this SDK.
        max_response_bytes: Maximum bytes of a response after decompression; a larger response is an error.
        allow_insecure_http: Whether to send token and password over plain http to other machines.
        on_attempt: A synchronous function called with an `Attempt` after each request, logins included.
        on_drift: A synchronous function called with each `Drift`, once per kind and place; None logs them.

    Raises:
        ConfigurationError: The settings are invalid; nothing was sent.
    """

    raw: RawAreas
    """The same areas, with coroutines that return a `RawResponse` (of a list operation: one page)."""

    def __init__(
        self,
        auth: Auth,
        *,
        base_url: str | httpx.URL = DEFAULT_BASE_URL,
        timeout: float | httpx.Timeout | None = 30.0,
        retry: RetryPolicy = _DEFAULT_RETRY,
        max_concurrency: int = 16,
        rate_limit: float | RateLimiter | None = None,
        token_store: TokenStore | None = None,
        token_encryption_keys: Sequence[str | bytes] = (),
        headers: Mapping[str, str] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        verify: ssl.SSLContext | str | os.PathLike[str] | bool = True,
        proxy: str | httpx.URL | httpx.Proxy | None = None,
        user_agent: str | None = None,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
        allow_insecure_http: bool = False,
        on_attempt: Callable[[Attempt], object] | None = None,
        on_drift: Callable[[Drift], object] | None = None,
    ) -> None:
        # Before anything can raise: tracebacks record the arguments of a frame.
        headers = conceal_headers(headers)
        settings = Settings(
            base_url=base_url,
            timeout=timeout,
            retry=retry,
            max_concurrency=max_concurrency,
            rate_limit=rate_limit,
            token_store=token_store,
            token_encryption_keys=token_encryption_keys,
            headers=headers,
            transport=transport,
            verify=verify,
            proxy=proxy,
            user_agent=user_agent,
            max_response_bytes=max_response_bytes,
            allow_insecure_http=allow_insecure_http,
            on_attempt=on_attempt,
            on_drift=on_drift,
        )
        # The machinery for calls is imported with the first client, so that a program that only imports the package
        # starts sooner.
        from ._calling.client_state import ClientState

        auth = check_auth(auth, shared=token_store is not None)
        self._begin(ClientState(auth, settings), settings, owns=True)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **settings: Unpack[ClientSettings]) -> Self:
        """Return a client for the campus that the environment specifies.

        Args:
            environ: Where to read NEXPORT_BASE_URL, and NEXPORT_USERNAME and NEXPORT_PASSWORD or NEXPORT_ACCESS_TOKEN;
                None is `os.environ`.
            settings: Further arguments of the client, which override the environment.

        Raises:
            ConfigurationError: A variable is missing, or a setting is invalid.
        """
        if "headers" in settings:
            settings["headers"] = conceal_headers(settings["headers"])
        environ = os.environ if environ is None else environ
        if environ.get("NEXPORT_BASE_URL"):
            settings.setdefault("base_url", environ["NEXPORT_BASE_URL"])
        return cls(read_auth(environ), **settings)

    def with_options(
        self,
        *,
        timeout: float | httpx.Timeout | Unset | None = UNSET,
        retry: RetryPolicy | Unset = UNSET,
        user_agent: str | Unset | None = UNSET,
        max_response_bytes: int | Unset = UNSET,
        headers: Mapping[str, str | None] | Unset | None = UNSET,
        on_attempt: Callable[[Attempt], object] | Unset | None = UNSET,
        on_drift: Callable[[Drift], object] | Unset | None = UNSET,
    ) -> Self:
        """Return a view with other settings on the same connections, limits and token. Closing a view has no effect.

        Args:
            timeout: As for the client, and so are the others except `headers`.
            retry: What is retried, how often and when.
            user_agent: The `User-Agent` header.
            max_response_bytes: Maximum bytes of a response.
            headers: Headers to send in addition to those of this client, or in their place; a value of None removes a
                header. A login that a call of the view triggers is sent with them too.
            on_attempt: A function called with an `Attempt` after each request of the view, and of a login that it
                triggers.
            on_drift: A function called with each `Drift`.

        Raises:
            ConfigurationError: The settings are invalid.
        """
        headers = headers if headers is UNSET else conceal_headers(headers)
        given: dict[str, Any] = {
            "timeout": timeout,
            "retry": retry,
            "user_agent": user_agent,
            "max_response_bytes": max_response_bytes,
            "on_attempt": on_attempt,
            "on_drift": on_drift,
        }
        changed = {name: value for name, value in given.items() if value is not UNSET}
        if headers is not UNSET:
            changed["headers"] = self._settings.headers.merged(check_headers(headers, removable=True))
        return self._view(**changed)

    async def ensure_enrollment(
        self,
        *,
        org_id: UUID | str,
        user_id: UUID | str,
        syllabus_id: UUID | str | None = None,
        syllabus_unique_name: str | None = None,
        membership_group_ids: Iterable[UUID | str] = (),
    ) -> EnsuredEnrollment:
        """Enroll a user in a syllabus, or find the existing enrollment.

        It searches first, creates only if the search found nothing, and never sends a second create. If the response
        to the create is lost, it searches again, at the delays of the client's `RetryPolicy`. It may be called again
        after any failure, including a timeout, a cancellation or an unknown outcome, once the earlier call has ended.

        Accounts that may not search can still enroll: then the campus's own check for duplicates decides, and a lost
        response raises. `RetryPolicy.total_timeout` limits the whole operation. The groups may be any iterable, which
        is read once.

        Args:
            org_id: The enrollment's organization.
            user_id: The user to enroll.
            syllabus_id: The section or training plan; pass either this or its unique name.
            syllabus_unique_name: The unique name of the section or training plan.
            membership_group_ids: The groups that the user becomes a member of.

        Returns:
            EnsuredEnrollment: `.enrollment_id`; `.created`: whether the enrollment is new; `.warnings` of the campus;
                `.existing`: the enrollment as a search found it, the newest if there are several, else None.

        Raises:
            ArgumentError: An argument is invalid, or not exactly one syllabus is specified; nothing was sent.
            EnrollmentAlreadyExistsError: The campus reports a duplicate, and doesn't show it to this account.
            NexportError: Any other failure; if `.maybe_applied` is True, call it again.

        Source: the vendor's pages of CreateEnrollment (HTTP 409, code 7) and SearchEnrollments.
        """
        state, retry = self._state, self._settings.retry
        total = retry.total_timeout
        group = CallGroup(None if total is None else state.clock.monotonic() + total)
        with self._calls.redacting():
            fields = check_enrollment(
                org_id=org_id,
                user_id=user_id,
                syllabus_id=syllabus_id,
                syllabus_unique_name=syllabus_unique_name,
                membership_group_ids=membership_group_ids,
            )
        return await ensure_enrollment(
            self._view(group=group), fields, group, Retries(retry, state.budget, state.clock, group.deadline)
        )

    async def get_sections_by_id(self, ids: Iterable[UUID | str]) -> SectionsById:
        """Return any number of sections, and the ids that don't exist.

        The vendor's GetSections takes at most 1000 ids and fails as a whole if one doesn't exist; this method calls
        it for batches, and halves those that fail.

        Args:
            ids: The sections' ids, as UUIDs or strings, in any iterable, which is read once (of a mapping, its keys);
                repeated ones count once.

        Returns:
            SectionsById: `.sections`, in the order of the ids, and `.missing`, the ids without a section.

        Raises:
            ArgumentError: `ids` isn't an iterable of ids, or an id isn't a UUID; nothing was sent.
            NexportError: Any other failure of the calls.
        """
        from ._changes.sections_by_id import get_sections_by_id

        with self._calls.redacting():
            # Unlike an operation's list, this is only iterated, so a mapping (such as a Counter of ids) stands for
            # its keys.
            wanted = read_uuids("ids", ids.keys() if isinstance(ids, Mapping) else ids)
        return await get_sections_by_id(self, wanted)

    async def get_enrollments_by_id(
        self,
        ids: Iterable[UUID | str],
        *,
        org_ids: Iterable[UUID | str] | None = None,
        user_ids: Iterable[UUID | str] | None = None,
    ) -> EnrollmentsById:
        """Return any number of enrollments, and the ids that the campus doesn't find.

        A missing id isn't proof of a removal: the enrollment may belong to other organizations or users, or this
        account may no longer see it. Before you delete records, make sure that the filters and permissions are right.

        Args:
            ids: The enrollments' ids, as UUIDs or strings, in any iterable, which is read once (of a mapping, its keys);
                repeated ones count once.
            org_ids: Organizations to search. The campus requires these or users; if both are given, both must match.
            user_ids: Users to search.

        Returns:
            EnrollmentsById: `.enrollments`, in the order of the ids, and `.missing`, the ids that weren't found.

        Raises:
            ArgumentError: An argument is invalid, or neither organizations nor users are given; nothing was sent.
            NexportError: Any other failure of the calls. No id counts as missing unless the campus's response is complete.
        """
        from ._changes.enrollments_by_id import get_enrollments_by_id
        from ._changes.feed_arguments import check_org_and_user_ids

        with self._calls.redacting():
            wanted = read_uuids("ids", ids.keys() if isinstance(ids, Mapping) else ids)
            filters = check_org_and_user_ids(org_ids, user_ids)
        return await get_enrollments_by_id(self, wanted, filters)

    def enrollment_changes(
        self,
        *,
        org_ids: Iterable[UUID | str] | None = None,
        user_ids: Iterable[UUID | str] | None = None,
        since: datetime | None = None,
        cursor: str | None = None,
        until: datetime | None = None,
        overlap: timedelta = _HOUR,
        poll_interval: timedelta | None = None,
        per_page: int | None = None,
    ) -> AsyncGenerator[ChangeBatch, None]:
        """Iterate over the enrollments that were created or changed, in batches with a cursor to resume after.

        Without `since` or `cursor`, every enrollment is delivered that exists throughout the run. Otherwise, those that
        were created, or whose activity or completion date moved, between that point and the start of the run by the
        campus's clock; later changes come in this run or the next. Records are delivered at least once, even if others are
        created, completed or removed meanwhile, and after a crash after any batch. If the campus is at rest during a
        run, the last copy that was delivered of each is its current state.

        Removed enrollments, grades that are corrected without a change of date, and records that were created without any
        date are not changes: a run from nothing or `get_enrollments_by_id` finds them.

        Args:
            org_ids: Organizations. The campus requires these or users; if both are given, both must match.
            user_ids: Users.
            since: Where to start: changes from this instant on.
            cursor: The cursor of a batch, to resume after it, with the same organizations and users.
            until: Where to end: changes before this instant. None means no end.
            overlap: How far before the end of the previous run the next one starts, for changes that the campus dates
                earlier than it stores them.
            poll_interval: The time between the end of a run and the next one, endlessly; None means a single run.
            per_page: The requested page size; None takes the SDK's default.

        Yields:
            ChangeBatch: `.items`, at most a page; `.cursor`, to be stored in the same transaction; `.caught_up`, True on
                the batch, possibly empty, that ends a run. Nothing is fetched before the next batch is requested.

        Raises:
            ArgumentError: An argument is invalid, or the cursor can't be read or belongs to another feed; nothing was sent.
            PaginationError: Enrollments that can only be read by page number kept changing.
            NexportError: A call failed, after retries. The last cursor resumes.
        """
        from ._changes.feed import ChangeFeed
        from ._changes.feed_arguments import FeedArguments

        with self._calls.redacting():
            arguments = FeedArguments.check(
                org_ids=org_ids,
                user_ids=user_ids,
                since=since,
                cursor=cursor,
                until=until,
                overlap=overlap,
                poll_interval=poll_interval,
                per_page=per_page,
            )
        return ChangeFeed(self, str(self._settings.base_url), self._state.clock, arguments).batches()

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        json: object = None,
        effect: Literal["read", "write"] | None = None,
    ) -> RawResponse[Any]:
        """Call any operation of the campus, whether the SDK knows it or not.

        It has the same token, limits, retries, redaction and errors as the methods of the namespaces.

        Args:
            method: The HTTP method.
            path: The path below `base_url`, such as `/api/v1/AdminApi/GetUser`.
            params: The query parameters, written as the methods write their arguments: a list repeats the name, None is
                left out.
            json: The body; dates, UUIDs and numbers are written as in arguments. None sends no body.
            effect: "read" if the request may be repeated, "write" if it may not. None is the mark of a known operation,
                and "write" for any other.

        Returns:
            RawResponse: `.parsed` is the JSON as Python objects, or None for an empty body. Numbers are exact.

        Raises:
            ArgumentError: An argument is invalid, or "read" is claimed for an operation that changes data; nothing was
                sent.
            NexportError: Any other failure, as of the methods.
        """
        # Tracebacks record the arguments of a frame, and the query may identify a student.
        given, params, json = RawArguments(Concealed(params), Concealed(json)), None, None
        with self._calls.redacting():
            return await self._calls.raw_requests.request(method, path, given, effect)

    def request_pages(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        json: object = None,
        items: str | None = None,
        paging: str = "query",
        page: int = 1,
        per_page: int | None = None,
    ) -> AsyncPager[dict[str, Any]]:
        """Read a list of any operation of the campus, page by page.

        Args:
            method: The HTTP method.
            path: The path below `base_url`.
            params: The query parameters, as for `request`.
            json: The body, as for `request`.
            items: The field of the response that holds the records; None if the response is the list.
            paging: Where `page` and `per_page` are sent: "query", "body", or "body.NAME" for an object in the body.
            page: The page to start with.
            per_page: The page size; None requests a large one.

        Returns:
            AsyncPager: The records, as dictionaries.

        Raises:
            ArgumentError: An argument is invalid, or the operation changes data; nothing was sent.
        """
        given, params, json = RawArguments(Concealed(params), Concealed(json)), None, None
        with self._calls.redacting():
            return self._calls.raw_requests.pages(
                method, path, given, RawPaging(paging, items, page, per_page)
            )

    def _view(self, **changed: Any) -> Self:
        settings = attrs.evolve(self._settings, **changed)
        # Drift that was already reported to a function is not reported to it again.
        decoder = self._calls.decoder if settings.on_drift is self._settings.on_drift else None
        view = object.__new__(type(self))
        view._begin(self._state, settings, owns=False, decoder=decoder)
        return view

    def _begin(
        self, state: "ClientState", settings: Settings, *, owns: bool, decoder: "Decoder | None" = None
    ) -> None:
        from ._calling.caller import CampusCaller

        calls = CampusCaller(state, settings, decoder)
        state.scrubber.watch(settings.headers)
        self._calls = calls
        self._state = state
        self._settings = settings
        self._owns = owns
        self.raw = RawAreas(calls)
        super().__init__(calls)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections, cancel a login in flight, and reject calls from now on. On a view it has no effect."""
        if self._owns:
            await self._state.aclose()

    def __repr__(self) -> str:
        # A client with invalid settings still appears among the locals of that error's traceback.
        settings: Settings | None = vars(self).get("_settings")
        return f"<{type(self).__name__} {'without settings' if settings is None else settings.base_url}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a client holds connections and a secret, and refuses to be pickled: make one in each process"
        )
