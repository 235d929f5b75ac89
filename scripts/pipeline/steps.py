"""The steps of `scripts/regenerate` in order."""

import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from . import changelog, merge, overlay, readme, tree
from .checks import check_document, select_sound_part
from .decisions import list_decisions
from .difference import Difference, compare, read_version
from .enums import refer_to_enums
from .errors import PipelineError, Problems
from .generate import find_objections, generate
from .inputs import Inputs, read
from .jsontext import dumps
from .layout import Layout
from .pages import Stated
from .provisional import mark_provisional
from .reachable import allow_null_dates
from .spec_changes import EFFECTS
from .token_places import find_odd_token_places
from .transaction import Transaction, locked
from .uses import find_code_to_adapt

_DOCUMENTS = {
    Layout.README: readme.update_operations,
    Layout.RETRIES: readme.update_effects,
    Layout.PROVISIONAL_PAGE: readme.update_provisional,
}
_RESULTS = [Layout.MERGED, Layout.SDK, Layout.CLIENT, *_DOCUMENTS]


@dataclass
class Report:
    """The result of a run.

    Attributes:
        changed: Changed or differing files.
        notes: Notes for a person.
        difference: The changes for users; None if there is no complete old state.
        gone: Places that are removed before they were ever released.
        to_do: The code that a person has to adapt before the checks and the tests pass.
    """

    changed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    difference: Difference | None = None
    gone: set[str] = field(default_factory=set)
    to_do: list[str] = field(default_factory=list)


def regenerate(
    root: Path, stated: Stated | None = None, *, everything: bool = False, keep_provisional: bool = False
) -> Report:
    """Regenerate everything; nothing is written unless the whole run succeeds.

    Args:
        root: The repository.
        stated: Fragments to take in first.
        everything: Whether `stated` is the whole API, so that areas that it lacks are removed.
        keep_provisional: Whether provisional operations of the stated areas stay where `stated` lacks them.

    Raises:
        PipelineError: The run stopped.
    """
    layout = Layout(root)
    with locked(root):
        transaction = Transaction(root)
        transaction.begin()
        try:
            report, inputs = Report(), Inputs.read(layout)
            new, written = transaction.new, list(_RESULTS)
            if stated is not None:
                report.notes += inputs.take(stated, everything=everything, keep_provisional=keep_provisional)
                written[:0] = [Layout.FRAGMENTS, Layout.PROVISIONAL, Layout.OVERLAY]
                _write_inputs(inputs, new)
            _write_results(inputs, layout, new, report)
            changed = _find_changed(root, new, written, tree.WRITTEN)
            _report_difference(root, new, report, same=not changed)
            if stated is not None:
                report.to_do = _list_to_do(root, report, keeping=keep_provisional)
                _draft(root, new, report)
                changed |= _find_changed(root, new, [Layout.CHANGELOG], tree.WRITTEN)
            report.changed = [line for lines in changed.values() for line in lines]
            transaction.commit(list(changed))
        finally:
            if not transaction.pending():
                transaction.discard()
    return report


def check(root: Path) -> Report:
    """Compare the repository with what a run would write, without changing anything.

    Raises:
        PipelineError: A run would stop.
    """
    Transaction(root).refuse_if_pending()
    layout, report = Layout(root), Report()
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder)
        _write_results(Inputs.read(layout), layout, target, report)
        changed = _find_changed(root, target, _RESULTS, tree.FOUND)
    report.changed = [line for lines in changed.values() for line in lines]
    return report


def _find_changed(
    root: Path, new: Path, names: Iterable[str], words: tuple[str, str, str]
) -> dict[str, list[str]]:
    """Return the differences of the named files and folders, by name; those without any are left out."""
    found = {
        name: list(tree.find_differences(root / name, new / name, name, words))
        for name in names
        if (new / name).exists()
    }
    return {name: lines for name, lines in found.items() if lines}


def _report_difference(root: Path, new: Path, report: Report, *, same: bool) -> None:
    """Report what changes for users, if there is a complete old state to compare with."""
    try:
        version = read_version(root)
        found = Difference([], version) if same else compare(root, new, version)
    except PipelineError as error:
        report.notes.append(f"no report of what changes for users: {error}")
        return
    never_released = changelog.find_unreleased_places(_read_changelog(root))
    report.difference = found.exclude(never_released)
    report.notes += [
        f"{change} (it is not released yet)"
        for change in found.changes
        if change.detail in EFFECTS.values() and change not in report.difference.changes
    ]
    report.gone = {item.place for item in found.changes if item.kind == "removed"} & never_released


def _read_changelog(root: Path) -> str:
    file = root / Layout.CHANGELOG
    return read(file, Layout.CHANGELOG) if file.exists() else ""


def _write_inputs(inputs: Inputs, target: Path) -> None:
    for folder, documents in {
        Layout.FRAGMENTS: inputs.fragments,
        Layout.PROVISIONAL: inputs.provisional,
    }.items():
        (target / folder).mkdir(parents=True)
        for name, document in documents.items():
            _write(target / folder / f"{name}.json", dumps(document))
    _write(target / Layout.OVERLAY, inputs.overlay)


def _write_results(inputs: Inputs, layout: Layout, target: Path, report: Report) -> None:
    problems = Problems()
    merged = merge.merge(inputs.collect_sources(), problems)
    actions = overlay.load(inputs.overlay, layout.OVERLAY, problems)
    corrected = overlay.apply(actions, merged, layout.OVERLAY, problems)
    report.notes += refer_to_enums(corrected, merged, problems)
    allow_null_dates(corrected)
    mark_provisional(corrected, inputs.provisional.keys() - inputs.fragments.keys())
    check_document(corrected, problems)
    if problems:
        for message in find_objections(select_sound_part(corrected, problems), layout):
            problems.add(message)
    problems.stop()
    report.notes += problems.notes
    _write(target / layout.MERGED, dumps(merged))
    _write(target / layout.SDK, dumps(corrected))
    generate(corrected, layout, target / layout.CLIENT)
    for name, written in _DOCUMENTS.items():
        if (file := layout.root / name).exists():
            _write(target / name, written(read(file, name), corrected))
    report.notes += find_odd_token_places(merged, corrected)
    report.notes += list_decisions(corrected)


def _list_to_do(root: Path, report: Report, *, keeping: bool) -> list[str]:
    """Return lines about the code that a person has to adapt, and how to keep provisional operations instead."""
    changes = report.difference.changes if report.difference else []
    block = find_code_to_adapt(root, changes)
    lost = [
        each.place
        for each in changes
        if each.provisional and each.kind == "removed" and re.fullmatch(r"\w+_\w+", each.place)
    ]
    if block and lost and not keeping:
        block.append(
            f"Of these operations, {len(lost)} {'were' if len(lost) > 1 else 'was'} provisional, and the import lacks "
            f"{'them' if len(lost) > 1 else 'it'}. To keep {'them' if len(lost) > 1 else 'it'}, undo this run with git, and repeat "
            "it with --keep-provisional."
        )
    return block


def _draft(root: Path, new: Path, report: Report) -> None:
    """Draft the changelog's entry, if there is a changelog and a change. Unreleased additions that are gone are removed from it."""
    difference, text = report.difference, _read_changelog(root)
    if difference is None or not text or not (difference.changes or report.gone):
        return
    drafted = changelog.remove_places(text, report.gone)
    if difference.changes:
        lines = changelog.write_lines(difference.changes)
        drafted = changelog.insert_draft(drafted, difference.version, difference.next_version, lines)
    _write(new / Layout.CHANGELOG, drafted)


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode("utf-8"))
