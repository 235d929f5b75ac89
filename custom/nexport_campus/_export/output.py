"""The target and format of an export."""

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
"""Formats by file suffix."""

_TEXT_FORMATS: Final = ("jsonl", "csv")


@attrs.frozen(kw_only=True)
class Output:
    """The target and format of the rows.

    Args:
        target: A file, or the stream of standard output, for JSON Lines and CSV only.
        format: The format of the file.
        labels: Whether enums are written as the vendor's labels instead of numbers.
        bom: Whether a CSV file starts with a byte order mark.
        keep_state: Whether the state file that `--since last` needs stays next to the file.

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
            raise TargetError(
                "{to_stream}: {form} needs a file; standard output takes csv and jsonl", form=self.format
            )

    @property
    def name(self) -> str:
        """The name of the target in messages."""
        return self.target.name if isinstance(self.target, Path) else "standard output"
