"""What keeps an export from going on, beside the campus's own errors."""

__all__ = ["ExportError"]


class ExportError(Exception):
    """Trouble on this machine: a full disk, a file that can't be written. The same command goes on from there."""
