"""Fixtures: a sandbox in this process, a client of its vendors, and a listener for deliveries."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from sandbox.app import Sandbox
from support.vendors import SandboxClient, WebhookListener


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield session


@pytest.fixture
def client(sandbox: Sandbox, session: aiohttp.ClientSession) -> SandboxClient:
    return SandboxClient(sandbox.url, session)


@pytest.fixture
async def listener() -> AsyncIterator[WebhookListener]:
    listener = WebhookListener()
    app = web.Application()
    app.router.add_post("/hook", listener.receive_delivery)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    listener.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield listener
    await runner.cleanup()
