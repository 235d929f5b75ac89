"""The cursor of the change feed: a position as an opaque string."""

import base64
import binascii
import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from nexport_campus._errors import ArgumentError

__all__ = ["Position", "decode_cursor", "digest_feed", "encode_cursor"]

_VERSION: Final = 1


class Position(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A position in the change feed: between two runs, or within one.

    `reached`: between runs, the time up to which everything was delivered.
    `started`: within a run, its start by the campus's clock. `since`, `until`: the bounds of the run; None means no bound.
    `search`: the number of the current search, from 0. `after`: the enrollment date to resume it after.
    """

    reached: datetime | None = None
    started: datetime | None = None
    since: datetime | None = None
    until: datetime | None = None
    search: int = 0
    after: datetime | None = None


class _Cursor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    feed: str
    position: Position


def digest_feed(base_url: str, org_ids: Iterable[UUID], user_ids: Iterable[UUID]) -> str:
    """Return a digest of a campus and of the filters, regardless of their order and repetitions."""
    filters = (",".join(sorted({each.hex for each in ids})) for ids in (org_ids, user_ids))
    feed = "\n".join((base_url.rstrip("/"), *filters))
    return hashlib.sha256(feed.encode()).hexdigest()[:32]


def encode_cursor(feed: str, position: Position) -> str:
    """Return the cursor of a position in the feed with a digest."""
    content = msgspec.json.encode(_Cursor(_VERSION, feed, position))
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decode_cursor(feed: str, cursor: str) -> Position:
    """Return the position of a cursor.

    Raises:
        ArgumentError: It can't be read, or belongs to another feed.
    """
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        content = base64.b64decode(padded, altchars=b"-_", validate=True)
        version = msgspec.json.decode(content, type=dict[str, object]).get("version")
        if version != _VERSION:
            raise _make_error(
                f"cursor has the format version {version!r}, which this version of the SDK can't read"
            )
        read = msgspec.json.decode(content, type=_Cursor)
    except (UnicodeEncodeError, binascii.Error, msgspec.MsgspecError, RecursionError):
        raise _make_error(
            "cursor is not one of this feed's, or was cut off: it must be stored unchanged"
        ) from None
    if read.feed != feed:
        raise _make_error("cursor belongs to a feed with other org_ids or user_ids, or of another campus")
    if not _is_valid(read.position):
        raise _make_error("cursor has an impossible position: it must be stored unchanged")
    return read.position


def _is_valid(position: Position) -> bool:
    dates = (position.reached, position.started, position.since, position.until, position.after)
    zoned = all(date is None or date.tzinfo is not None for date in dates)
    return zoned and position.search >= 0 and (position.reached is None) != (position.started is None)


def _make_error(message: str) -> ArgumentError:
    return ArgumentError(f"{message}; nothing was sent", argument="cursor")
