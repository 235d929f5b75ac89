"""Replacing a file in one step."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

__all__ = ["replace_file"]


@contextmanager
def replace_file(path: Path, prepare: Callable[[Path], None] = lambda _: None) -> Iterator[BinaryIO]:
    """Yield a file that atomically replaces another at the end of the block; after an error, nothing is replaced.

    It keeps the permissions, owner and group of the other file; a new file is readable by its owner only.

    Args:
        path: The file to replace.
        prepare: Called with the path of the complete file before the replacement.
    """
    # A reserved suffix: a ".part" or ".tmp" file next to the target may belong to the user.
    partial = path.with_name(f"{path.name}.state.tmp")
    with suppress(FileNotFoundError):
        partial.unlink()
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        prepare(partial)
        with suppress(FileNotFoundError):
            _copy_permissions(path.stat(), partial)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _copy_permissions(status: os.stat_result, partial: Path) -> None:
    mode, made = stat.S_IMODE(status.st_mode), partial.stat()
    if (status.st_uid, status.st_gid) != (made.st_uid, made.st_gid):
        try:
            os.chown(partial, status.st_uid, status.st_gid)
        except OSError:
            try:
                os.chown(partial, -1, status.st_gid)
            except OSError:
                # The file has another group now, which must not get the old group's permissions.
                mode &= ~stat.S_IRWXG
    partial.chmod(mode)


def _sync_folder(folder: Path) -> None:
    """Flush the folder's entries to the disk, on systems that can open folders."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
