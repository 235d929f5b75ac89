"""Records every place where a secret could leak: logs, tracebacks with locals, pickles, reprs, attributes and spans."""

import gc
import logging
import pickle
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["LeakRecorder"]


class LeakRecorder(logging.Handler):
    """Collects every string that logs, errors, spans and reprs show while it is attached."""

    def __init__(self) -> None:
        super().__init__(level=1)
        self.strings: list[str] = []
        self.attributes: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.strings.append(f"{record.getMessage()} {record.__dict__!r}")

    @contextmanager
    def watching(self) -> Iterator["LeakRecorder"]:
        """Attach to every logger at its lowest level while the block runs."""
        # Frozen objects aren't listed: those of earlier tests may show their secrets, or be half-built ones whose repr
        # fails. Looking through all of them would take half a second.
        gc.freeze()
        loggers = [logging.getLogger(name) for name in ("", "httpx", "httpcore", "nexport_campus", "asyncio")]
        levels = [logger.level for logger in loggers]
        for logger in loggers:
            logger.setLevel(1)
        logging.getLogger().addHandler(self)
        try:
            yield self
        finally:
            gc.unfreeze()
            logging.getLogger().removeHandler(self)
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)

    def error(self, error: BaseException) -> None:
        """Record an error as tools show it: with the locals of our frames, pickled, and attribute by attribute."""
        for link in _chain(error):
            self.strings += [str(link), repr(link), repr(link.args)]
            self.attributes.append(repr(vars(link)))
            for frame, _ in traceback.walk_tb(link.__traceback__):
                if {"nexport_campus", "nexport_client"} & set(Path(frame.f_code.co_filename).parts):
                    self.strings.append(repr(frame.f_locals))
            for value in vars(link).values():
                self.strings.append(repr(getattr(value, "url", "")))
        self.strings.append(pickle.dumps(error).decode("latin-1"))
        self.strings.append(repr(pickle.loads(pickle.dumps(error))))

    def objects(self) -> None:
        """Record the repr of every live object whose class is ours and that was made since `watching` began.

        Call it within the block.
        """
        ours = [item for item in gc.get_objects() if str(type(item).__module__).startswith("nexport_")]
        self.strings += map(repr, ours)

    def show(self, *secrets: str, attributes: bool = True) -> list[str]:
        """Return the recorded strings that contain one of the secrets, including attributes of errors unless disabled."""
        watched = self.strings + (self.attributes if attributes else [])
        return [
            string[:500] for string in watched if any(secret.lower() in string.lower() for secret in secrets)
        ]


def _chain(error: BaseException | None) -> Iterator[Any]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
