"""The steps in their order: what `scripts/regenerate` does."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import merge, names, overlay, pages, tree
from .errors import PipelineError
from .generate import generate
from .jsontext import Document, dumps, loads
from .layout import Layout
from .spec import the_operation, validate
from .transaction import Transaction, alone


@dataclass
class Report:
    """What a run has to say: what it changed or found different, and what a person may want to look at."""

    changed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class Inputs:
    """What a run starts from: the fragments and provisional documents by operationId, and the overlay's text."""

    fragments: dict[str, Document]
    provisional: dict[str, Document]
    overlay: str

    @classmethod
    def read(cls, layout: Layout) -> "Inputs":
        """Read them from the repository.

        Raises:
            PipelineError: a file is not what its folder holds.
        """
        return cls(
            _read_folder(layout.root, layout.FRAGMENTS),
            _read_folder(layout.root, layout.PROVISIONAL),
            _read(layout.root / layout.OVERLAY, layout.OVERLAY),
        )


def regenerate(root: Path, page_files: Sequence[Path] = ()) -> Report:
    """Make everything anew, and put it in place; nothing is written unless the whole run succeeds.

    Args:
        root: the repository.
        page_files: pages of the vendor's to take fragments out of first.

    Raises:
        PipelineError: something stops the run.
    """
    layout = Layout(root)
    with alone(root):
        transaction = Transaction(root)
        transaction.begin()
        try:
            report = Report()
            inputs = Inputs.read(layout)
            if page_files:
                _take_pages(inputs, page_files, report)
            _write_all(inputs, layout, transaction.new, report, with_inputs=bool(page_files))
            changed = {name: _differences(root, transaction.new, name) for name in _results(page_files)}
            report.changed = [line for lines in changed.values() for line in lines]
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
        _write_all(Inputs.read(layout), layout, target, report, with_inputs=False)
        for name in _results(()):
            report.changed.extend(_differences(root, target, name))
    return report


def _results(page_files: Sequence[Path]) -> list[str]:
    inputs = [Layout.FRAGMENTS, Layout.OVERLAY] if page_files else []
    return [*inputs, Layout.MERGED, Layout.SDK, Layout.CLIENT]


def _differences(root: Path, target: Path, name: str) -> list[str]:
    return list(tree.differences(root / name, target / name, name))


def _take_pages(inputs: Inputs, files: Sequence[Path], report: Report) -> None:
    stated = pages.read_pages(files)
    inputs.fragments, gone = pages.take_over(stated, inputs.fragments)
    inputs.overlay, marks = overlay.without_marks(inputs.overlay, gone, Layout.OVERLAY)
    report.notes.extend(f"{name} is gone: its page does not have it any more" for name in gone)
    report.notes.extend(f"the overlay's mark {target} is gone with its operation" for target in marks)
    for name, document in inputs.provisional.items():
        if the_operation(document, name).area in stated.areas and name not in inputs.fragments:
            report.notes.append(f"{name} stays provisional: its area's page does not have it")


def _write_all(inputs: Inputs, layout: Layout, target: Path, report: Report, *, with_inputs: bool) -> None:
    if with_inputs:
        for name, document in inputs.fragments.items():
            _write(target / layout.FRAGMENTS / f"{name}.json", dumps(document))
        _write(target / layout.OVERLAY, inputs.overlay)
    provisional = {name: item for name, item in inputs.provisional.items() if name not in inputs.fragments}
    merged = merge.merge(
        {f"{layout.PROVISIONAL}/{name}.json": document for name, document in provisional.items()}
        | {f"{layout.FRAGMENTS}/{name}.json": document for name, document in inputs.fragments.items()}
    )
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


def _read_folder(root: Path, folder: str) -> dict[str, Document]:
    found: dict[str, Document] = {}
    for file in sorted((root / folder).glob("*")):
        name = f"{folder}/{file.name}"
        text = _read(file, name)
        document = loads(text, name)
        validate(document, name)
        operation = the_operation(document, name)
        if file.name != f"{operation.id}.json":
            raise PipelineError(
                f"{name}: it states {operation.id}, and so must be called {operation.id}.json"
            )
        if text != dumps(document):
            raise PipelineError(f"{name}: it is not as the pipeline writes it; was it edited by hand?")
        found[operation.id] = document
    return found


def _read(file: Path, name: str) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PipelineError(f"{name}: it cannot be read: {error}") from error


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode("utf-8"))
