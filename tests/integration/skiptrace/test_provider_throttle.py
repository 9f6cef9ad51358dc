"""Rate limits, backoffs and circuit breakers apply to all replicas that share the database."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from common.database import Database
from common.vendors.errors import AccessDeniedError, NotExecutedError, RateLimitedError
from skiptrace.rules.lead import DataNeed
from skiptrace.rules.waterfall import Availability
from skiptrace.settings import SkiptraceSettings
from skiptrace.trace.provider import Provider
from skiptrace.trace.provider_throttle import ProviderThrottle
from skiptrace.vendors.batchdata import BatchDataAdapter
from skiptrace.vendors.batchdata_phones import BatchDataPhonesAdapter
from skiptrace.vendors.melissa import MelissaAdapter
from support import databases

MELISSA = MelissaAdapter("http://127.0.0.1:9", "key", "Check,Verify", Decimal(3), 12, 100)
BATCHDATA = BatchDataAdapter("http://127.0.0.1:9", "token", "v1", Decimal(10), 5, 100)
CHECK = BatchDataPhonesAdapter("http://127.0.0.1:9", "token", DataNeed.DNC, Decimal(1), 5)


@pytest.fixture
async def own(database: databases.Database) -> AsyncIterator[Database]:
    found = Database(SkiptraceSettings(database_url=database.dsn("skiptrace")), "test")
    await found.start()
    yield found
    await found.stop()


@pytest.fixture
def throttle(own: Database) -> Callable[..., ProviderThrottle]:
    def make(**more: Any) -> ProviderThrottle:
        return ProviderThrottle(own, SkiptraceSettings(**more))

    return make


def soon(seconds: float = 0) -> float:
    return time.monotonic() + seconds


async def test_replicas_together_never_get_more_permits_than_the_window_allows(
    throttle: Callable[..., ProviderThrottle],
) -> None:
    replicas = [throttle() for _ in range(6)]
    permits = await asyncio.gather(*(one.acquire_permit(MELISSA, 5, soon()) for one in replicas))
    assert sum(permit.units for permit in permits if permit) == 12
    started = time.monotonic()
    assert await replicas[0].acquire_permit(MELISSA, 12, soon(5)) is not None
    assert time.monotonic() - started > 0.5


async def test_if_requests_count_one_permit_is_for_all_leads(throttle: Callable[..., ProviderThrottle]) -> None:
    one = throttle()
    assert [(await one.acquire_permit(BATCHDATA, 100, soon())) is not None for _ in range(6)] == [True] * 5 + [False]


async def test_checks_and_skip_traces_share_the_limit_of_their_token_and_no_backoff(
    throttle: Callable[..., ProviderThrottle],
) -> None:
    one = throttle(skiptrace_opens_after=1)
    callers: list[Provider] = [BATCHDATA, CHECK, BATCHDATA, CHECK, BATCHDATA, CHECK, BATCHDATA]
    permits = await asyncio.gather(*(throttle().acquire_permit(caller, 1, soon()) for caller in callers))
    assert sum(permit is not None for permit in permits) == 5
    await one.record_failure(CHECK, NotExecutedError("http_503"), probing=False)
    states = await one.load_states(["batchdata", "batchdata_dnc"])
    assert [states[name].availability for name in ("batchdata", "batchdata_dnc")] == [
        Availability.AVAILABLE,
        Availability.CIRCUIT_OPEN,
    ]


async def test_failures_during_one_backoff_count_once_and_backoffs_grow(
    throttle: Callable[..., ProviderThrottle],
) -> None:
    one = throttle(skiptrace_pause_seconds=0.2)
    for _ in range(8):
        await one.record_failure(MELISSA, NotExecutedError("http_503"), probing=False)
    state = (await one.load_states(["melissa"])).get("melissa")
    assert state is None  # without a call there is nothing to stop
    assert await one.acquire_permit(MELISSA, 1, soon())
    for _ in range(8):
        await one.record_failure(MELISSA, NotExecutedError("http_503"), probing=False)
    first = (await one.load_states(["melissa"]))["melissa"]
    assert first.availability is Availability.BACKING_OFF
    assert first.backoff_seconds <= 0.2
    await asyncio.sleep(0.25)
    await one.record_failure(MELISSA, NotExecutedError("http_503"), probing=False)
    assert 0.2 < (await one.load_states(["melissa"]))["melissa"].backoff_seconds <= 0.4


async def test_an_open_circuit_permits_one_probe_and_closes_on_success(
    throttle: Callable[..., ProviderThrottle],
) -> None:
    one = throttle(skiptrace_opens_after=1, skiptrace_pause_seconds=0.1)
    await one.acquire_permit(MELISSA, 1, soon())
    await one.record_failure(MELISSA, NotExecutedError("http_503"), probing=False)
    assert (await one.load_states(["melissa"]))["melissa"].availability is Availability.CIRCUIT_OPEN
    await asyncio.sleep(0.15)
    probe = await one.acquire_permit(MELISSA, 50, soon())
    assert probe is not None
    assert (probe.units, probe.is_probe) == (1, True)
    assert await one.acquire_permit(MELISSA, 50, soon()) is None
    await one.record_failure(MELISSA, NotExecutedError("http_503"), probing=True)
    assert 0.1 < (await one.load_states(["melissa"]))["melissa"].backoff_seconds <= 0.2
    await one.record_success(MELISSA)
    assert (await one.load_states(["melissa"]))["melissa"].availability is Availability.AVAILABLE


@pytest.mark.parametrize("provider", [MELISSA, CHECK], ids=["its own rate", "a shared rate"])
async def test_during_a_probe_the_other_calls_retry_soon_and_do_not_wait_for_its_lease(
    throttle: Callable[..., ProviderThrottle], provider: Provider
) -> None:
    one = throttle(skiptrace_opens_after=1, skiptrace_pause_seconds=0.01)
    await one.acquire_permit(provider, 1, soon())
    await one.record_failure(provider, NotExecutedError("http_503"), probing=False)
    await asyncio.sleep(0.05)
    assert await one.acquire_permit(provider, 1, soon())
    state = (await one.load_states([provider.name]))[provider.name]
    assert state.availability is Availability.CIRCUIT_OPEN
    assert 0 < state.backoff_seconds <= 1


async def test_a_provider_gets_the_backoff_that_it_asks_for(throttle: Callable[..., ProviderThrottle]) -> None:
    one = throttle()
    await one.acquire_permit(MELISSA, 1, soon())
    await one.record_failure(MELISSA, RateLimitedError("http_429", retry_after=timedelta(seconds=90)), probing=False)
    state = (await one.load_states(["melissa"]))["melissa"]
    assert 85 < state.backoff_seconds <= 90
    assert await one.acquire_permit(MELISSA, 1, soon(5)) is None


async def test_denied_access_opens_the_circuit_at_once(throttle: Callable[..., ProviderThrottle]) -> None:
    one = throttle()
    await one.acquire_permit(MELISSA, 1, soon())
    await one.record_failure(MELISSA, AccessDeniedError("GE05"), probing=False)
    assert (await one.load_states(["melissa"]))["melissa"].availability is Availability.CIRCUIT_OPEN
