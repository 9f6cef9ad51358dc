"""Answers that are due, at the sandbox's Instantly, and the service that sends them."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from replies.settings import RepliesSettings
from sandbox.app import Sandbox
from support.answers import AnswerFixture, RepliesJobs, make_answer_settings
from support.databases import Database


@pytest.fixture
async def data(database: Database, sandbox: Sandbox, session: aiohttp.ClientSession) -> AsyncIterator[AnswerFixture]:
    fixture = await AnswerFixture.create(database, sandbox, session)
    yield fixture
    await fixture.db.close()


@pytest.fixture
def settings(database: Database, sandbox: Sandbox) -> RepliesSettings:
    return make_answer_settings(database, sandbox.url)


@pytest.fixture
async def replies(settings: RepliesSettings) -> AsyncIterator[RepliesJobs]:
    async with RepliesJobs(settings) as running:
        yield running
