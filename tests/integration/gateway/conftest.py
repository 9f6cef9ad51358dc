"""A gateway in this process, a partner, and what arrives on Kafka."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg
import pytest

from support.installation import Installation
from support.partner import Partner
from support.reading import everything_on


@pytest.fixture
async def db(installation: Installation) -> AsyncIterator[Any]:
    """A superuser's connection."""
    connection = await asyncpg.connect(installation.database.superuser_dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def address(service: Any) -> str:
    """Where a gateway in this process listens."""
    return f"http://127.0.0.1:{service.parts[-1].port}"


@pytest.fixture
async def base(running: Callable[..., AbstractAsyncContextManager[list[Any]]]) -> AsyncIterator[str]:
    """The address of a gateway in this process."""
    async with running("gateway", gateway_port=0, gateway_key_cache_seconds=0) as (service,):
        yield address(service)


@pytest.fixture
def partner(base: str, session: aiohttp.ClientSession) -> Partner:
    """The documents' partner with the single key of HMAC_SECRET_KEY."""
    return Partner(base, session, uuid4())


@pytest.fixture
async def sent(installation: Installation) -> Callable[[str], Awaitable[list[Any]]]:
    """`await sent("ingest.leads")`: every message there is on a topic by now."""

    return lambda topic: everything_on(installation.kafka, installation.prefix + topic)
