"""Files on their way: received here, kept until every row is in Kafka and has its verdict.

A spool is a local disk. It has a name of its own, in a file on it, so that a gateway which starts anew on that disk,
under whatever host name, knows the uploads that lie there. Who sends an upload's rows holds a lock on its file, which
the kernel lets go when a process dies: nobody has to wait for a lease to run out.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import UUID, uuid4

from gateway.problems import unavailable

_NAME_FILE = "disk"
_RECEIVED = ".csv"
_ARRIVING = ".part"
_ORPHAN_SECONDS = 3_600
_JUST_MADE_SECONDS = 60


class Spool:
    """The directory in which uploads wait."""

    def __init__(self, directory: Path, min_free: int) -> None:
        self._directory = directory
        self._min_free = min_free
        self.disk = ""

    def open(self) -> None:
        """Make the directory where it is missing, readable to us alone, and learn the disk's name. Raises OSError."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        name, draft = self._directory / _NAME_FILE, self._directory / f"{_NAME_FILE}-{uuid4()}"
        draft.write_text(str(uuid4()))
        with suppress(FileExistsError):
            os.link(draft, name)
        draft.unlink()
        self.disk = name.read_text()

    def require_room(self, size: int) -> None:
        """Raise ProblemError when *size* more bytes would leave too little free space."""
        if shutil.disk_usage(self._directory).free - size < self._min_free:
            raise unavailable("Try again later, or send a smaller file.", retry_after=60, code="no_space")

    @contextmanager
    def arriving(self) -> Iterator[tuple[Path, BinaryIO]]:
        """A new file to write to, gone after the block unless `keep` took it over; locked, so that nobody sweeps it."""
        path = self._directory / f"{uuid4()}{_ARRIVING}"
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                yield path, file
            finally:
                path.unlink(missing_ok=True)

    def keep(self, arrived: Path, upload_id: UUID) -> None:
        """Make the arrived file that of *upload_id*, so that it is there after a power failure too."""
        with arrived.open("rb") as file:
            os.fsync(file.fileno())
        arrived.replace(self.path(upload_id))
        directory = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def rename(self, upload_id: UUID, to: UUID) -> None:
        """Make the file of one upload that of another; nothing happens when it is no more there."""
        with suppress(FileNotFoundError):
            self.path(upload_id).replace(self.path(to))

    def path(self, upload_id: UUID) -> Path:
        """Where the file of *upload_id* lies."""
        return self._directory / f"{upload_id}{_RECEIVED}"

    def remove(self, upload_id: UUID) -> None:
        """Delete the file of *upload_id*, if it is here."""
        self.path(upload_id).unlink(missing_ok=True)

    def held(self) -> list[UUID]:
        """The uploads whose files lie here."""
        found = []
        for path in self._directory.glob(f"*{_RECEIVED}"):
            with suppress(ValueError):
                found.append(UUID(path.stem))
        return found

    def is_old(self, upload_id: UUID) -> bool:
        """Whether the file is too old to belong to an upload that is just being taken."""
        try:
            return time.time() - self.path(upload_id).stat().st_mtime > _ORPHAN_SECONDS
        except FileNotFoundError:
            return False

    def sweep_arriving(self) -> int:
        """Delete what a killed process was receiving; how many files there were."""
        swept = 0
        for path in self._directory.glob(f"*{_ARRIVING}"):
            with suppress(OSError), path.open("rb") as file:
                if time.time() - os.fstat(file.fileno()).st_mtime < _JUST_MADE_SECONDS:
                    continue
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
                swept += 1
        return swept

    @contextmanager
    def locked(self, upload_id: UUID) -> Iterator[bool]:
        """Hold the file's lock during the block; False when another has it. Raises FileNotFoundError without a file."""
        with self.path(upload_id).open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
