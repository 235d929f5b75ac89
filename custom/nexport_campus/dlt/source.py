"""The dlt source."""

from collections.abc import Iterator, MutableMapping, Sequence
from datetime import datetime
from typing import Any, Literal

import attrs
import dlt
from dlt.common.configuration.exceptions import ContextDefaultCannotBeCreated
from dlt.extract import DltResource

from nexport_campus import (
    ArgumentError,
    ConfigurationError,
    NexportCampus,
    PasswordAuth,
    RateLimiter,
    TokenStore,
)
from nexport_campus._auth.credentials import Auth
from nexport_campus._auth.memory_token_store import MemoryTokenStore
from nexport_campus._calling.arguments import read_uuids
from nexport_campus._inputs import find_zone_problem

from .blocking import iterate
from .credentials import Credentials, choose_base_url, to_auth
from .enrollment_batches import EnrollmentBatches
from .records import RECORDS
from .tables import TABLES, RowWriter, UnknownFields

__all__ = ["campus_source"]


@dlt.source(name="nexport_campus", section="nexport_campus", max_table_nesting=0)
def campus_source(
    credentials: Credentials | None = dlt.secrets.value,
    base_url: str | None = dlt.config.value,
    org_ids: Sequence[str] = dlt.config.value,
    since: datetime | None = None,
    until: datetime | None = None,
    token_store: TokenStore | None = None,
    rate_limit: float | RateLimiter | None = None,
    unknown_fields: Literal["json", "columns"] = "json",
) -> list[DltResource]:
    """Return the campus's records as resources, which a pipeline merges into tables by their keys.

    The resources are `enrollments`, `assignment_statuses`, `sessions`, `scorm_data`, `sections`, `training_plans` and
    `catalogs`; choose some with `with_resources`. Each run loads the records of the enrollments that were created or
    changed since the last run, and all catalogs.

    Args:
        credentials: `NexportCredentials`, `PasswordAuth` or `StaticToken`; otherwise dlt's configuration, else the
            environment (NEXPORT_USERNAME and NEXPORT_PASSWORD, or NEXPORT_ACCESS_TOKEN).
        base_url: The campus's address; otherwise dlt's configuration, NEXPORT_BASE_URL, or the vendor's own campus.
        org_ids: The ids of the organizations whose enrollments are loaded, without their suborganizations.
        since: Where the first run starts; None loads everything. With `until`, the start of the window.
        until: The end of a backfill: it loads the records of enrollments with `since <= enrollment_date < until`, and
            keeps no position for the next run. Windows are independent; give each one its own pipeline name.
        token_store: A `TokenStore`, to share the token with other processes. Requires a user name and a password.
        rate_limit: Maximum number of requests per second, or a `RateLimiter` that other clients share.
        unknown_fields: Where fields go that the specification does not have: "json", all of them into the column
            `additional_properties`, or "columns", each into a new column.

    Raises:
        ArgumentError: An argument is invalid; nothing was sent.
        ConfigurationError: No account is configured, or a setting is invalid; nothing was sent.
    """
    auth = to_auth(credentials)
    if token_store is None and isinstance(auth, PasswordAuth):
        token_store = MemoryTokenStore()  # one login for all resources, each of which has its own client
    source = _Source(
        auth=auth,
        base_url=choose_base_url(base_url),
        org_ids=_check_ids(org_ids),
        since=_check_date("since", since),
        until=_check_date("until", until),
        token_store=token_store,
        rate_limit=rate_limit,
        unknown_fields=unknown_fields,
    )
    return [source.resource(name) for name in TABLES]


@attrs.frozen
class _Source:
    """The checked arguments of `campus_source`."""

    auth: Auth
    base_url: str
    org_ids: Sequence[str]
    since: datetime | None
    until: datetime | None
    token_store: TokenStore | None
    rate_limit: float | RateLimiter | None
    unknown_fields: UnknownFields

    def __attrs_post_init__(self) -> None:
        if self.unknown_fields not in ("json", "columns"):
            raise ConfigurationError(
                f'unknown_fields must be "json" or "columns", got {self.unknown_fields!r}'
            )
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise ArgumentError("until must be later than since; nothing was sent", argument="until")
        self.client()  # to find an invalid setting now, not within the pipeline

    def client(self) -> NexportCampus:
        return NexportCampus(
            self.auth, base_url=self.base_url, token_store=self.token_store, rate_limit=self.rate_limit
        )

    def resource(self, name: str) -> DltResource:
        """Return the resource that loads a table."""
        table = TABLES[name]

        @dlt.resource(name=name, primary_key=table.key, write_disposition="merge", columns=table.columns())
        def rows() -> Iterator[list[dict[str, Any]]]:
            enrollments = EnrollmentBatches(
                self.base_url, self.org_ids, self.since, self.until, _get_cursors()
            )
            writer = RowWriter(table, self.unknown_fields)
            for records in iterate(self.client, lambda campus: RECORDS[name](campus, enrollments)):
                if records:
                    yield writer.rows(records)

        return rows()


def _get_cursors() -> MutableMapping[str, str]:
    """Return where the resource's last run ended, from the pipeline's state; empty outside of a pipeline."""
    try:
        state: MutableMapping[str, Any] = dlt.current.resource_state()
    except ContextDefaultCannotBeCreated:
        return {}
    cursors: MutableMapping[str, str] = state.setdefault("cursors", {})
    return cursors


def _check_ids(org_ids: Sequence[str]) -> list[str]:
    ids = list(dict.fromkeys(str(each) for each in read_uuids("org_ids", org_ids)))
    if not ids:
        raise ArgumentError(
            "org_ids must not be empty: the campus lists enrollments only by organization; nothing was sent",
            argument="org_ids",
        )
    return ids


def _check_date(name: str, date: datetime | None) -> datetime | None:
    problem = None if date is None else find_zone_problem(date)
    if problem is not None:
        raise ArgumentError(f"{name} {problem}; nothing was sent", argument=name)
    return date
