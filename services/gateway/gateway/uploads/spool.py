"""Spool of uploads: a file stays here until all its rows are in Kafka and each row has an outcome.

A spool is a directory on a local disk. A file in it holds the disk's id. A gateway that starts on that disk, under any
host name, recognises the uploads on it. The process that publishes an upload holds a lock on the upload's file. The kernel
releases that lock when the process dies, so that a successor need not wait until a lease expires
(docs/adr/0009-the-holder-of-the-file-lock-publishes-the-upload.md).
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

from common.ids import UploadId
from common.web.problems import unavailable_problem
from gateway.problems import NO_SPACE

_DISK_ID_FILE = "disk"
_STORED_SUFFIX = ".csv"
_INCOMING_SUFFIX = ".part"
_ORPHAN_AGE_SECONDS = 3_600
"""Age from which a stored file without a row in the database cannot belong to an upload that is being registered."""
_NEW_FILE_AGE_SECONDS = 60
"""Age up to which an incoming file may not be locked yet by the process that made it."""


class Spool:
    """Directory in which uploads wait."""

    def __init__(self, directory: Path, min_free_bytes: int) -> None:
        self._directory = directory
        self._min_free_bytes = min_free_bytes
        self.disk_id = ""

    def prepare_directory(self) -> None:
        """Create the directory if it is missing, readable for this user only, and read the disk's id. Raises OSError."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        name, draft = self._directory / _DISK_ID_FILE, self._directory / f"{_DISK_ID_FILE}-{uuid4()}"
        draft.write_text(str(uuid4()))
        with suppress(FileExistsError):
            os.link(draft, name)
        draft.unlink()
        self.disk_id = name.read_text()

    def require_free_space(self, size: int) -> None:
        """Raise ProblemError if *size* more bytes would leave too little free space."""
        if shutil.disk_usage(self._directory).free - size < self._min_free_bytes:
            raise unavailable_problem("Try again later, or send a smaller file.", retry_after=60, kind=NO_SPACE)

    @contextmanager
    def open_incoming_file(self) -> Iterator[tuple[Path, BinaryIO]]:
        """Yield a new file to write to. After the block it is deleted, unless `store_incoming_file` moved it.

        The file is locked, so that no process deletes it as abandoned.
        """
        path = self._directory / f"{uuid4()}{_INCOMING_SUFFIX}"
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                yield path, file
            finally:
                path.unlink(missing_ok=True)

    def store_incoming_file(self, incoming: Path, upload_id: UploadId) -> None:
        """Make the incoming file that of *upload_id*, durably: it survives a power failure."""
        with incoming.open("rb") as file:
            os.fsync(file.fileno())
        incoming.replace(self.file_path(upload_id))
        directory = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def reassign_file(self, upload_id: UploadId, to: UploadId) -> None:
        """Make the file of one upload that of another. Does nothing if the file does not exist."""
        with suppress(FileNotFoundError):
            self.file_path(upload_id).replace(self.file_path(to))

    def file_path(self, upload_id: UploadId) -> Path:
        """Return the path of the file of *upload_id*."""
        return self._directory / f"{upload_id}{_STORED_SUFFIX}"

    def delete_file(self, upload_id: UploadId) -> None:
        """Delete the file of *upload_id* if it is on this disk."""
        self.file_path(upload_id).unlink(missing_ok=True)

    def list_upload_ids(self) -> list[UploadId]:
        """Return the uploads whose files are on this disk."""
        found = []
        for path in self._directory.glob(f"*{_STORED_SUFFIX}"):
            with suppress(ValueError):
                found.append(UploadId(UUID(path.stem)))
        return found

    def has_orphan_age(self, upload_id: UploadId) -> bool:
        """Return whether the file is too old to belong to an upload that is being registered at this moment."""
        try:
            return time.time() - self.file_path(upload_id).stat().st_mtime > _ORPHAN_AGE_SECONDS
        except FileNotFoundError:
            return False

    def delete_abandoned_files(self) -> None:
        """Delete incoming files of killed processes."""
        for path in self._directory.glob(f"*{_INCOMING_SUFFIX}"):
            with suppress(OSError), path.open("rb") as file:
                if time.time() - os.fstat(file.fileno()).st_mtime < _NEW_FILE_AGE_SECONDS:
                    continue
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()

    @contextmanager
    def lock_file(self, upload_id: UploadId) -> Iterator[bool]:
        """Hold the lock of the file during the block. Yields False if another process holds it.

        Raises FileNotFoundError if there is no file.
        """
        with self.file_path(upload_id).open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
