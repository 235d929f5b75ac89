"""The command line, `nexport`; it needs the `cli` extra."""

import sys
from importlib.util import find_spec
from typing import NoReturn

from nexport_campus._version import describe_missing_extra

from .standard_streams import reserve_descriptors

__all__ = ["main"]

# keyring is optional: without it, credentials come from the environment or a prompt.
_REQUIRED = ("click", "rich")


def main() -> None:
    """Run `nexport` with the arguments of this process, and exit with its code."""
    reserve_descriptors()
    if any(find_spec(name) is None for name in _REQUIRED):
        _exit_with_error(describe_missing_extra(__name__, "cli"))
    try:
        from .root import root

        root.main()
    except KeyboardInterrupt:  # before the command can handle it
        sys.exit(130)


def _exit_with_error(reason: str) -> NoReturn:
    """Report an error and exit with the code of a configuration error."""
    if sys.stderr is not None:
        print(f"nexport: error: {reason}", file=sys.stderr)
    sys.exit(2)
