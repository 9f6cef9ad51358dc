"""The sandbox and the movable clock, which the demo needs beside the services."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from cli.shell.errors import CommandRefusedError, UnreachableError, UsageError
from cli.shell.settings import CliSettings
from common.vendors.public_urls import is_sandbox_url

_TIMEOUT = aiohttp.ClientTimeout(total=10)


@dataclass(frozen=True, slots=True)
class SandboxSetup:
    """The sandbox's address, and the file of the clock."""

    address: str
    clock_file: Path

    @classmethod
    def from_settings(cls, settings: CliSettings) -> "SandboxSetup | None":
        """Return the setup of this installation; None where it has no sandbox or no clock to move.

        Raises UsageError where a real vendor is set: it would be paid for invented people, and real time cannot be moved.
        """
        address = settings.sandbox_url and settings.sandbox_url.rstrip("/")
        vendors = (
            ("Melissa", settings.melissa_url, settings.melissa_license_key),
            ("BatchData", settings.batchdata_url, settings.batchdata_token),
            ("Instantly", settings.instantly_base_url, settings.instantly_api_key),
            ("OpenRouter", settings.openrouter_base_url, settings.openrouter_api_key),
        )
        at_sandbox = [address is not None and (url or "").startswith(f"{address}/") for _, url, _ in vendors]
        real = [
            name
            for (name, _, key), is_sandbox in zip(vendors, at_sandbox, strict=True)
            if key and key.get_secret_value() and not is_sandbox
        ]
        if settings.smtp_url and not is_sandbox_url(settings.smtp_url.get_secret_value()):
            real.append("a mail server")
        if real:
            raise UsageError(
                f"This installation has a key of {' and '.join(real)}: the demo's invented people would be paid for and written to.",
                "Run the demo in a separate working copy, or upload your leads: equity upload FILE.csv",
            )
        return cls(address, settings.clock_file) if address and settings.clock_file and all(at_sandbox) else None

    async def fetch_state(self, path: str) -> Any:
        """Return the response of the sandbox's control address *path*, such as `instantly`. Raises CliError."""
        return await self._request("GET", path, None)

    async def change_state(self, path: str, change: Mapping[str, object]) -> Any:
        """Post *change* to the control address *path* and return the response. Raises CliError."""
        return await self._request("POST", path, change)

    async def _request(self, method: str, path: str, body: Mapping[str, object] | None) -> Any:
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT) as session,
                session.request(method, f"{self.address}/_sandbox/{path}", json=body) as response,
            ):
                content = await response.read()
                if response.status >= HTTPStatus.BAD_REQUEST:
                    raise CommandRefusedError(
                        f"The sandbox refuses {method} {path}: {content.decode(errors='replace')[:300]}",
                        "Its log is .local/sandbox.log.",
                    )
                return orjson.loads(content)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise UnreachableError(
                f"The sandbox at {self.address} does not answer.",
                "`./dev up` starts it; its log is .local/sandbox.log.",
            ) from error
