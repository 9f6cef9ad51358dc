"""Fixtures: a sandbox in this process, a client of its vendors, and a listener for deliveries."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from sandbox.app import Sandbox
from support.vendors import SandboxClient, WebhookListener, run_webhook_listener


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield session


@pytest.fixture
def client(sandbox: Sandbox, session: aiohttp.ClientSession) -> SandboxClient:
    return SandboxClient(sandbox.url, session)


@pytest.fixture
async def listener() -> AsyncIterator[WebhookListener]:
    async with run_webhook_listener() as listener:
        yield listener
