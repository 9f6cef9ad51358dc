"""Files with secrets or personal data in them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from cli.shell.errors import CommandRefusedError, UsageError


@contextmanager
def open_private_file(file: Path) -> Iterator[TextIO]:
    """Open a new UTF-8 file that only its owner can read.

    It has its name once it is complete; after an error no file is left.
    Raises CommandRefusedError rather than overwrite a file, and UsageError where none can be written.
    """
    part = file.with_name(f"{file.name}.part")
    _create_file(file).close()  # reserves the name
    try:
        with _create_file(part) as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        part.replace(file)
    except BaseException:
        part.unlink(missing_ok=True)
        file.unlink(missing_ok=True)
        raise


def _create_file(file: Path) -> TextIO:
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise CommandRefusedError(f"{file} exists already.", "Name another file; none is overwritten.") from error
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}.") from error
    return os.fdopen(handle, "w", encoding="utf-8", newline="")
