"""Keeps secrets out of the logs of the libraries below us: httpcore's show an answer's headers, which may echo a token."""

import logging
from weakref import WeakSet

from ._secrets import Scrubber

__all__ = ["scrub_logs"]

_LOGGERS = (
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
    "httpx",
    "nexport_campus",
)


class _ScrubbingFilter(logging.Filter):
    """Takes the secrets of all living clients out of every record."""

    def __init__(self) -> None:
        super().__init__()
        self.scrubbers: WeakSet[Scrubber] = WeakSet()

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        scrubbed = text
        for scrubber in list(self.scrubbers):
            scrubbed = scrubber.text(scrubbed)
        if scrubbed != text:
            record.msg, record.args = scrubbed, ()
        return True


_filter = _ScrubbingFilter()


def scrub_logs(scrubber: Scrubber) -> None:
    """From now on, and for as long as it lives, this scrubber's secrets are taken out of these logs.

    A logger's filter sees only what is logged to that very logger, so each of httpcore's gets it.
    """
    _filter.scrubbers.add(scrubber)
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_filter)
