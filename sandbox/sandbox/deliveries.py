"""HTTP requests that vendors send to us: results of asynchronous calls, and webhooks."""

import asyncio
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
import orjson
import structlog

log = structlog.get_logger()

MAX_CONCURRENT_DELIVERIES = 32
DELIVERY_TIMEOUT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """Outcome of one delivery: the status of the answer, or the error if there was no answer."""

    status: int | None
    error: str | None
    milliseconds: int

    @property
    def is_success(self) -> bool:
        """Return whether the receiver accepted the delivery."""
        return self.status is not None and HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


class OutgoingDeliveries:
    """Deliveries in the background. A vendor that retries plans each retry itself."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._later: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(MAX_CONCURRENT_DELIVERIES)

    def start_delivery(self, url: str, body: Any, headers: Mapping[str, str] | None = None) -> None:
        """POST *body* as JSON to *url* once, in a background task."""
        self.start_task(self._post_once(url, body, headers))

    def start_task(self, delivery: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine that delivers in a background task."""
        _keep_task(self._tasks, delivery)

    def start_later(self, seconds: float, delivery: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine that delivers after *seconds*. `wait_until_done` does not wait for it."""
        _keep_task(self._later, _run_after(seconds, delivery))

    async def wait_until_done(self) -> None:
        """Wait until the first attempt of every delivery was answered or failed."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def wait_for_retries(self) -> None:
        """Wait until every delivery was answered or failed, and no retry is planned."""
        while running := self._tasks | self._later:
            await asyncio.gather(*running, return_exceptions=True)

    def cancel_all(self) -> None:
        """Cancel all deliveries that are not done."""
        for task in self._tasks | self._later:
            task.cancel()

    async def post_json(self, url: str, body: Any, headers: Mapping[str, str] | None = None) -> DeliveryResult:
        """POST *body* as JSON to *url*. Return the outcome."""
        timeout = aiohttp.ClientTimeout(total=DELIVERY_TIMEOUT_SECONDS)
        all_headers = {"Content-Type": "application/json", **(headers or {})}
        status, error, started = None, None, time.monotonic()
        try:
            async with (
                self._slots,
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(url, data=orjson.dumps(body), headers=all_headers, allow_redirects=False) as response,
            ):
                status = response.status
                log.info("delivery_sent", status=status)
        except (aiohttp.ClientError, TimeoutError, ValueError) as failure:  # ValueError: headers that HTTP cannot carry
            error = type(failure).__name__
            log.warning("delivery_failed", error=error)
        return DeliveryResult(status, error, round((time.monotonic() - started) * 1000))

    async def _post_once(self, url: str, body: Any, headers: Mapping[str, str] | None) -> None:
        await self.post_json(url, body, headers)


def _keep_task(tasks: set[asyncio.Task[None]], delivery: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(delivery)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


async def _run_after(seconds: float, delivery: Coroutine[Any, Any, None]) -> None:
    try:
        await asyncio.sleep(seconds)
        await delivery
    finally:
        delivery.close()  # without effect, unless the wait was cancelled
