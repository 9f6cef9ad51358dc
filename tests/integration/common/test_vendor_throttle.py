"""Rate limits, backoffs and circuit breakers apply to all replicas that share the database."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from common.database import Database
from common.settings import Settings
from common.vendors.errors import AccessDeniedError, NotExecutedError, OutcomeUnknownError, RateLimitedError
from common.vendors.instantly import build_instantly_policy
from common.vendors.outcome_table import error_for_status
from common.vendors.policy import Availability, RateLimit, VendorState
from common.vendors.throttle import VendorThrottle
from feeder.settings import FeederSettings
from skiptrace.settings import SkiptraceSettings
from support import databases

SKIPTRACE = SkiptraceSettings()
MELISSA = SKIPTRACE.vendor_policy("melissa", RateLimit(12, 1, counts_records=True))
BATCHDATA = SKIPTRACE.vendor_policy("batchdata", RateLimit(5, 60))
CHECK = SKIPTRACE.vendor_policy("batchdata_dnc", RateLimit(5, 60, shared_with="batchdata"))
INSTANTLY = build_instantly_policy(FeederSettings())
UNAVAILABLE = NotExecutedError("http_503")

MakeThrottle = Callable[..., VendorThrottle]


@pytest.fixture(params=["skiptrace", "feeder"])
async def own(database: databases.Database, request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """The database under the role of each service that calls vendors."""
    found = Database(Settings(database_url=database.dsn(request.param)), "test")
    await found.start()
    yield found
    await found.stop()


@pytest.fixture
def throttle(own: Database) -> MakeThrottle:
    """Return a function that makes a throttle of one replica; *changes* are made to every policy."""

    def make(**changes: Any) -> VendorThrottle:
        return VendorThrottle(own, [replace(policy, **changes) for policy in (MELISSA, BATCHDATA, CHECK, INSTANTLY)])

    return make


def soon(seconds: float = 0) -> float:
    return time.monotonic() + seconds


async def open_circuit(one: VendorThrottle, vendor: str) -> None:
    """Fail once, where one failure opens the circuit, and wait until the backoff is over."""
    await one.acquire_permit(vendor, 1, soon())
    await one.record_failure(vendor, UNAVAILABLE, is_probe=False)
    while (await one.load_state(vendor)).backoff_seconds:
        await asyncio.sleep(0.01)


async def test_replicas_together_never_get_more_permits_than_the_window_allows(throttle: MakeThrottle) -> None:
    replicas = [throttle() for _ in range(6)]
    permits = await asyncio.gather(*(one.acquire_permit("melissa", 5, soon()) for one in replicas))
    assert sum(permit.records for permit in permits if permit) == 12
    started = time.monotonic()
    assert await replicas[0].acquire_permit("melissa", 12, soon(5)) is not None
    assert time.monotonic() - started > 0.5


async def test_if_requests_count_one_permit_is_for_all_leads(throttle: MakeThrottle) -> None:
    one = throttle()
    permits = [await one.acquire_permit("batchdata", 100, soon()) for _ in range(6)]
    assert [permit and permit.records for permit in permits] == [100] * 5 + [None]


async def test_checks_and_skip_traces_share_the_limit_of_their_token_and_no_backoff(throttle: MakeThrottle) -> None:
    one = throttle(failure_threshold=1)
    callers = ["batchdata", "batchdata_dnc"] * 3 + ["batchdata"]
    permits = await asyncio.gather(*(throttle().acquire_permit(caller, 1, soon()) for caller in callers))
    assert sum(permit is not None for permit in permits) == 5
    await one.record_failure("batchdata_dnc", UNAVAILABLE, is_probe=False)
    states = await one.load_states()
    assert [states[name].availability for name in ("batchdata", "batchdata_dnc")] == [
        Availability.AVAILABLE,
        Availability.CIRCUIT_OPEN,
    ]


async def test_failures_during_one_backoff_count_once_and_backoffs_grow(throttle: MakeThrottle) -> None:
    one = throttle(first_backoff_seconds=0.2)
    for _ in range(8):
        await one.record_failure("melissa", UNAVAILABLE, is_probe=False)
    assert await one.load_state("melissa") == VendorState(), "without a call there is nothing to stop"
    assert await one.acquire_permit("melissa", 1, soon())
    for _ in range(8):
        await one.record_failure("melissa", UNAVAILABLE, is_probe=False)
    first = await one.load_state("melissa")
    assert first.availability is Availability.BACKING_OFF
    assert (first.backoff_seconds <= 0.2, first.last_failure) == (True, "http_503")
    while (await one.load_state("melissa")).backoff_seconds:
        await asyncio.sleep(0.01)
    await one.record_failure("melissa", UNAVAILABLE, is_probe=False)
    assert 0.2 < (await one.load_state("melissa")).backoff_seconds <= 0.4


async def test_an_open_circuit_permits_one_probe_and_closes_on_success(throttle: MakeThrottle) -> None:
    one = throttle(failure_threshold=1, first_backoff_seconds=0.1)
    await open_circuit(one, "melissa")
    waiting = await one.load_state("melissa")
    assert (waiting.availability, waiting.is_circuit_open) == (Availability.AVAILABLE, True)
    probe = await one.acquire_permit("melissa", 50, soon())
    assert probe is not None
    assert (probe.records, probe.is_probe) == (1, True)
    assert await one.acquire_permit("melissa", 50, soon()) is None
    await one.record_failure("melissa", UNAVAILABLE, is_probe=True)
    assert 0.1 < (await one.load_state("melissa")).backoff_seconds <= 0.2
    await one.record_success("melissa")
    closed = await one.load_state("melissa")
    assert (closed.availability, closed.is_circuit_open) == (Availability.AVAILABLE, False)


@pytest.mark.parametrize("vendor", ["melissa", "batchdata_dnc"], ids=["its own rate", "a shared rate"])
async def test_during_a_probe_the_other_calls_retry_soon_and_do_not_wait_for_its_time_limit(
    throttle: MakeThrottle, vendor: str
) -> None:
    one = throttle(failure_threshold=1, first_backoff_seconds=0.01, probe_seconds=20)
    await open_circuit(one, vendor)
    assert await one.acquire_permit(vendor, 1, soon())
    state = await one.load_state(vendor)
    assert state.availability is Availability.CIRCUIT_OPEN
    assert 0 < state.backoff_seconds <= 1


async def test_a_failed_probe_is_over_and_another_follows_a_probe_whose_process_died(throttle: MakeThrottle) -> None:
    one = throttle(failure_threshold=1, first_backoff_seconds=2, longest_backoff_seconds=2, probe_seconds=0.1)
    await one.acquire_permit("melissa", 1, soon())
    await one.record_failure("melissa", UNAVAILABLE, is_probe=False)
    assert 1 < (await one.load_state("melissa")).backoff_seconds <= 2
    one = throttle(failure_threshold=1, first_backoff_seconds=0.01, longest_backoff_seconds=0.01, probe_seconds=0.1)
    while (await one.load_state("melissa")).backoff_seconds:
        await asyncio.sleep(0.05)
    for _ in range(2):
        probe = None
        while probe is None:  # the second one after the time limit of the first
            probe = await one.acquire_permit("melissa", 1, soon())
        assert probe.is_probe
    await throttle(first_backoff_seconds=2).record_failure("melissa", UNAVAILABLE, is_probe=True)
    assert (await one.load_state("melissa")).backoff_seconds > 1, "a plain backoff, and no probe any more"


@pytest.mark.parametrize(
    ("vendor", "status", "retry_after", "least", "most"),
    [
        ("melissa", 503, None, 0, 0.5),
        ("melissa", 429, None, 0.5, 1),
        ("melissa", 429, 90, 89, 90),
        ("melissa", 401, None, 59, 60),
        ("instantly", 500, None, 0, 1),
        ("instantly", 503, 40, 39, 40),
        ("instantly", 429, 30, 29, 30),
        ("instantly", 402, None, 59, 60),
        ("instantly", 402, 600, 599, 600),
        ("instantly", 401, 1, 59, 60),
    ],
)
async def test_a_failure_starts_the_requested_backoff_and_denied_access_one_of_a_minute(
    throttle: MakeThrottle, vendor: str, status: int, retry_after: int | None, least: float, most: float
) -> None:
    one = throttle()
    assert await one.acquire_permit(vendor, 1, soon()) is not None
    wait = timedelta(seconds=retry_after) if retry_after else None
    error = error_for_status(vendor, status, retry_after=wait)
    assert error is not None
    await one.record_failure(vendor, error, is_probe=False)
    state = await one.load_state(vendor)
    assert least < state.backoff_seconds <= most
    assert state.last_failure == f"http_{status}"
    assert await one.acquire_permit(vendor, 1, soon(5)) is None
    await one.record_success(vendor)
    assert (await one.load_state(vendor)).backoff_seconds == 0
    assert await one.acquire_permit(vendor, 1, soon()) is not None


async def test_denied_access_opens_the_circuit_at_once_until_a_call_succeeds(throttle: MakeThrottle) -> None:
    one = throttle()
    await one.acquire_permit("melissa", 1, soon())
    await one.record_failure("melissa", AccessDeniedError("GE05"), is_probe=False)
    denied = await one.load_state("melissa")
    assert (denied.availability, denied.is_access_denied) == (Availability.CIRCUIT_OPEN, True)
    assert not (await one.load_state("instantly")).is_access_denied
    await one.record_success("melissa")
    assert not (await one.load_state("melissa")).is_access_denied


@pytest.mark.parametrize("error", [OutcomeUnknownError("timeout"), RateLimitedError("http_429")])
async def test_another_failure_says_that_access_is_no_longer_denied(throttle: MakeThrottle, error: Any) -> None:
    one = throttle()
    await one.acquire_permit("melissa", 1, soon())
    await one.record_failure("melissa", AccessDeniedError("GE05"), is_probe=False)
    await one.record_failure("melissa", error, is_probe=False)
    assert not (await one.load_state("melissa")).is_access_denied


async def test_a_service_changes_the_state_through_the_functions_only(own: Database, throttle: MakeThrottle) -> None:
    await throttle().acquire_permit("melissa", 1, soon())
    async with own.connection() as connection:
        for statement in (
            "update pipeline.provider_states set failures = 0",
            "insert into pipeline.provider_permits values ('melissa', now(), 1)",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
