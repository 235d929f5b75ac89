"""The base of all errors: what each knows, how it prints, and how it is copied and pickled."""

import pickle
from typing import Any, TypeVar

__all__ = ["NexportError", "fresh_copy"]

_E = TypeVar("_E", bound="NexportError")
_LONGEST = 300


def _rebuild(cls: type["NexportError"], state: dict[str, Any]) -> "NexportError":
    error = cls.__new__(cls)
    error.__dict__.update(state)
    Exception.__init__(error, state["message"])
    return error


def _make_portable(cause: BaseException | None) -> BaseException | None:
    """Return a cause in a form that can be pickled, without references such as the request."""
    if cause is None or isinstance(cause, NexportError):
        return cause
    try:
        portable: object = type(cause)(*(arg for arg in cause.args if isinstance(arg, str | int)))
        portable = pickle.loads(pickle.dumps(portable))  # noqa: S301 -- created one line above
    except Exception:  # noqa: BLE001 -- an unpicklable cause must not prevent pickling the error
        return None
    return portable if isinstance(portable, BaseException) else None


class NexportError(Exception):
    """The base of all errors of this SDK.

    `operation_id`: the vendor's name of the operation, such as `LearningApi_GetSection`. `page`: the page of a list
    that failed (unless a login failed); calling again with `page=error.page` resumes. `index`: the element of that
    page that reported the error. `attempts`: the number of requests sent. `maybe_applied`: whether the campus may
    have carried out a write despite the error.
    """

    _private: frozenset[str] = frozenset()
    _not_retried = ""
    """Why the call was not retried, for the printed line."""

    def __init__(
        self,
        message: str,
        *,
        operation_id: str | None = None,
        page: int | None = None,
        index: int | None = None,
        attempts: int = 0,
        maybe_applied: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.operation_id = operation_id
        self.page = page
        self.index = index
        self.attempts = attempts
        self.maybe_applied = maybe_applied

    @property
    def transient(self) -> bool:
        """Whether the same call may succeed later unchanged, which job queues need to know.

        True for TransportError, RateLimitError, ServerError, and an APIError without an error entity; else False.
        """
        return False

    def __str__(self) -> str:
        place = self.operation_id or ""
        place += f" page {self.page}" if self.page is not None else ""
        place += f" [{self.index}]" if self.index is not None else ""
        line = ": ".join(part for part in (place.strip(), self._detail(), self._not_retried) if part)
        return f"{line} (the campus may have carried it out)" if self.maybe_applied else line

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        state = {name: value for name, value in self.__dict__.items() if name not in self._private}
        state |= dict.fromkeys(self._private)
        return _rebuild, (type(self), state), {"__cause__": _make_portable(self.__cause__)}

    def __setstate__(self, state: dict[str, Any] | None) -> None:
        if state and state.get("__cause__") is not None:
            self.__cause__ = state["__cause__"]

    def _detail(self) -> str:
        line = " ".join(self.message.split())
        return f"{line[:_LONGEST]}..." if len(line) > _LONGEST else line


def fresh_copy(error: _E) -> _E:
    """Return a copy of an error. An error raised in several tasks must not share a traceback."""
    copy = type(error).__new__(type(error))
    copy.__dict__.update(error.__dict__)
    Exception.__init__(copy, error.message)
    copy.__cause__ = error.__cause__
    return copy
