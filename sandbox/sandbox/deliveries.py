"""HTTP requests that a vendor sends to us: results of asynchronous work, and webhooks."""

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
import orjson
import structlog

log = structlog.get_logger()

AT_ONCE = 32


class Deliveries:
    """Sends each delivery once, in the background, as vendors do that do not retry."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(AT_ONCE)

    def send(self, url: str, body: Any, headers: Mapping[str, str] | None = None) -> None:
        """POST *body* as JSON to *url*, soon."""
        task = asyncio.create_task(
            self._send(url, orjson.dumps(body), {"Content-Type": "application/json", **(headers or {})})
        )
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def settle(self) -> None:
        """Wait until all that was sent has been answered or has failed."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def cancel(self) -> None:
        """Give up what is under way."""
        for task in self._under_way:
            task.cancel()

    async def _send(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        timeout = aiohttp.ClientTimeout(total=30)
        try:
            async with (
                self._places,
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(url, data=body, headers=headers, allow_redirects=False) as response,
            ):
                log.info("delivered", status=response.status)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:  # of headers that HTTP cannot carry
            log.warning("delivery_failed", error=type(error).__name__)
