"""One HTTP call to a provider, and whether its request can have arrived when it fails."""

from datetime import UTC, datetime

import aiohttp
import orjson

from common.retry_after import retry_after
from skiptrace.provider import Reply, Request, UnknownAnswerError, UnpaidError

MOST_BYTES = 16_000_000
CONNECT_SECONDS = 5.0
"""For name, connection and handshake, of a short call at most half of its time: who is not reached is not paid."""


class Sender:
    """The service's HTTP client; started and stopped with it."""

    def __init__(self, call_seconds: float) -> None:
        self._call_seconds = call_seconds
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the client. Proxies of the environment are not used, redirects not followed: requests carry keys.

        Each call has a connection of its own: one that the server has just left would lose a call that is paid (ADR 21).
        """
        timeout = aiohttp.ClientTimeout(total=self._call_seconds, connect=min(CONNECT_SECONDS, self._call_seconds / 2))
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        self._session = aiohttp.ClientSession(timeout=timeout, connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    async def stop(self) -> None:
        """Close the client."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, request: Request, latest: datetime | None = None) -> Reply:
        """Send *request* once; the reply, whatever its status.

        Raises UnpaidError when it cannot have arrived, and UnknownAnswerError when it may have. Nothing is sent after *latest*:
        this process stood still, and others go on without it.
        """
        if self._session is None:
            raise UnpaidError("not_started")
        if latest and datetime.now(UTC) > latest:
            raise UnpaidError("too_late")
        headers = {"Content-Type": "application/json", **request.headers}
        body = orjson.dumps(request.body)
        try:
            async with self._session.post(request.url, data=body, headers=headers, allow_redirects=False) as reply:
                content = await _read(reply)
                return Reply(reply.status, reply.content_type, content, retry_after(reply.headers.get("Retry-After")))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise UnpaidError("not_reached") from error
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            code = "timeout" if isinstance(error, TimeoutError) else "cut_off"
            raise UnknownAnswerError(code) from error


async def _read(reply: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for chunk in reply.content.iter_chunked(65_536):
        content += chunk
        if len(content) > MOST_BYTES:
            raise UnknownAnswerError("too_large")
    return bytes(content)
