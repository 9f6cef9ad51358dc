"""Fixtures: a gateway in this process, a partner, and the messages on Kafka."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg
import pytest

from support.installation import Installation
from support.partner import Partner


@pytest.fixture
async def db(installation: Installation) -> AsyncIterator[Any]:
    """Return a superuser's connection."""
    connection = await asyncpg.connect(installation.database.superuser_dsn)
    yield connection
    await connection.close()


def address_of(service: Any) -> str:
    """Return the address of a gateway in this process."""
    return f"http://127.0.0.1:{service.parts[-1].port}"


@pytest.fixture
async def base(running: Callable[..., AbstractAsyncContextManager[list[Any]]]) -> AsyncIterator[str]:
    """Return the address of a gateway in this process."""
    async with running("gateway", gateway_port=0, gateway_key_cache_seconds=0) as (service,):
        yield address_of(service)


@pytest.fixture
def partner(base: str, session: aiohttp.ClientSession) -> Partner:
    """Return the partner with the key of HMAC_SECRET_KEY."""
    return Partner(base, session, uuid4())
