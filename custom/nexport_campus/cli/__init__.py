"""The command line, `nexport`; it needs the `cli` extra."""

import sys
from importlib.util import find_spec

__all__ = ["main"]

_NEEDED = ("click", "keyring", "rich")


def main() -> None:
    """Run `nexport` with the arguments of this process, and exit with its code."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        sys.exit(f'nexport: error: {", ".join(missing)} missing: pip install "nexport-campus[cli]"')
    try:
        from ._main import root

        root.main()
    except KeyboardInterrupt:  # before the command itself could take it
        sys.exit(130)
