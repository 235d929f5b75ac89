"""The command line of `scripts/regenerate`."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from . import originals, steps
from .campus_wheel import build_wheel
from .difference import Difference, compare_revisions
from .errors import PipelineError
from .layout import Layout
from .pages import Stated, read_pages
from .report_lines import group_by_folder
from .swagger import read_definition
from .transaction import Transaction, locked


def main(arguments: Sequence[str], root: Path) -> int:
    """Run the pipeline and print a short report.

    Args:
        arguments: The arguments after the program's name.
        root: The repository.

    Returns:
        int: The exit code: 0, or 1 if the run stopped or `--check` found a difference.
    """
    parser = _make_parser()
    options = parser.parse_args(arguments)
    if problem := _find_write_problem(options.json):
        parser.error(f"--json: {problem}")
    if options.wheel and not options.swagger:
        parser.error("--wheel needs --swagger FILE")
    if options.keep_provisional and not (options.pages or options.swagger):
        parser.error("--keep-provisional needs --pages or --swagger")
    try:
        return _run(options, root)
    except PipelineError as error:
        message = str(error)
    except RecursionError:
        message = "a document is nested too deeply to be read; nothing was written"
    except OSError as error:
        message = f"{error.strerror or error}: {error.filename or root}; " + _describe_outcome(root)
    except KeyboardInterrupt:
        message = f"interrupted; {_describe_outcome(root)}"
    print(f"regenerate: {message}", file=sys.stderr)
    return 1


def _find_write_problem(file: Path | None) -> str | None:
    """Return why a report can't be written, before anything else is."""
    if file is None:
        return None
    folder = file.absolute().parent
    if not folder.is_dir():
        return f"the folder {file.parent} does not exist"
    if file.is_dir():
        return f"{file} is a folder"
    return None if os.access(file if file.exists() else folder, os.W_OK) else f"{file} cannot be written"


def _describe_outcome(root: Path) -> str:
    """Return what an interrupted run leaves."""
    if Transaction(root).pending():
        return "run scripts/regenerate again to finish, or with --discard to drop the results"
    return "nothing was written"


def _run(options: argparse.Namespace, root: Path) -> int:
    """Run what the options select, print its report, and return the exit code."""
    if options.discard:
        with locked(root):
            Transaction(root).discard()
        print(
            "the results of an interrupted run are discarded; the files are as they were before this command"
        )
        return 0
    if options.wheel:
        return _build_wheel(options, root)
    if options.accept_templates:
        originals.accept(Layout(root))
    if options.diff:
        Transaction(root).refuse_if_pending()
        _print_difference(compare_revisions(root, options.diff), options.json)
        return 0
    report = _regenerate(options, root)
    if report.difference is not None:
        _print_difference(report.difference, options.json, report)
    for line in group_by_folder(report.changed):
        print(line)
    for note in report.notes:
        print(f"note: {note}")
    outcome = _conclude(options.check, len(report.changed))
    if report.to_do:
        print("\n".join(["", *report.to_do]))
    return outcome


def _build_wheel(options: argparse.Namespace, root: Path) -> int:
    """Build a wheel of the definition, and leave the repository as it is."""
    stated = read_definition(options.swagger)
    wheel, report = build_wheel(
        root,
        stated,
        options.wheel,
        options.output,
        test=not options.no_test,
        keep_provisional=options.keep_provisional,
    )
    if report.difference is not None:
        _print_difference(report.difference, options.json, report)
    for note in report.notes:
        print(f"note: {note}")
    print(f"built {wheel}; the repository is unchanged")
    return 0


def _regenerate(options: argparse.Namespace, root: Path) -> steps.Report:
    if options.check:
        return steps.check(root)
    with locked(root):
        if finished := Transaction(root).recover():
            print(f"finished what an interrupted run had begun: {', '.join(finished)}", flush=True)
    stated: Stated | None = None
    if options.swagger:
        stated = read_definition(options.swagger)
    elif options.pages:
        stated = read_pages(options.pages)
    everything, keep = options.swagger is not None, options.keep_provisional
    return steps.regenerate(root, stated, everything=everything, keep_provisional=keep)


def _print_difference(difference: Difference, file: Path | None, report: steps.Report | None = None) -> None:
    """Print the report, and write it as JSON if `--json` names a file."""
    print(difference.render() or "nothing changes for users")
    if file is not None:
        notes, to_do = (report.notes, report.to_do) if report else ([], [])
        file.write_text(difference.to_json(notes, to_do), encoding="utf-8")


def _conclude(checking: bool, count: int) -> int:
    if checking and count:
        print(
            f"regenerate: {count} files are out of date; run scripts/regenerate",
            file=sys.stderr,
        )
        return 1
    print(f"files changed: {count}" if count else "everything is up to date")
    return 0


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/regenerate",
        description="Regenerate nexport_client: fragments, merge, overlay, generate, format.",
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--check", action="store_true", help="change nothing; fail if a file is out of date")
    kind.add_argument(
        "--pages",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help="extract fragments from the vendor's documentation pages first",
    )
    kind.add_argument(
        "--swagger",
        type=Path,
        metavar="FILE",
        help="extract fragments from a whole definition first (OpenAPI 3 or Swagger 2.0); areas and operations that it lacks are removed",
    )
    kind.add_argument(
        "--diff",
        metavar="REV",
        help="change nothing; report what changed for users since a git revision, or between two (REV..REV)",
    )
    kind.add_argument(
        "--discard",
        action="store_true",
        help="discard the results of a run that was killed while it wrote them",
    )
    kind.add_argument(
        "--accept-templates",
        action="store_true",
        help="record the hashes of the installed generator's templates after comparing them with ours",
    )
    wheel = parser.add_argument_group("a wheel of a campus's own definition (with --swagger)")
    wheel.add_argument(
        "--wheel",
        metavar="LABEL",
        help="regenerate and test a copy of the repository, and build a wheel of it, under a local version such as "
        "0.2.0+campus.example",
    )
    wheel.add_argument(
        "--output", type=Path, default=Path("dist"), help="folder for the wheel (default: dist)"
    )
    wheel.add_argument(
        "--no-test", action="store_true", help="build the wheel without running the client's tests"
    )
    parser.add_argument(
        "--keep-provisional",
        action="store_true",
        help="with --pages or --swagger: keep provisional operations that the imported areas lack, instead of removing them",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the report as JSON")
    return parser
