"""Fixtures of all integration tests."""

from collections.abc import AsyncIterator

import pytest

from sandbox.app import Sandbox
from support.vendors import run_sandbox


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A sandbox in this process, with its default settings."""
    async with run_sandbox() as sandbox:
        yield sandbox
