"""Rate limits of requests. They are counted in memory: each replica counts its own, and a restart begins at zero.

Uploads are limited by key. Refused requests are limited by client address: an address with too many of them may neither
upload nor read for a minute. A verified webhook is never refused for its address, because vendors send from few addresses
and may not repeat (docs/hazards.md, S18).
"""

import time

from aiohttp import web
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from gateway.web.client_address import client_address
from gateway.web.problems import ProblemError, too_many_requests_problem

_ADDRESS_REFUSED = "Too many refused requests came from this address. Correct them and try again later."
_KEY_REFUSED = "This key uploads too often. Send fewer, larger files."


class RateLimit:
    """Sliding-window rate limiter: a number of requests a minute for each name."""

    def __init__(self, per_minute: int) -> None:
        self._item = RateLimitItemPerMinute(per_minute)
        self._counter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def count_request(self, name: str) -> bool:
        """Count a request of *name*. Returns False if it exceeds the limit."""
        return await self._counter.hit(self._item, name)

    async def is_exhausted(self, name: str) -> bool:
        """Return whether *name* may make no further request now. Counts nothing."""
        return not await self._counter.test(self._item, name)

    async def build_refusal(self, name: str, detail: str) -> ProblemError:
        """Return the refusal for *name*, with the seconds to wait."""
        window = await self._counter.get_window_stats(self._item, name)
        return too_many_requests_problem(detail, int(window.reset_time - time.time()) + 1)


class RequestLimits:
    """Limits of failures by client address, and of uploads by key."""

    def __init__(self, failures_per_minute: int, uploads_per_minute: int, trusted_hops: int) -> None:
        self._failures = RateLimit(failures_per_minute)
        self._uploads = RateLimit(uploads_per_minute)
        self._trusted_hops = trusted_hops

    async def require_admitted(self, request: web.Request) -> None:
        """Raise ProblemError if the request's address has had too many refusals within a minute."""
        if await self._failures.is_exhausted(client_address(request, self._trusted_hops)):
            raise await self.build_failure_refusal(request)

    async def count_failure(self, request: web.Request) -> bool:
        """Count a request that was refused without a valid signature. Returns False if it exceeds the limit."""
        return await self._failures.count_request(client_address(request, self._trusted_hops))

    async def build_failure_refusal(self, request: web.Request) -> ProblemError:
        """Return the refusal for an address with too many refusals."""
        return await self._failures.build_refusal(client_address(request, self._trusted_hops), _ADDRESS_REFUSED)

    async def count_upload(self, key_id: str) -> None:
        """Count an upload that this key signed. Raises ProblemError if it exceeds the limit."""
        if not await self._uploads.count_request(key_id):
            raise await self._uploads.build_refusal(key_id, _KEY_REFUSED)
