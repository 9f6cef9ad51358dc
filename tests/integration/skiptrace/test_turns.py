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
from skiptrace.codes import Codes
from skiptrace.lead import Want
from skiptrace.provider import Provider, RefusedError, ThrottledError, UnpaidError
from skiptrace.router import Standing
from skiptrace.settings import SkiptraceSettings
from skiptrace.turns import Turns
from skiptrace.vendors.batchdata import BatchData
from skiptrace.vendors.batchdata_phones import BatchDataPhones
from skiptrace.vendors.melissa import Melissa
from support import databases

MELISSA = Melissa("http://127.0.0.1:9", "key", "Check,Verify", Decimal(3), 12, 100)
BATCHDATA = BatchData("http://127.0.0.1:9", "token", "v1", Decimal(10), 5, 100)
CHECK = BatchDataPhones("http://127.0.0.1:9", "token", Want.DNC, Decimal(1), 5)


@pytest.fixture
async def own(database: databases.Database) -> AsyncIterator[Database]:
    found = Database(SkiptraceSettings(database_url=database.dsn("skiptrace")), "test")
    await found.start()
    yield found
    await found.stop()


@pytest.fixture
def turns(own: Database) -> Callable[..., Turns]:
    def make(**more: Any) -> Turns:
        return Turns(own, SkiptraceSettings(**more))

    return make


def soon(seconds: float = 0) -> float:
    return time.monotonic() + seconds


async def test_many_askers_together_never_get_more_than_the_window_allows(turns: Callable[..., Turns]) -> None:
    replicas = [turns() for _ in range(6)]
    taken = await asyncio.gather(*(one.take(MELISSA, 5, soon()) for one in replicas))
    assert sum(turn.units for turn in taken if turn) == 12
    started = time.monotonic()
    assert await replicas[0].take(MELISSA, 12, soon(5)) is not None
    assert time.monotonic() - started > 0.5


async def test_where_requests_count_a_turn_is_for_all_leads(turns: Callable[..., Turns]) -> None:
    one = turns()
    assert [(await one.take(BATCHDATA, 100, soon())) is not None for _ in range(6)] == [True] * 5 + [False]


async def test_checks_and_traces_share_the_limit_of_their_token_and_no_pause(turns: Callable[..., Turns]) -> None:
    one = turns(skiptrace_opens_after=1)
    askers: list[Provider] = [BATCHDATA, CHECK, BATCHDATA, CHECK, BATCHDATA, CHECK, BATCHDATA]
    taken = await asyncio.gather(*(turns().take(asker, 1, soon()) for asker in askers))
    assert sum(turn is not None for turn in taken) == 5
    await one.went_wrong(CHECK, UnpaidError("http_503"), probing=False)
    states = await one.states(["batchdata", "batchdata_dnc"])
    assert [states[name].standing for name in ("batchdata", "batchdata_dnc")] == [Standing.UP, Standing.DOWN]


async def test_failures_during_one_pause_count_once_and_pauses_grow(turns: Callable[..., Turns]) -> None:
    one = turns(skiptrace_pause_seconds=0.2)
    for _ in range(8):
        await one.went_wrong(MELISSA, UnpaidError("http_503"), probing=False)
    state = (await one.states(["melissa"])).get("melissa")
    assert state is None  # nobody has asked yet, so there is nothing to stop
    assert await one.take(MELISSA, 1, soon())
    for _ in range(8):
        await one.went_wrong(MELISSA, UnpaidError("http_503"), probing=False)
    first = (await one.states(["melissa"]))["melissa"]
    assert first.standing is Standing.BUSY
    assert first.pause_s <= 0.2
    await asyncio.sleep(0.25)
    await one.went_wrong(MELISSA, UnpaidError("http_503"), probing=False)
    assert 0.2 < (await one.states(["melissa"]))["melissa"].pause_s <= 0.4


async def test_a_breaker_lets_one_record_through_and_closes_on_success(turns: Callable[..., Turns]) -> None:
    one = turns(skiptrace_opens_after=1, skiptrace_pause_seconds=0.1)
    await one.take(MELISSA, 1, soon())
    await one.went_wrong(MELISSA, UnpaidError("http_503"), probing=False)
    assert (await one.states(["melissa"]))["melissa"].standing is Standing.DOWN
    await asyncio.sleep(0.15)
    probe = await one.take(MELISSA, 50, soon())
    assert probe is not None
    assert (probe.units, probe.probing) == (1, True)
    assert await one.take(MELISSA, 50, soon()) is None
    await one.went_wrong(MELISSA, UnpaidError("http_503"), probing=True)
    assert 0.1 < (await one.states(["melissa"]))["melissa"].pause_s <= 0.2
    await one.went_well(MELISSA)
    assert (await one.states(["melissa"]))["melissa"].standing is Standing.UP


@pytest.mark.parametrize("provider", [MELISSA, CHECK], ids=["a rate of its own", "a shared rate"])
async def test_while_one_call_probes_the_others_look_again_soon_and_do_not_sit_out_its_lease(
    turns: Callable[..., Turns], provider: Provider
) -> None:
    one = turns(skiptrace_opens_after=1, skiptrace_pause_seconds=0.01)
    await one.take(provider, 1, soon())
    await one.went_wrong(provider, UnpaidError("http_503"), probing=False)
    await asyncio.sleep(0.05)
    assert await one.take(provider, 1, soon())
    state = (await one.states([provider.name]))[provider.name]
    assert state.standing is Standing.DOWN
    assert 0 < state.pause_s <= 1


async def test_a_provider_gets_the_pause_it_asks_for(turns: Callable[..., Turns]) -> None:
    one = turns()
    await one.take(MELISSA, 1, soon())
    await one.went_wrong(MELISSA, ThrottledError("http_429", timedelta(seconds=90)), probing=False)
    state = (await one.states(["melissa"]))["melissa"]
    assert 85 < state.pause_s <= 90
    assert await one.take(MELISSA, 1, soon(5)) is None


async def test_a_refused_key_is_down_at_once(turns: Callable[..., Turns]) -> None:
    one = turns()
    await one.take(MELISSA, 1, soon())
    await one.went_wrong(MELISSA, RefusedError("GE05"), probing=False)
    assert (await one.states(["melissa"]))["melissa"].standing is Standing.DOWN


async def test_the_highest_version_of_a_code_holds(own: Database, database: databases.Database) -> None:
    codes = await Codes(own).current()
    assert codes.flags("melissa", "phone", ["PS01", "PS07"]).line_type == "mobile"
    assert codes.flags("melissa", "email", ["ES01"]).verified is True
    assert codes.flags("batchdata", "phone", ["reachable", "not_dnc"]).dnc is False
    superuser = await asyncpg.connect(database.superuser_dsn)
    await superuser.execute(
        "insert into app.verification_code_map (provider, channel, code, version, is_verified) values ('melissa', 'email', 'ES01', 2, null)"
    )
    await superuser.close()
    assert (await Codes(own).current()).flags("melissa", "email", ["ES01"]).verified is None


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
    assert (await Codes(own).current()).flags("melissa", channel, codes.split(",")).verified is verified


@pytest.mark.parametrize("provider", ["batchdata", "batchdata_dnc", "batchdata_tcpa"])
async def test_every_verdict_of_a_check_is_in_the_table(own: Database, provider: str) -> None:
    flags = (await Codes(own).current()).flags
    if provider != "batchdata_tcpa":
        assert [flags(provider, "phone", [code]).dnc for code in ("dnc", "not_dnc")] == [True, False]
        assert flags(provider, "phone", ["not_dnc", "dnc"]).dnc is True
    if provider != "batchdata_dnc":
        assert [flags(provider, "phone", [code]).litigator for code in ("tcpa", "not_tcpa")] == [True, False]
    assert flags(provider, "phone", ["not_dnc", "not_tcpa"]).verified is None
