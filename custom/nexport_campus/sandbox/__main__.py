"""Command line: `python -m nexport_campus.sandbox --port 8010 --seed 7` serves a campus in the foreground."""

from __future__ import annotations

import argparse
import sqlite3

from .accounts import account_password, account_username
from .sandbox_settings import DEFAULTS, FOREGROUND_PORT, SandboxSettings
from .serving.server import serve_in_foreground, serve_parent

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Serve until interrupted, after printing the address, a user name and the password."""
    parser = argparse.ArgumentParser(prog="nexport-sandbox", description="A NexPort campus to work against.")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int, help=f"0 takes a free one (default: {FOREGROUND_PORT})")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--enrollments", type=int)
    parser.add_argument("--token-lifetime", type=float, metavar="SECONDS")
    parser.add_argument("--database", metavar="FILE", help="keep the campus in a file")
    parser.add_argument("--strict", action="store_true", help="conform to the vendor's schemas to the letter")
    parser.add_argument("--owned", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(**{**DEFAULTS, "port": FOREGROUND_PORT})
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
    username, password = account_username("administrator"), account_password(seed, "administrator")
    print(f"url       {url}\nusername  {username}\npassword  {password}", flush=True)


if __name__ == "__main__":
    main()
