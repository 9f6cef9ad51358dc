"""Reception of request bodies: what can go wrong on the wire, as problems for the sender."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import ClientError, web
from aiohttp.http_exceptions import HttpProcessingError

from common.web.problems import BAD_REQUEST, TOO_SLOW, ProblemError


@asynccontextmanager
async def receive_within(seconds: float) -> AsyncIterator[None]:
    """Limit the time in which the block receives a body. Raises ProblemError for a slow or truncated one."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise ProblemError(TOO_SLOW, "The body arrived too slowly. Send it again over a faster connection.") from error
    except (ClientError, HttpProcessingError, ConnectionError, web.RequestPayloadError) as error:
        raise ProblemError(BAD_REQUEST, "The body was truncated. Send it again.") from error
