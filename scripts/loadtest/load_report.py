"""Prints the report of a load test."""

from rich.console import Console
from rich.table import Table

from .fault_plan import RATE
from .memory import MOST_GROWTH, Memory
from .traffic import Traffic
from .walk import Walk

__all__ = ["report"]

_MiB = 2**20
_MOST_MISTAKES = 20


def report(console: Console, walked: Walk, traffic: Traffic, logins: int) -> bool:
    """Print the figures and the verdict; return whether the run succeeded."""
    _walk(console, walked)
    _calls(console, traffic, logins)
    _faults(console, traffic)
    mistakes = [*walked.find_mistakes(), *traffic.tally.mistakes]
    mistakes += _leaks("the walk", walked.memory) + _leaks("the calls", traffic.memory)
    _memory(console, walked.memory, traffic.memory)
    if not mistakes:
        console.print(
            "\n[bold green]All is well:[/] nothing lost, nothing repeated, every outcome reported correctly."
        )
        return True
    console.print(f"\n[bold red]{len(mistakes)} mistakes:[/]")
    for mistake in mistakes[:_MOST_MISTAKES]:
        console.print(f"  {mistake}", markup=False)
    return False


def _walk(console: Console, walked: Walk) -> None:
    pace = walked.received / walked.seconds if walked.seconds else 0
    console.print("\n[bold]The walk[/]  [dim]search_enrollments(...).concurrent(8)[/]")
    console.print(
        f"  {walked.received:,} of {walked.expected:,} enrollments, {walked.count_distinct():,} different, in order; "
        f"{walked.seconds:.0f} s, {pace:,.0f} a second; resumed {walked.resumed} times"
    )


def _calls(console: Console, traffic: Traffic, logins: int) -> None:
    tally = traffic.tally
    table = Table("call", "made", "failed", "maybe applied", title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for kind, made in sorted(tally.calls.items()):
        table.add_row(kind, f"{made:,}", f"{tally.failed[kind]:,}", f"{tally.unknown[kind]:,}")
    total = tally.calls.total()
    table.add_section()
    table.add_row("all", f"{total:,}", f"{tally.failed.total():,}", f"{tally.unknown.total():,}")
    console.print("\n[bold]The calls[/]")
    console.print(table)
    console.print(
        f"  {traffic.requests:,} requests, {tally.read:,} records read, {logins:,} logins; "
        f"{traffic.seconds:.0f} s, {total / traffic.seconds:,.0f} calls a second"
    )
    writes = tally.writes
    console.print(
        f"  writes, verified with the request log: {writes['reported done']:,} succeeded, each applied once; "
        f"{writes['reported not done']:,} failed, none applied;\n"
        f"  {writes['maybe done'] + writes['maybe not done']:,} with unknown outcome: "
        f"{writes['maybe done']:,} were done (once), {writes['maybe not done']:,} were not"
    )


def _faults(console: Console, traffic: Traffic) -> None:
    struck = traffic.struck.total()
    console.print(
        f"\n[bold]The faults[/]  {struck:,} of {traffic.requests:,} requests of the calls "
        f"({struck / max(1, traffic.requests):.1%}; {RATE:.0%} injected)"
    )
    console.print("  " + ", ".join(f"{name}: {count:,}" for name, count in traffic.struck.most_common()))
    errors = ", ".join(f"{name}: {count:,}" for name, count in traffic.tally.errors.most_common())
    console.print(f"  errors that callers saw: {errors or 'none'}")


def _memory(console: Console, *phases: Memory) -> None:
    console.print(f"\n[bold]Memory[/]  at most {MOST_GROWTH // _MiB} MiB more than in the first tenth")
    for name, memory in zip(("walk", "calls"), phases, strict=True):
        console.print(
            f"  {name}: {memory.warm / _MiB:.1f} MiB after the first tenth, then at most "
            f"{memory.peak / _MiB:.1f} MiB: +{memory.growth / _MiB:.1f} MiB"
        )


def _leaks(name: str, memory: Memory) -> list[str]:
    if memory.growth <= MOST_GROWTH:
        return []
    return [f"{name} took {memory.growth / _MiB:.1f} MiB more after the first tenth than in it"]
