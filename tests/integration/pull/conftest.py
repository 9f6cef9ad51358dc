"""A sandbox in this process, and a database of the test's own."""

from collections.abc import AsyncIterator

import pytest

from sandbox.app import build
from support.installation import Installation
from support.pulling import Well, connected
from support.vendors import SETTINGS


@pytest.fixture
async def well(installation: Installation) -> AsyncIterator[Well]:
    sandbox = build(SETTINGS)
    await sandbox.start()
    connection = await connected(installation)
    yield Well(installation, sandbox, connection)
    await connection.close()
    await sandbox.stop()
