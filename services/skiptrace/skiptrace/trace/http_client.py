"""HTTP client for provider calls. Its errors state whether a failed request can have arrived."""

from datetime import UTC, datetime

import aiohttp
import orjson

from common.vendors.retry_after import parse_retry_after
from skiptrace.trace.provider import NotExecutedError, OutcomeUnknownError, ProviderRequest, ProviderResponse

MAX_RESPONSE_BYTES = 16_000_000
CONNECT_SECONDS = 5.0
"""Time limit for name resolution, connection and handshake; at most half of a short call. Until then nothing is charged."""
READ_CHUNK_BYTES = 65_536


class ProviderHttpClient:
    """The service's HTTP client; it starts and stops with the service."""

    def __init__(self, call_seconds: float) -> None:
        self._call_seconds = call_seconds
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the client. It uses no proxies of the environment and follows no redirects, because requests carry keys.

        Each call opens its own connection: a call on a kept connection that the server just closed would be lost (ADR 21).
        """
        timeout = aiohttp.ClientTimeout(total=self._call_seconds, connect=min(CONNECT_SECONDS, self._call_seconds / 2))
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        self._session = aiohttp.ClientSession(timeout=timeout, connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    async def stop(self) -> None:
        """Close the client."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send_request(self, request: ProviderRequest, start_before: datetime | None = None) -> ProviderResponse:
        """Send *request* once and return the response, of any status.

        Raises NotExecutedError if the request cannot have arrived, and OutcomeUnknownError if it may have. After
        *start_before* nothing is sent: this process was frozen, and other replicas have taken over.
        """
        if self._session is None:
            raise NotExecutedError("not_started")
        if start_before and datetime.now(UTC) > start_before:
            raise NotExecutedError("too_late")
        headers = {"Content-Type": "application/json", **request.headers}
        body = orjson.dumps(request.body)
        try:
            async with self._session.post(request.url, data=body, headers=headers, allow_redirects=False) as answer:
                content = await _read_body(answer)
                backoff = parse_retry_after(answer.headers.get("Retry-After"))
                return ProviderResponse(answer.status, answer.content_type, content, backoff)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise NotExecutedError("not_reached") from error
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            code = "timeout" if isinstance(error, TimeoutError) else "cut_off"
            raise OutcomeUnknownError(code) from error


async def _read_body(answer: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for chunk in answer.content.iter_chunked(READ_CHUNK_BYTES):
        content += chunk
        if len(content) > MAX_RESPONSE_BYTES:
            raise OutcomeUnknownError("too_large")
    return bytes(content)
