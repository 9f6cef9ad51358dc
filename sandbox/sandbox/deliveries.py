"""HTTP requests that vendors send to us: results of asynchronous calls, and webhooks."""

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
import orjson
import structlog

log = structlog.get_logger()

MAX_CONCURRENT_DELIVERIES = 32
DELIVERY_TIMEOUT_SECONDS = 30


class OutgoingDeliveries:
    """Deliveries in the background. Each is sent once, as vendors do that do not retry."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(MAX_CONCURRENT_DELIVERIES)

    def start_delivery(self, url: str, body: Any, headers: Mapping[str, str] | None = None) -> None:
        """POST *body* as JSON to *url* in a background task."""
        all_headers = {"Content-Type": "application/json", **(headers or {})}
        task = asyncio.create_task(self._post(url, orjson.dumps(body), all_headers))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def wait_until_done(self) -> None:
        """Wait until every delivery was answered or failed."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cancel_all(self) -> None:
        """Cancel all deliveries that are not done."""
        for task in self._tasks:
            task.cancel()

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        timeout = aiohttp.ClientTimeout(total=DELIVERY_TIMEOUT_SECONDS)
        try:
            async with (
                self._slots,
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(url, data=body, headers=headers, allow_redirects=False) as response,
            ):
                log.info("delivery_sent", status=response.status)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:  # ValueError: headers that HTTP cannot carry
            log.warning("delivery_failed", error=type(error).__name__)
