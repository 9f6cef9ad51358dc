"""Throttle of calls to Instantly: length of its backoffs."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from common.database import Database
from common.vendors.outcome_table import error_for_status
from feeder.settings import FeederSettings
from feeder.vendors.instantly_responses import INSTANTLY
from feeder.vendors.throttle import VendorThrottle


@pytest.fixture
async def throttle(settings: FeederSettings) -> AsyncIterator[VendorThrottle]:
    database = Database(settings, "test")
    await database.start()
    yield VendorThrottle(database, settings)
    await database.stop()


@pytest.mark.parametrize(
    ("fault", "retry_after", "least", "most"),
    [
        ("http_500", None, 0, 1),
        ("http_429", 30, 29, 30),
        ("http_402", None, 59, 60),
        ("http_402", 600, 599, 600),
        ("http_401", 1, 59, 60),
    ],
)
async def test_a_fault_starts_the_requested_backoff_and_denied_access_one_of_at_least_a_minute(
    throttle: VendorThrottle, fault: str, retry_after: int | None, least: float, most: float
) -> None:
    permit = await throttle.acquire_permit()
    assert permit is not None
    wait = timedelta(seconds=retry_after) if retry_after else None
    error = error_for_status(INSTANTLY, int(fault.removeprefix("http_")), retry_after=wait)
    assert error is not None
    await throttle.record_failure(error, is_probe=permit.is_probe)
    availability = await throttle.read_availability()
    assert least < availability.backoff_seconds <= most
    assert availability.last_failure == fault
    assert await throttle.acquire_permit() is None
    await throttle.record_success()
    assert (await throttle.read_availability()).backoff_seconds == 0
    assert await throttle.acquire_permit() is not None
