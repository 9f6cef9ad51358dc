"""Rate limits of requests. They are counted in memory: each replica counts its own, and a restart begins at zero."""

import time

from aiohttp import web
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from common.web.client_address import client_network
from common.web.problems import ProblemError, too_many_requests_problem

_ADDRESS_REFUSED = "Too many refused requests came from this address. Correct them and try again later."


class RequestRateLimit:
    """Sliding-window rate limiter: a number of requests a minute for each name. *detail* explains a refusal."""

    def __init__(self, per_minute: int, detail: str) -> None:
        self._item = RateLimitItemPerMinute(per_minute)
        self._detail = detail
        self._counter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def count_request(self, name: str) -> bool:
        """Count a request of *name*. Returns False if it exceeds the limit."""
        return await self._counter.hit(self._item, name)

    async def require_permitted(self, name: str) -> None:
        """Count a request of *name*. Raises ProblemError if it exceeds the limit."""
        if not await self.count_request(name):
            raise await self.build_refusal(name)

    async def is_exhausted(self, name: str) -> bool:
        """Return whether *name* may make no further request now. Counts nothing."""
        return not await self._counter.test(self._item, name)

    async def build_refusal(self, name: str) -> ProblemError:
        """Return the refusal for *name*, with the seconds to wait."""
        window = await self._counter.get_window_stats(self._item, name)
        return too_many_requests_problem(self._detail, int(window.reset_time - time.time()) + 1)


class RefusalLimit:
    """Limit of refused requests by client address. An address beyond it should not be served at all for a minute."""

    def __init__(self, per_minute: int, trusted_hops: int) -> None:
        self._refusals = RequestRateLimit(per_minute, _ADDRESS_REFUSED)
        self._trusted_hops = trusted_hops

    async def require_admitted(self, request: web.Request) -> None:
        """Raise ProblemError if the request's address has had too many refusals within a minute."""
        if await self._refusals.is_exhausted(client_network(request, self._trusted_hops)):
            raise await self.build_refusal(request)

    async def count_refusal(self, request: web.Request) -> bool:
        """Count a request that was refused without a valid signature. Returns False if it exceeds the limit."""
        return await self._refusals.count_request(client_network(request, self._trusted_hops))

    async def build_refusal(self, request: web.Request) -> ProblemError:
        """Return the refusal for an address with too many refusals."""
        return await self._refusals.build_refusal(client_network(request, self._trusted_hops))
