"""What is looked at before a file is sent, so that a wrong one fails here and not after minutes of upload."""

from pathlib import Path

from cli.errors import UsageError


def sendable(file: Path) -> int:
    """The size of *file*. Raises UsageError unless it can be an upload."""
    if not file.is_file():
        raise UsageError(f"There is no file {file}.")
    if not file.stat().st_size:
        raise UsageError(f"{file} is empty.")
    return file.stat().st_size
