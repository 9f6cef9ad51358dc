"""Signing secret of a partner, as the commands that upload read it."""

import sys
from pathlib import Path

from cli.shell.errors import UsageError
from cli.shell.settings import CliSettings


def read_secret(file: Path | None, settings: CliSettings) -> bytes:
    """Return the secret in *file* (`-` is stdin), else in HMAC_SECRET_KEY. Raises UsageError when there is none."""
    if file is not None:
        try:
            found = sys.stdin.read() if str(file) == "-" else file.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"The secret cannot be read from {file}.", "It is the line that `equity keys add` printed."
            ) from error
    elif settings.hmac_secret_key:
        found = settings.hmac_secret_key.get_secret_value()
    else:
        raise UsageError(
            "There is no secret to sign with.",
            "Give --secret-file, or set HMAC_SECRET_KEY. `equity keys add PARTNER` makes one.",
        )
    if not found.strip():
        raise UsageError("The secret is empty.")
    return found.strip().encode()
