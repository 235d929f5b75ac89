"""The file that an export is to write: where it is, and in which format."""

from pathlib import Path
from typing import BinaryIO, Final, Literal

import attrs

from .errors import TargetError

__all__ = ["FORMATS", "Format", "Output"]

Format = Literal["jsonl", "csv", "sqlite", "parquet"]
FORMATS: Final[dict[str, Format]] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
    ".db": "sqlite",
    ".parquet": "parquet",
}
"""Formats by the suffix of a file's name."""

_TEXT_FORMATS: Final = ("jsonl", "csv")


@attrs.frozen(kw_only=True)
class Output:
    """Where the rows go, and how.

    Args:
        target: A file, or a stream for standard output, which can have JSON Lines and CSV.
        format: The format of the file.
        labels: Enums by the vendor's words instead of by number.
        bom: Whether a CSV begins with a byte order mark.
        keep_state: Whether what `--since last` needs stays beside the file.

    Raises:
        TargetError: The format needs a file.
    """

    target: Path | BinaryIO
    format: Format
    labels: bool = False
    bom: bool = False
    keep_state: bool = True

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.target, Path) and self.format not in _TEXT_FORMATS:
            raise TargetError(f"--to -: {self.format} needs a file; standard output can have csv and jsonl")

    @property
    def name(self) -> str:
        """What messages call the target."""
        return self.target.name if isinstance(self.target, Path) else "standard output"
