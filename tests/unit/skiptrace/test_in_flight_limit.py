"""The limit of the records in flight."""

import asyncio

from skiptrace.trace.in_flight_limit import InFlightLimit


async def test_no_more_records_are_in_flight_than_a_crash_may_cost() -> None:
    limit, in_flight, highest = InFlightLimit(100), 0, 0

    async def call(records: int) -> None:
        nonlocal in_flight, highest
        async with limit.reserve_records(records):
            in_flight += records
            highest = max(highest, in_flight)
            await asyncio.sleep(0)
            in_flight -= records

    await asyncio.gather(*(call(records) for records in (60, 60, 100, 1, 40, 99)))
    assert in_flight == 0
    assert 60 <= highest <= 100
