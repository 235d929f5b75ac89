"""Runs the load test: starts the sandbox, runs both phases, prints the report."""

import argparse
import asyncio
import logging

from rich.console import Console

from nexport_campus import NexportCampus, PasswordAuth, RetryPolicy
from nexport_campus.sandbox import Sandbox

from . import fault_plan
from .load_report import report
from .targets import find_targets
from .traffic import AT_ONCE, Traffic, count_needed_targets
from .walk import walk

__all__ = ["main"]

_TOKEN_SECONDS = 20.0
_RETRY = RetryPolicy(max_attempts=6, initial_delay=0.02, max_delay=0.5)


def main(arguments: list[str]) -> int:
    """Run the load test with command line arguments; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/load", description="Mixed calls and a long walk against a failing sandbox."
    )
    parser.add_argument("--calls", type=int, default=100_000, help="how many mixed calls, from 300")
    parser.add_argument("--enrollments", type=int, default=1_000_000, help="how many to walk, from 10000")
    parser.add_argument("--seed", type=int, default=7, help="of the campus, its faults and the calls")
    given = parser.parse_args(arguments)
    if given.calls < 300 or given.enrollments < 10_000:
        parser.error("at least 300 calls and 10000 enrollments are needed")
    # Faults and warnings are provoked by the thousand; a log line for each would bury the report.
    logging.getLogger("nexport_campus").setLevel(logging.ERROR)
    return 0 if asyncio.run(_run(given.calls, given.enrollments, given.seed)) else 1


async def _run(calls: int, enrollments: int, seed: int) -> bool:
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"A campus with {enrollments:,} enrollments, {fault_plan.RATE:.0%} of requests failing, tokens of "
        f"{_TOKEN_SECONDS:.0f} s; a walk, then {calls:,} calls, {AT_ONCE} at a time"
    )
    async with Sandbox(seed=seed, enrollments=enrollments, token_lifetime=_TOKEN_SECONDS) as sandbox:
        samples = await sandbox.samples()
        campus = NexportCampus(
            PasswordAuth(sandbox.username, sandbox.password),
            base_url=sandbox.url,
            timeout=fault_plan.TIMEOUT,
            retry=_RETRY,
            on_drift=lambda drift: None,
        )
        async with campus:
            targets = await find_targets(campus, samples, count_needed_targets(calls))
            traffic = Traffic(sandbox, campus, targets, seed, await fault_plan.install(sandbox))
            walked = await walk(campus, samples, enrollments)
            await traffic.run(calls)
        logins = (await sandbox.books(since=traffic.requests)).counts["AdminApi_Authenticate"]
    return report(console, walked, traffic, logins)
