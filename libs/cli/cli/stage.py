"""What a demonstration needs besides the services: the vendors' stand-ins, and a clock that it may move."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from cli.errors import UnreachableError, UsageError
from cli.settings import CliSettings

_TIMEOUT = aiohttp.ClientTimeout(total=10)


@dataclass(frozen=True, slots=True)
class Stage:
    """The sandbox's address, and the file of the clock."""

    sandbox: str
    clock_file: Path

    @classmethod
    def of(cls, settings: CliSettings) -> "Stage | None":
        """The stage of this installation; None where it has no sandbox or no clock to move.

        Raises UsageError where a real vendor is set: invented people would be paid for, and real time does not move.
        """
        sandbox = settings.sandbox_url and settings.sandbox_url.rstrip("/")
        vendors = (
            ("Melissa", settings.melissa_url, settings.melissa_license_key),
            ("BatchData", settings.batchdata_url, settings.batchdata_token),
            ("Instantly", settings.instantly_base_url, settings.instantly_api_key),
        )
        stood_in = [sandbox is not None and (url or "").startswith(f"{sandbox}/") for _, url, _ in vendors]
        real = [
            name
            for (name, _, key), is_sandbox in zip(vendors, stood_in, strict=True)
            if key and key.get_secret_value() and not is_sandbox
        ]
        if real:
            raise UsageError(
                f"This installation has a key of {' and '.join(real)}: the demo's invented people would be paid for and written to.",
                "Run the demo in a working copy of its own, or upload your leads: equity upload FILE.csv",
            )
        return cls(sandbox, settings.clock_file) if sandbox and settings.clock_file and all(stood_in) else None

    async def ask(self, path: str) -> Any:
        """The answer of the sandbox's control address *path*, such as `instantly`. Raises UnreachableError."""
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT) as session,
                session.get(f"{self.sandbox}/_sandbox/{path}") as answer,
            ):
                answer.raise_for_status()
                return orjson.loads(await answer.read())
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise UnreachableError(
                f"The sandbox at {self.sandbox} does not answer.",
                "`./dev up` starts it; its log is .local/sandbox.log.",
            ) from error
