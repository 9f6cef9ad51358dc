"""Rate limits, pauses and breakers hold for everybody who shares the database."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from common.database import Database
from skiptrace.rules.lead import DataNeed
from skiptrace.rules.waterfall import Availability
from skiptrace.settings import SkiptraceSettings
from skiptrace.trace.code_table import CodeTable
from skiptrace.trace.provider import AccessDeniedError, NotExecutedError, Provider, RateLimitedError
from skiptrace.trace.provider_throttle import ProviderThrottle
from skiptrace.vendors.batchdata import BatchData
from skiptrace.vendors.batchdata_phones import BatchDataPhones
from skiptrace.vendors.melissa import Melissa
from support import databases

MELISSA = Melissa("http://127.0.0.1:9", "key", "Check,Verify", Decimal(3), 12, 100)
BATCHDATA = BatchData("http://127.0.0.1:9", "token", "v1", Decimal(10), 5, 100)
CHECK = BatchDataPhones("http://127.0.0.1:9", "token", DataNeed.DNC, Decimal(1), 5)


@pytest.fixture
async def own(database: databases.Database) -> AsyncIterator[Database]:
    found = Database(SkiptraceSettings(database_url=database.dsn("skiptrace")), "test")
    await found.start()
    yield found
    await found.stop()


@pytest.fixture
def turns(own: Database) -> Callable[..., ProviderThrottle]:
    def make(**more: Any) -> ProviderThrottle:
        return ProviderThrottle(own, SkiptraceSettings(**more))

    return make


def soon(seconds: float = 0) -> float:
    return time.monotonic() + seconds


async def test_many_askers_together_never_get_more_than_the_window_allows(
    turns: Callable[..., ProviderThrottle],
) -> None:
    replicas = [turns() for _ in range(6)]
    taken = await asyncio.gather(*(one.acquire_permit(MELISSA, 5, soon()) for one in replicas))
    assert sum(turn.units for turn in taken if turn) == 12
    started = time.monotonic()
    assert await replicas[0].acquire_permit(MELISSA, 12, soon(5)) is not None
    assert time.monotonic() - started > 0.5


async def test_where_requests_count_a_turn_is_for_all_leads(turns: Callable[..., ProviderThrottle]) -> None:
    one = turns()
    assert [(await one.acquire_permit(BATCHDATA, 100, soon())) is not None for _ in range(6)] == [True] * 5 + [False]


async def test_checks_and_traces_share_the_limit_of_their_token_and_no_pause(
    turns: Callable[..., ProviderThrottle],
) -> None:
    one = turns(skiptrace_opens_after=1)
    askers: list[Provider] = [BATCHDATA, CHECK, BATCHDATA, CHECK, BATCHDATA, CHECK, BATCHDATA]
    taken = await asyncio.gather(*(turns().acquire_permit(asker, 1, soon()) for asker in askers))
    assert sum(turn is not None for turn in taken) == 5
    await one.record_failure(CHECK, NotExecutedError("http_503"), probing=False)
    states = await one.load_states(["batchdata", "batchdata_dnc"])
    assert [states[name].availability for name in ("batchdata", "batchdata_dnc")] == [
        Availability.AVAILABLE,
        Availability.CIRCUIT_OPEN,
    ]


async def test_failures_during_one_pause_count_once_and_pauses_grow(turns: Callable[..., ProviderThrottle]) -> None:
    one = turns(skiptrace_pause_seconds=0.2)
    for _ in range(8):
        await one.record_failure(MELISSA, NotExecutedError("http_503"), probing=False)
    state = (await one.load_states(["melissa"])).get("melissa")
    assert state is None  # nobody has asked yet, so there is nothing to stop
    assert await one.acquire_permit(MELISSA, 1, soon())
    for _ in range(8):
        await one.record_failure(MELISSA, NotExecutedError("http_503"), probing=False)
    first = (await one.load_states(["melissa"]))["melissa"]
    assert first.availability is Availability.BACKING_OFF
    assert first.backoff_seconds <= 0.2
    await asyncio.sleep(0.25)
    await one.record_failure(MELISSA, NotExecutedError("http_503"), probing=False)
    assert 0.2 < (await one.load_states(["melissa"]))["melissa"].backoff_seconds <= 0.4


async def test_a_breaker_lets_one_record_through_and_closes_on_success(turns: Callable[..., ProviderThrottle]) -> None:
    one = turns(skiptrace_opens_after=1, skiptrace_pause_seconds=0.1)
    await one.acquire_permit(MELISSA, 1, soon())
    await one.record_failure(MELISSA, NotExecutedError("http_503"), probing=False)
    assert (await one.load_states(["melissa"]))["melissa"].availability is Availability.CIRCUIT_OPEN
    await asyncio.sleep(0.15)
    probe = await one.acquire_permit(MELISSA, 50, soon())
    assert probe is not None
    assert (probe.units, probe.probing) == (1, True)
    assert await one.acquire_permit(MELISSA, 50, soon()) is None
    await one.record_failure(MELISSA, NotExecutedError("http_503"), probing=True)
    assert 0.1 < (await one.load_states(["melissa"]))["melissa"].backoff_seconds <= 0.2
    await one.record_success(MELISSA)
    assert (await one.load_states(["melissa"]))["melissa"].availability is Availability.AVAILABLE


@pytest.mark.parametrize("provider", [MELISSA, CHECK], ids=["a rate of its own", "a shared rate"])
async def test_while_one_call_probes_the_others_look_again_soon_and_do_not_sit_out_its_lease(
    turns: Callable[..., ProviderThrottle], provider: Provider
) -> None:
    one = turns(skiptrace_opens_after=1, skiptrace_pause_seconds=0.01)
    await one.acquire_permit(provider, 1, soon())
    await one.record_failure(provider, NotExecutedError("http_503"), probing=False)
    await asyncio.sleep(0.05)
    assert await one.acquire_permit(provider, 1, soon())
    state = (await one.load_states([provider.name]))[provider.name]
    assert state.availability is Availability.CIRCUIT_OPEN
    assert 0 < state.backoff_seconds <= 1


async def test_a_provider_gets_the_pause_it_asks_for(turns: Callable[..., ProviderThrottle]) -> None:
    one = turns()
    await one.acquire_permit(MELISSA, 1, soon())
    await one.record_failure(MELISSA, RateLimitedError("http_429", timedelta(seconds=90)), probing=False)
    state = (await one.load_states(["melissa"]))["melissa"]
    assert 85 < state.backoff_seconds <= 90
    assert await one.acquire_permit(MELISSA, 1, soon(5)) is None


async def test_a_refused_key_is_down_at_once(turns: Callable[..., ProviderThrottle]) -> None:
    one = turns()
    await one.acquire_permit(MELISSA, 1, soon())
    await one.record_failure(MELISSA, AccessDeniedError("GE05"), probing=False)
    assert (await one.load_states(["melissa"]))["melissa"].availability is Availability.CIRCUIT_OPEN


async def test_the_highest_version_of_a_code_holds(own: Database, database: databases.Database) -> None:
    codes = await CodeTable(own).load_map()
    assert codes.combine_flags("melissa", "phone", ["PS01", "PS07"]).line_type == "mobile"
    assert codes.combine_flags("melissa", "email", ["ES01"]).verified is True
    assert codes.combine_flags("batchdata", "phone", ["reachable", "not_dnc"]).dnc is False
    superuser = await asyncpg.connect(database.superuser_dsn)
    await superuser.execute(
        "insert into app.verification_code_map (provider, channel, code, version, is_verified) values ('melissa', 'email', 'ES01', 2, null)"
    )
    await superuser.close()
    assert (await CodeTable(own).load_map()).combine_flags("melissa", "email", ["ES01"]).verified is None


@pytest.mark.parametrize(
    ("channel", "codes", "verified"),
    [
        ("phone", "PS01,PS08", True),
        ("phone", "PS07", None),
        ("phone", "PS01,PE01", False),
        ("phone", "PS01,PE11", False),
        ("phone", "PS99", None),
        ("email", "ES01", True),
        ("email", "ES01,ES21", True),
        ("email", "ES01,ES07", True),
        ("email", "ES03", None),
        ("email", "ES01,ES03", True),
        ("email", "ES21,EE04", False),
        ("email", "ES21,EE77", False),
        ("email", "ES99", None),
        *[("email", f"ES01,ES21,ES{code}", False) for code in ("02", "05", "06", "32", "33", "34", "35", "36", "37")],
    ],
)
async def test_what_melissas_codes_say_together(own: Database, channel: str, codes: str, verified: bool | None) -> None:
    assert (await CodeTable(own).load_map()).combine_flags("melissa", channel, codes.split(",")).verified is verified


@pytest.mark.parametrize("provider", ["batchdata", "batchdata_dnc", "batchdata_tcpa"])
async def test_every_verdict_of_a_check_is_in_the_table(own: Database, provider: str) -> None:
    flags = (await CodeTable(own).load_map()).combine_flags
    if provider != "batchdata_tcpa":
        assert [flags(provider, "phone", [code]).dnc for code in ("dnc", "not_dnc")] == [True, False]
        assert flags(provider, "phone", ["not_dnc", "dnc"]).dnc is True
    if provider != "batchdata_dnc":
        assert [flags(provider, "phone", [code]).litigator for code in ("tcpa", "not_tcpa")] == [True, False]
    assert flags(provider, "phone", ["not_dnc", "not_tcpa"]).verified is None
