"""Who may ask how often. Counted in memory, so each replica counts for itself; a restart forgets.

Uploads are limited by key; refused requests by address, and an address that is refused too often may for a minute neither
upload nor read. A verified webhook is never refused for the address it comes from: vendors send from few addresses and may
not repeat (hazards S18).
"""

import ipaddress
import time

from aiohttp import web
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from gateway.problems import ProblemError, too_many


class Limit:
    """So many a minute for each name."""

    def __init__(self, per_minute: int) -> None:
        self._item = RateLimitItemPerMinute(per_minute)
        self._counter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def count(self, name: str) -> bool:
        """Count one for *name*; False when it is one too many."""
        return await self._counter.hit(self._item, name)

    async def exceeded(self, name: str) -> bool:
        """Whether *name* has used up its minute. Counts nothing."""
        return not await self._counter.test(self._item, name)

    async def refusal(self, name: str, detail: str) -> ProblemError:
        """The refusal for *name*, which says when to come back."""
        window = await self._counter.get_window_stats(self._item, name)
        return too_many(detail, int(window.reset_time - time.time()) + 1)


class Limits:
    """The gateway's limits."""

    def __init__(self, failures_per_minute: int, uploads_per_minute: int, trusted_hops: int) -> None:
        self._failures = Limit(failures_per_minute)
        self._uploads = Limit(uploads_per_minute)
        self._trusted_hops = trusted_hops

    async def admit(self, request: web.Request) -> None:
        """Raise ProblemError when the request's address has failed too often within a minute."""
        address = client_address(request, self._trusted_hops)
        if await self._failures.exceeded(address):
            raise await self._failures.refusal(address, "Too many refused requests came from this address.")

    async def count_failure(self, request: web.Request) -> bool:
        """Count a request that was refused without a valid signature; False when its address fails too often."""
        return await self._failures.count(client_address(request, self._trusted_hops))

    async def failure_refusal(self, request: web.Request) -> ProblemError:
        """The refusal for an address that fails too often."""
        return await self._failures.refusal(
            client_address(request, self._trusted_hops), "Too many refused requests came from this address."
        )

    async def count_upload(self, key_id: str) -> None:
        """Count an upload signed by this key. Raises ProblemError when it is one too many."""
        if not await self._uploads.count(key_id):
            raise await self._uploads.refusal(key_id, "This key uploads too often: send fewer, larger files.")


def client_address(request: web.Request, trusted_hops: int) -> str:
    """The client's address, an IPv6 one as its /64 network.

    With *trusted_hops* proxies in front of us, it is what the outermost of them added to X-Forwarded-For; what stands
    before that anybody can write. A request that did not pass all of them counts for its peer.
    """
    peer = request.remote or "unknown"
    if not trusted_hops:
        return _network(peer)
    seen = [part.strip() for line in request.headers.getall("X-Forwarded-For", []) for part in line.split(",")]
    return _network(seen[-trusted_hops], otherwise=peer) if len(seen) >= trusted_hops else _network(peer)


def _network(address: str, otherwise: str = "unknown") -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return otherwise
    if parsed.version == 4:  # noqa: PLR2004 - IPv4
        return str(parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
