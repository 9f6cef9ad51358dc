"""Chromium, and the pages of the consent service."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from playwright.async_api import Browser

from common.ids import BrokerId
from support.browser import open_browser
from support.consents import ConsentFixture


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with open_browser() as browser:
        yield browser


@pytest.fixture
async def origin(running: Any) -> AsyncIterator[str]:
    """Yield the address of a running consent service."""
    async with running("consent", consent_port=0) as (service,):
        yield f"http://127.0.0.1:{service.parts[-1].port}"


@pytest.fixture
async def data(database: Any) -> AsyncIterator[ConsentFixture]:
    owner, consent = await asyncpg.connect(database.superuser_dsn), await asyncpg.connect(database.dsn("consent"))
    broker = BrokerId(uuid4())
    await owner.execute("insert into app.brokers (id, name) values ($1, 'Palmetto Home Equity')", broker)
    yield ConsentFixture(owner, consent, broker)
    await consent.close()
    await owner.close()
