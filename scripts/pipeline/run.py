"""The steps in their order: what `scripts/regenerate` does."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from . import merge, names, overlay, tree
from .difference import Difference, compare, version_of
from .errors import PipelineError
from .generate import generate
from .inputs import Inputs
from .jsontext import Document, dumps
from .layout import Layout
from .pages import Stated
from .transaction import Transaction, alone

_RESULTS = [Layout.MERGED, Layout.SDK, Layout.CLIENT]


@dataclass
class Report:
    """What a run has to say: what it changed or found different, and what a person may want to look at."""

    changed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    difference: Difference | None = None


def regenerate(root: Path, stated: Stated | None = None, *, everything: bool = False) -> Report:
    """Make everything anew, and put it in place; nothing is written unless the whole run succeeds.

    Args:
        root: the repository.
        stated: fragments to take over first.
        everything: whether `stated` is all there is, so that an area that it doesn't have is gone.

    Raises:
        PipelineError: something stops the run.
    """
    layout = Layout(root)
    with alone(root):
        transaction = Transaction(root)
        transaction.begin()
        try:
            report, inputs = Report(), Inputs.read(layout)
            written = list(_RESULTS)
            if stated is not None:
                report.notes += inputs.take(stated, everything=everything)
                written[:0] = [Layout.FRAGMENTS, Layout.OVERLAY]
                _write_inputs(inputs, transaction.new)
            _write_results(inputs, layout, transaction.new, report)
            changed = {name: _differences(root, transaction.new, name) for name in written}
            report.changed = [line for lines in changed.values() for line in lines]
            if report.changed:
                _tell_difference(root, transaction.new, report)
            transaction.commit([name for name, lines in changed.items() if lines])
        finally:
            if not transaction.pending():
                transaction.discard()
    return report


def check(root: Path) -> Report:
    """Compare the repository with what a run would write, and change nothing.

    Raises:
        PipelineError: something would stop the run.
    """
    if Transaction(root).pending():
        raise PipelineError("a run of scripts/regenerate was killed at its end; run it again to finish it")
    layout, report = Layout(root), Report()
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder)
        _write_results(Inputs.read(layout), layout, target, report)
        for name in _RESULTS:
            report.changed.extend(_differences(root, target, name))
    return report


def _differences(root: Path, target: Path, name: str) -> list[str]:
    return list(tree.differences(root / name, target / name, name))


def _tell_difference(root: Path, new: Path, report: Report) -> None:
    """Say what changes for users, where there is a whole old state to compare with."""
    try:
        report.difference = compare(root, new, version_of(root))
    except PipelineError as error:
        report.notes.append(f"no report of what changes for users: {error}")


def _write_inputs(inputs: Inputs, target: Path) -> None:
    (target / Layout.FRAGMENTS).mkdir(parents=True)
    for name, document in inputs.fragments.items():
        _write(target / Layout.FRAGMENTS / f"{name}.json", dumps(document))
    _write(target / Layout.OVERLAY, inputs.overlay)


def _write_results(inputs: Inputs, layout: Layout, target: Path, report: Report) -> None:
    merged = merge.merge(inputs.sources())
    corrected = overlay.apply(overlay.load(inputs.overlay, layout.OVERLAY), merged, layout.OVERLAY)
    names.check(corrected, layout.SDK)
    _write(target / layout.MERGED, dumps(merged))
    _write(target / layout.SDK, dumps(corrected))
    generate(corrected, layout, target / layout.CLIENT)
    report.notes.extend(_advice(corrected))


def _advice(document: Document) -> list[str]:
    return [
        f"{name} counts as writing, until {Layout.OVERLAY} marks it (x-nexport-effect)"
        for name in names.unmarked(document)
    ] + [
        f"{pointer} is an enum without names for its members; {Layout.OVERLAY} can give them"
        for pointer in names.unnamed_enums(document)
    ]


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode("utf-8"))
