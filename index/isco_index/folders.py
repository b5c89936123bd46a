"""Folders of indexes beside each other: which of them somebody has open, and the removal of those that nobody has.

    index/  NAME/  NAME.lock (while a folder is opened or removed)  NAME.use (held by all who have it open; its time is the last opening)

Who has a folder open shares the lock of its file; who removes it needs the lock for itself alone. The system takes a lock back when its
process ends, however it ends. Where it has no such locks, as Windows, nothing is removed.
"""

import os
import shutil
import weakref
from pathlib import Path

from filelock import FileLock, Timeout

try:
    import fcntl
except ImportError:  # pragma: no cover
    fcntl = None  # type: ignore[assignment]

USED, REMOVED = ".use", ".gone"


class Hold:
    """The use of a folder by this process, until `free` is called or nothing knows the object any more."""

    def __init__(self, root: Path) -> None:
        handle = os.open(_mark(root), os.O_RDWR | os.O_CREAT, 0o600)
        os.utime(_mark(root))
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_SH)
        self.free = weakref.finalize(self, os.close, handle)


def opening(root: Path) -> FileLock:
    """The lock under which a folder is made, opened and held, or removed."""
    return FileLock(root.with_suffix(".lock"))


def remove_unused(parent: Path, keep: int) -> list[str]:
    """The names of the folders that were removed: nobody has them open, and `keep` others were opened later.

    A folder is renamed before its files are deleted: who is killed in between leaves no half of an index, and the next call ends it.
    """
    for left in parent.glob(f"*{REMOVED}"):
        shutil.rmtree(left, ignore_errors=True)
    roots = [path for path in parent.iterdir() if path.is_dir() and not path.name.endswith(REMOVED)]
    roots.sort(key=lambda root: (-_last_opened(root), root.name))
    return [root.name for root in roots[keep:] if _removed(root)]


def _removed(root: Path) -> bool:
    """Whether the folder is gone now; not where somebody has it open, or is about to."""
    if fcntl is None:
        return False
    try:
        with FileLock(root.with_suffix(".lock"), timeout=0):
            handle = os.open(_mark(root), os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                gone = root.with_name(root.name + REMOVED)
                root.replace(gone)
                # Under the lock of the folder nobody can be about to hold the file.
                _mark(root).unlink(missing_ok=True)
            finally:
                os.close(handle)
    except (Timeout, OSError):
        return False
    shutil.rmtree(gone, ignore_errors=True)
    return True


def _mark(root: Path) -> Path:
    return root.with_suffix(USED)


def _last_opened(root: Path) -> float:
    for path in (_mark(root), root):
        try:
            return path.stat().st_mtime
        except OSError:
            continue
    return 0.0
