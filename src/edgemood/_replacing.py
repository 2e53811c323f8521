"""A file replaced by a changed copy of itself, whole or not at all, whenever the power goes.

The copy lies hidden beside the file and is locked while somebody works on it: a copy that nobody has locked was left by
a process that was killed, and is removed by the next one that works in its folder.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from edgemood.errors import TagError
from edgemood.library import FileStamp

_PIECE = 1 << 20
_NAME = re.compile(r"\.edgemood-[0-9a-f]{8}\.part")  # hidden, and no suffix of music: players and scans pass it over
_NO_CLONING = {errno.ENOSYS, errno.EXDEV, errno.EOPNOTSUPP, errno.EINVAL, errno.EPERM, errno.EBADF}
_PATIENCE_S = 120.0  # while another run copies the same file; a large one, on a slow disk
_POLL_S = 0.02


class Replacement:
    """A copy of a file at `path`, open as `fd`, to be changed and then put in its place; left alone, it vanishes.

    placed: whether it has been put there.

    Raises
    ------
    TagError
        The file must not be replaced, or changes meanwhile; the message says why.
    OSError
        It cannot be done: no room, no permission, a disk that fails.

    """

    def __init__(self, path: str) -> None:
        self._target = Path(os.path.realpath(path))
        self._before = require_replaceable(self._target)
        self.path = ""
        self.fd = -1
        self.placed = False

    def __enter__(self) -> Replacement:
        while self.fd < 0:
            self.path = str(self._target.with_name(f".edgemood-{secrets.token_hex(4)}.part"))
            self.fd = _created(self.path)
        try:
            self._copy()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(FileNotFoundError):  # it was put in place
            os.unlink(self.path)  # noqa: PTH108 - bytes that are no text, and no object for each
        os.close(self.fd)

    def settle(self, touch: bool = False) -> FileStamp:
        """Make the copy like the file in all but content, and durable; give the stamp that it will have."""
        before = self._before
        made = os.fstat(self.fd)
        if (made.st_uid, made.st_gid) != (before.st_uid, before.st_gid):
            try:
                os.fchown(self.fd, before.st_uid, before.st_gid)
            except PermissionError as error:
                raise TagError("it belongs to another user or group, and would not any more") from error
        os.fchmod(self.fd, stat.S_IMODE(before.st_mode))
        _copy_attributes(self._target, self.fd)
        if not touch:
            os.utime(self.fd, ns=(before.st_atime_ns, before.st_mtime_ns))
        os.fsync(self.fd)
        return FileStamp.of(os.fstat(self.fd))

    def put(self) -> None:
        """Put the copy in the file's place; it is there for good when this returns."""
        if _marks(self._target.stat()) != _marks(self._before):
            raise TagError("somebody else has changed it just now")
        os.rename(self.path, self._target)  # noqa: PTH104
        self.placed = True
        folder = os.open(self._target.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        except OSError as error:  # some file systems of networks know no such thing
            if error.errno != errno.EINVAL:
                raise
        finally:
            os.close(folder)

    def _copy(self) -> None:
        """Copy the content, by sharing blocks where the file system can."""
        source = os.open(self._target, os.O_RDONLY | os.O_CLOEXEC)
        try:
            while (count := _some(source, self.fd)) > 0:
                pass
            if count < 0:
                _copy_by_hand(source, self.fd)
            if _marks(os.fstat(source)) != _marks(self._before) or os.fstat(self.fd).st_size != self._before.st_size:
                raise TagError("somebody else has changed it just now")
        finally:
            os.close(source)


@contextmanager
def alone_with(path: str) -> Iterator[None]:
    """Wait until no other run works on a file, and keep others waiting: what is read in here is so until it is changed.

    A file that cannot be opened, or lies where there are no locks, is not waited for.

    Raises
    ------
    TagError
        Somebody works on it for longer than two minutes.

    """
    until = time.monotonic() + _PATIENCE_S
    while (fd := _locked(path)) is None:
        if time.monotonic() > until:
            raise TagError(f"another program has been working on it for {_PATIENCE_S:.0f} s")
        time.sleep(_POLL_S)
    try:
        yield
    finally:
        if fd >= 0:
            os.close(fd)


def _locked(path: str) -> int | None:
    """Lock the file that has this name now; None while somebody else has it locked, -1 where that cannot be."""
    if not Path(path).is_file():
        return -1
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return -1
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(fd), Path(path).stat()):
            return fd  # else it was replaced while we waited: what is locked is the old one
    except BlockingIOError:
        pass
    except OSError:
        return fd
    os.close(fd)
    return None


def _created(path: str) -> int:
    """Make a file and lock it; -1 where it was taken for one that a killed process left, before it was locked."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with suppress(OSError):  # where there are no locks, what is left is not removed either
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            Path(path).stat()
        except (BlockingIOError, FileNotFoundError):
            os.close(fd)
            return -1
    return fd


def clear_left(folder: str) -> int:
    """Remove copies that killed processes left in a folder, and give their number."""
    removed = 0
    with suppress(OSError), os.scandir(folder) as listing:
        for name in [entry.path for entry in listing if _NAME.fullmatch(entry.name)]:
            removed += _clear(name)
    return removed


def _clear(path: str) -> bool:
    with suppress(OSError):
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(path)  # noqa: PTH108
            return True
        finally:
            os.close(fd)
    return False


def require_replaceable(path: str | Path) -> os.stat_result:
    """Give the status of a file; TagError where it must not be replaced."""
    status = Path(path).stat()
    if not stat.S_ISREG(status.st_mode):
        raise TagError("it is not a regular file")
    if status.st_nlink > 1:
        raise TagError(f"it has {status.st_nlink} names (hard links), and the others would keep the old file")
    if not status.st_mode & 0o222 or not os.access(path, os.W_OK):
        raise TagError("it may not be written")
    return status


def _marks(status: os.stat_result) -> tuple[int, ...]:
    """What tells that a file is still the same and unchanged."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_nlink


def _some(source: int, target: int) -> int:
    """Let the kernel copy some; -1 where it cannot."""
    try:
        return os.copy_file_range(source, target, 1 << 30)
    except OSError as error:
        if error.errno in _NO_CLONING:
            return -1
        raise


def _copy_by_hand(source: int, target: int) -> None:
    at = 0
    while piece := os.pread(source, _PIECE, at):
        while piece:
            written = os.pwrite(target, piece, at)
            piece, at = piece[written:], at + written


def _copy_attributes(source: Path, target: int) -> None:
    """Copy extended attributes, access lists among them; those of the system's own are not ours to write."""
    try:
        names = os.listxattr(source)
    except OSError:
        return  # the file system has none
    for name in names:
        try:
            os.setxattr(target, name, os.getxattr(source, name))
        except OSError as error:
            if not name.startswith(("security.", "trusted.")):
                raise TagError(f"its attribute {name} would not survive ({error.strerror})") from error
