"""The arguments of a raw request, checked and encoded. What is invalid raises an ArgumentError before anything is sent.

No message and no frame of a traceback shows a value: the query may identify a student.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal, NoReturn
from urllib.parse import quote, unquote

import attrs

from nexport_campus._auth.redaction import Scrubber
from nexport_campus._errors import ArgumentError
from nexport_campus._http.encoded_request import EncodedRequest
from nexport_campus._inputs import Concealed, describe, quote_value
from nexport_client import OPERATIONS
from nexport_client.kinds import ANYTHING
from nexport_client.operation import Operation

from .argument_values import convert_part, to_query_values, to_wire
from .arguments import LONGEST_QUERY, make_argument_error
from .scalar_values import InvalidValue, to_text

__all__ = ["RawArguments", "RawPaging", "encode_raw", "find_operation"]

_METHODS: Final = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
_FORBIDDEN: Final = re.compile(r"[?#\\\x00-\x1f\x7f]|//|\.\.|/\.(?:/|$)")
_BROKEN_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_MOST_DECODINGS: Final = 8
_VERSION: Final = re.compile(r"v[0-9]+", re.ASCII | re.IGNORECASE)
_RECORD: Final = re.compile(r"\{?[0-9a-f-]{32,36}\}?|[0-9]+", re.ASCII | re.IGNORECASE)
_SUCCESS: Final = tuple(range(200, 300))


@attrs.frozen(repr=False)
class RawArguments:
    """The query parameters and the JSON body of a raw request, as the user passed them."""

    params: Concealed
    json: Concealed


@attrs.frozen
class RawPaging:
    """How a list is paged: where its page numbers are sent, and which field of a response has its records.

    `where`: "query", "body" for fields of the body, or "body.NAME" for fields of an object in the body. `items`: None if
    the response is the list. `page`: the page to start with. `per_page`: the page size, or None for a large one.
    """

    where: object = "query"
    items: object = None
    page: object = 1
    per_page: object = None


def find_operation(
    method: object, path: object, effect: object, scrubber: Scrubber
) -> tuple[Operation[Any], str]:
    """Return the operation of a raw request, and its path as it is sent. Raises ArgumentError.

    An operation that the SDK doesn't know counts as writing unless `effect` says otherwise. Its id is made from the path.
    """
    if not isinstance(method, str) or method.upper() not in _METHODS:
        _refuse("method", f"must be one of {', '.join(_METHODS)}")
    problem = _find_path_problem(path, scrubber)
    if problem is not None or not isinstance(path, str):
        _refuse("path", problem or "must be a string")
    if effect not in (None, "read", "write"):
        _refuse("effect", 'must be "read", "write" or None')
    verb, chosen = method.upper(), "write" if effect is None else effect
    sent = quote(path, safe="/%:@!$&'()*+,;=~-._")
    known = OPERATIONS.find(verb, path)
    if known is None:
        made = _make_operation(verb, sent, "read" if chosen == "read" else "write")
        return made, sent
    if effect == "read" and known.effect == "write":
        _refuse("effect", f"can't be read: {known.id} changes data")
    marked = known.effect if effect is None else chosen
    return attrs.evolve(known, effect=marked, success=_SUCCESS), sent


def encode_raw(
    operation: Operation[Any], path: str, given: RawArguments, own: Iterable[str] = ()
) -> EncodedRequest:
    """Return a raw request, encoded for sending. Raises ArgumentError.

    Args:
        operation: The operation that `find_operation` returned.
        path: The path that it returned.
        given: The arguments.
        own: Names of query parameters that the SDK adds itself.
    """
    query = _encode(operation, "params", _encode_query, given.params, {name.lower() for name in own})
    body = _encode(operation, "json", _encode_body, given.json)
    return EncodedRequest(query, body, secret_body=True, token=None, path=path)


def _make_operation(method: str, path: str, effect: Literal["read", "write"]) -> Operation[Any]:
    return Operation(
        id=_make_operation_id(method, path),
        method=method,
        path=path,
        effect=effect,
        token="own",
        query=(),
        body=None,
        result=ANYTHING,
        success=_SUCCESS,
    )


def _make_operation_id(method: str, path: str) -> str:
    """Return an id in the vendor's style, `AdminApi_GetUsers`. Ids of records don't become part of it."""
    segments = [segment for segment in unquote(path).split("/") if segment]
    if segments and segments[0].lower() == "api":
        segments = segments[2:] if len(segments) > 1 and _VERSION.fullmatch(segments[1]) else segments[1:]
    names = ("id" if _RECORD.fullmatch(segment) else re.sub(r"\W", "_", segment) for segment in segments)
    return "_".join(names) or method


def _find_path_problem(path: object, scrubber: Scrubber) -> str | None:
    """Return why a path could leave the campus, change the query or carry a token, or None."""
    if not isinstance(path, str):
        return f"must be a string, got {describe(path)}"
    if not path.startswith("/"):
        return 'must begin with "/", such as /api/v1/AdminApi/GetUser'
    try:
        path.encode()
    except UnicodeEncodeError:
        return "must not contain lone surrogates, which UTF-8 can't carry"
    if _BROKEN_ESCAPE.search(path):
        return 'must have "%25" in place of a "%"'
    # A server on the way may decode more than once.
    for _ in range(_MOST_DECODINGS):
        if _FORBIDDEN.search(path):
            return (
                'must not contain "?", "#", "//", "\\", "..", "/./" or control characters, encoded or not;'
                " query parameters go into params"
            )
        if "access_token" in path.lower() or scrubber.zero_echoes(path.encode(), None) != path.encode():
            return "must not contain a token: the SDK sends it itself"
        try:
            decoded = unquote(path, errors="strict")
        except UnicodeDecodeError:
            return "must be UTF-8 where it is percent-encoded"
        if decoded == path:
            return None
        path = decoded
    return "is percent-encoded too often"


def _encode(
    operation: Operation[Any], name: str, write: Callable[..., Any], given: Concealed, *more: object
) -> Any:
    """Return what `write` makes of an argument. Raises ArgumentError, from a frame that doesn't hold the argument."""
    try:
        return write(given.reveal(), *more)
    except InvalidValue as wrong:
        reason = str(wrong)
    # Outside the handler: as its context, the original exception would keep the frames that hold the argument.
    raise make_argument_error(operation, name, reason)


def _encode_query(params: object, own: set[str]) -> str:
    if params is None:
        return ""
    if not isinstance(params, Mapping):
        raise InvalidValue("must be a mapping", f", got {describe(params)}")
    pairs = []
    for key, value in params.items():
        name = _check_parameter_name(key, own)
        values = convert_part(f"[{quote_value(name)}]", to_query_values, value)
        pairs += [f"{name}={quote(to_text(each), safe='')}" for each in values]
    query = "&".join(pairs)
    if len(query) > LONGEST_QUERY:
        raise InvalidValue(f"make the URL too long: its query may have {LONGEST_QUERY:,} characters")
    return query


def _check_parameter_name(key: object, own: set[str]) -> str:
    if not isinstance(key, str) or not key:
        raise InvalidValue("must have names that are strings and not empty")
    name: str = to_wire(ANYTHING, key)
    if name.lower() == "access_token":
        raise InvalidValue("must not contain access_token: the SDK sends the client's token itself")
    if name.lower() in own:
        raise InvalidValue(f"must not contain {name.lower()}: use the argument of this name")
    return quote(name, safe="")


def _encode_body(value: object) -> Any:
    return None if value is None else to_wire(ANYTHING, value)


def _refuse(argument: str, reason: str) -> NoReturn:
    raise ArgumentError(f"{argument} {reason}; nothing was sent", argument=argument)
