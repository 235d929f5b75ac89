"""The command line, `nexport`; it needs the `cli` extra."""

import sys
from importlib.util import find_spec
from typing import NoReturn

from .standard_streams import reserve_descriptors

__all__ = ["main"]

# Without keyring, credentials come from the environment or a prompt.
_NEEDED = ("click", "rich")


def main() -> None:
    """Run `nexport` with the arguments of this process, and exit with its code."""
    reserve_descriptors()
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        _give_up(f'{" and ".join(missing)} missing: pip install "nexport-campus[cli]"')
    try:
        from .root import root

        root.main()
    except KeyboardInterrupt:  # before the command can handle it
        sys.exit(130)


def _give_up(reason: str) -> NoReturn:
    """Exit as for settings that can't work."""
    if sys.stderr is not None:
        print(f"nexport: error: {reason}", file=sys.stderr)
    sys.exit(2)
