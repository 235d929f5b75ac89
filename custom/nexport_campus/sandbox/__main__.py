"""Command line: `python -m nexport_campus.sandbox --port 8010 --seed 7` serves a campus in the foreground."""

from __future__ import annotations

import argparse
import sqlite3

from .accounts import account_password
from .sandbox_settings import SandboxSettings
from .serving.server import serve_in_foreground, serve_parent

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Serve until interrupted, after printing the address, a user name and the password."""
    parser = argparse.ArgumentParser(prog="nexport-sandbox", description="A NexPort campus to work against.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8010, help="0 takes a free one (default: 8010)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--enrollments", type=int, default=5000)
    parser.add_argument("--token-lifetime", type=float, default=3600.0, metavar="SECONDS")
    parser.add_argument("--database", metavar="FILE", help="keep the campus in a file")
    parser.add_argument("--strict", action="store_true", help="conform to the vendor's schemas to the letter")
    parser.add_argument("--owned", action="store_true", help=argparse.SUPPRESS)
    given = vars(parser.parse_args(arguments))
    if given.pop("owned"):
        serve_parent()
        return
    try:
        settings = SandboxSettings(**given)
        serve_in_foreground(settings, lambda url: _announce(url, settings.seed))
    except (OSError, ValueError, sqlite3.Error) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")


def _announce(url: str, seed: int) -> None:
    print(
        f"url       {url}\nusername  api.administrator\npassword  {account_password(seed, 'administrator')}",
        flush=True,
    )


if __name__ == "__main__":
    main()
