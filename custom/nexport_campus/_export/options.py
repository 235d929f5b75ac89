"""The options of an export, as a program or the command line gives them, and the checks that they share."""

from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, Literal

from nexport_campus._version import describe_missing_extra

from .datasets import DATASETS, DEFAULT_ELEMENTS
from .errors import OptionError
from .output import FORMATS, Format, Output
from .request import LAST, ExportRequest, Filters

__all__ = ["make_output", "make_request"]


def make_request(
    dataset: str,
    *,
    address: str,
    filters: Filters,
    since: datetime | Literal["last"] | None,
    until: datetime | None,
    overlap: timedelta | None,
    elements: tuple[str, ...],
    per_page: int | None,
    concurrency: int,
    by: Literal["month", "day"] | None = None,
    zone: str = "UTC",
) -> ExportRequest:
    """Return the request that the options describe, for the campus at an address. Raises OptionError."""
    if elements and dataset != "scorm-data":
        raise OptionError("{elements} is for {scorm_data} only")
    if overlap is not None and since != LAST:
        raise OptionError("{overlap} is for {since_last} only")
    return ExportRequest(
        dataset=DATASETS[dataset],
        address=address,
        filters=filters,
        since=since,
        until=until,
        overlap=overlap,
        by=by,
        zone=zone,
        elements=tuple(dict.fromkeys(elements or DEFAULT_ELEMENTS)) if dataset == "scorm-data" else (),
        per_page=per_page,
        concurrency=concurrency,
    )


def make_output(
    target: Path | BinaryIO,
    *,
    format: Format | None,  # noqa: A002 -- the name of the option
    labels: bool | None,
    keep_state: bool,
    since: object,
    bom: bool = False,
) -> Output:
    """Return the target and the format that the options specify. Raises OptionError."""
    form = format or (FORMATS.get(target.suffix.lower()) if isinstance(target, Path) else "jsonl")
    if form is None:
        name = target.name if isinstance(target, Path) else target
        raise OptionError("{to}: the suffix of {name} doesn't determine the format; add {format}", name=name)
    if form == "parquet" and find_spec("pyarrow") is None:
        raise OptionError("{reason}", reason=describe_missing_extra("Parquet", "parquet"))
    if labels and form in ("jsonl", "sqlite"):
        raise OptionError("{labels}: {form} always has numbers; CSV and Parquet support labels", form=form)
    if bom and form != "csv":
        raise OptionError("--bom is for CSV only")
    if not keep_state and since is not None:
        raise OptionError("{keep_state} removes the state that {since} continues from")
    return Output(
        target=target,
        format=form,
        labels=form == "csv" if labels is None else labels,
        bom=bom,
        keep_state=keep_state,
    )
