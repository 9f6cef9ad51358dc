"""The door to Instantly: how long nobody calls."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from common.database import Database
from feeder.door import Door
from feeder.settings import FeederSettings


@pytest.fixture
async def door(settings: FeederSettings) -> AsyncIterator[Door]:
    own = Database(settings, "test")
    await own.start()
    yield Door(own, settings)
    await own.stop()


@pytest.mark.parametrize(
    ("fault", "asked_for", "least", "most"),
    [
        ("http_500", None, 0, 1),
        ("http_429", 30, 29, 30),
        ("http_402", None, 59, 60),
        ("http_402", 600, 599, 600),
        ("http_401", 1, 59, 60),
    ],
)
async def test_a_fault_brings_the_pause_that_was_asked_for_and_a_refusal_at_least_a_minute(
    door: Door, fault: str, asked_for: int | None, least: float, most: float
) -> None:
    turn = await door.enter()
    assert turn is not None
    await door.went_wrong(fault, probing=turn.probing, asked_for=timedelta(seconds=asked_for) if asked_for else None)
    standing = await door.standing()
    assert least < standing.pause_s <= most
    assert standing.fault == fault
    assert await door.enter() is None
    await door.went_well()
    assert (await door.standing()).pause_s == 0
    assert await door.enter() is not None
