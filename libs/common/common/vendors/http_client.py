"""HTTP client of calls to vendors. Its errors say whether a failed call can have been executed and charged (ADR 38)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import orjson
from aiohttp.abc import AbstractResolver

from common.vendors.call_metrics import measure_call
from common.vendors.errors import NotExecutedError
from common.vendors.outcome_table import TransportFault, error_for_fault, error_for_status
from common.vendors.retry_after import parse_retry_after

CONNECT_SECONDS = 5.0
"""Time limit for name resolution, connection and handshake; at most half of a short call. Until then nothing is sent."""
MAX_RESPONSE_BYTES = 16_000_000
"""Largest body that is read, after decompression."""
READ_CHUNK_BYTES = 65_536
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_FAULTS: tuple[tuple[type[Exception], TransportFault], ...] = (
    (aiohttp.InvalidURL, TransportFault.INVALID_URL),
    (aiohttp.NonHttpUrlClientError, TransportFault.INVALID_URL),
    (aiohttp.ClientConnectorDNSError, TransportFault.NAME_NOT_RESOLVED),
    (aiohttp.ClientSSLError, TransportFault.TLS_FAILED),
    (aiohttp.ClientConnectorError, TransportFault.CONNECT_FAILED),
    (aiohttp.ConnectionTimeoutError, TransportFault.CONNECT_TIMEOUT),
    (TimeoutError, TransportFault.TIMEOUT),
    (aiohttp.ClientResponseError, TransportFault.NOT_HTTP),
    (aiohttp.ClientError, TransportFault.CONNECTION_LOST),
    (OSError, TransportFault.CONNECTION_LOST),
)
"""Faults by exceptions of aiohttp, subclasses first."""


@dataclass(frozen=True, slots=True)
class VendorHttpRequest:
    """Call of a vendor's API with a JSON body. It holds keys and personal data and is never logged."""

    vendor: str
    operation: str
    """Name of the operation in metrics."""
    url: str = field(repr=False)
    body: Any = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class VendorHttpResponse:
    """Response of any status."""

    status: int
    content_type: str
    body: bytes = field(repr=False)
    retry_after: timedelta | None = None

    @property
    def is_html(self) -> bool:
        """Whether the response is a page for people."""
        return "html" in self.content_type

    def read_json(self) -> Any:
        """Return the body as JSON, with or without a byte order mark. Raises OutcomeUnknownError if it is not JSON."""
        try:
            return orjson.loads(self.body.removeprefix(_BYTE_ORDER_MARK))
        except orjson.JSONDecodeError as error:
            raise error_for_fault(TransportFault.UNREADABLE) from error


def check_status(vendor: str, response: VendorHttpResponse, status: int | None = None) -> None:
    """Raise the error of *response*, or of a *status* that its body names, unless *vendor* answered."""
    error = error_for_status(
        vendor,
        response.status if status is None else status,
        is_html=response.is_html,
        retry_after=response.retry_after,
    )
    if error is not None:
        raise error


class VendorHttpClient:
    """HTTP client of one service; it starts and stops with the service.

    It uses no proxies of the environment, keeps no cookies and follows no redirects, because requests carry keys. Each call
    opens its own connection: a call on a kept connection that the server just closed would be lost (ADR 21).
    """

    def __init__(self, call_seconds: float, resolver: Callable[[], AbstractResolver] = aiohttp.DefaultResolver) -> None:
        """Limit each call to *call_seconds* in total. Only tests pass a *resolver*."""
        self._call_seconds = call_seconds
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the client."""
        timeout = aiohttp.ClientTimeout(total=self._call_seconds, connect=min(CONNECT_SECONDS, self._call_seconds / 2))
        connector = aiohttp.TCPConnector(limit=0, force_close=True, resolver=self._resolver())
        self._session = aiohttp.ClientSession(timeout=timeout, connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    async def stop(self) -> None:
        """Close the client."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send_request(
        self, request: VendorHttpRequest, start_before: datetime | None = None
    ) -> VendorHttpResponse:
        """Send *request* at most once and return the response, of any status. Raises VendorCallError without a response.

        After *start_before* nothing is sent: this process was frozen, and other replicas have taken over.
        """
        if self._session is None:
            raise NotExecutedError("not_started")
        if start_before and datetime.now(UTC) > start_before:
            raise NotExecutedError("too_late")
        with measure_call(request.vendor, request.operation) as call:
            response = await self._send(self._session, request)
            call.outcome = str(response.status)
        return response

    async def _send(self, session: aiohttp.ClientSession, request: VendorHttpRequest) -> VendorHttpResponse:
        data = None if request.body is None else orjson.dumps(request.body)
        headers = {**({"Content-Type": "application/json"} if data else {}), **request.headers}
        try:
            async with session.request(
                request.method, request.url, data=data, headers=headers, allow_redirects=False
            ) as response:
                body = await _read_body(response)
                retry_after = parse_retry_after(response.headers.get("Retry-After"))
                return VendorHttpResponse(response.status, response.content_type, body, retry_after)
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            raise error_for_fault(_classify_exception(error)) from error


def _classify_exception(error: Exception) -> TransportFault:
    return next(fault for kind, fault in _FAULTS if isinstance(error, kind))


async def _read_body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(READ_CHUNK_BYTES):
        body += chunk
        if len(body) > MAX_RESPONSE_BYTES:
            raise error_for_fault(TransportFault.TOO_LARGE)
    return bytes(body)
