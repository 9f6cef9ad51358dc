"""Vendors down for long, flapping and slow, and PostgreSQL or Kafka gone in mid-call: leads wait, visibly, and none is lost."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from local_services import KafkaServer, PostgresServer
from support import databases
from support import topics as topic_support
from support.installation import Installation, Spawned
from support.verification import Casting, Line, line_to, metric, providers_at, spawn_sandbox, url_of
from support.victims import Victims

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

VENDORS = ("melissa", "batchdata")


async def health(spawned: Spawned, page: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"{spawned.health}/{page}") as answer:
        return answer.status, await answer.text()


async def down(line: Line, *vendors: str) -> None:
    for vendor in vendors:
        await line.vendors.add_fault(vendor, "server_error")


async def up(line: Line) -> None:
    await line.vendors.call_control_api("DELETE", "faults")


async def assert_it_waits(line: Line, running: Spawned, seconds: float) -> None:
    """For that time nothing is lost, nothing dies, nobody is restarted, and the vendors are left alone."""
    calls = {vendor: (await line.calls(vendor))["total"] for vendor in VENDORS}
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        assert (await health(running, "livez"))[0] == 200
        await asyncio.sleep(0.2)
    status, problems = await health(running, "readyz")
    assert (status, "theirs_down" in problems) == (503, True)
    assert await line.dead_letters() == []
    for vendor in VENDORS:  # a breaker that is open lets one record through after each pause
        assert (await line.calls(vendor))["total"] - calls[vendor] <= 20 * seconds


async def test_the_next_provider_steps_in_and_with_both_down_or_flapping_leads_wait(
    line: Line, place: Installation, sandbox: Spawned, casting: Casting
) -> None:
    running = await place.spawn("ingest", "recorder", "skiptrace", **providers_at(url_of(sandbox)))
    try:
        await down(line, "melissa")
        await line.send(casting.cast(good=40))
        await line.all_end_well()
        assert (await line.paid("melissa"), await line.paid("batchdata")) == (0, 40)
        assert await metric(running, "equity_skiptrace_provider_down", provider="melissa") == 1

        await down(line, "batchdata")
        await line.send(casting.cast(good=200))
        await line.until("select count(*) = 240 from app.leads where property_address = any ($1)", list(line.cast))
        await assert_it_waits(line, running, 6)
        await up(line)
        await line.all_end_well()
        assert (await health(running, "readyz"))[0] == 200

        for vendor in VENDORS:
            await line.vendors.add_fault(vendor, "server_error", rate=0.5)
        await line.send(casting.cast(good=60))
        await line.all_end_well(40)
        for vendor in VENDORS:  # a lead may be paid for at both: what one found, and the MAK that only the other knows
            assert (await line.vendors.fetch_charges(vendor))["paid_again"] == {}
    finally:
        assert running.stop() == 0


async def test_without_fall_back_the_provider_is_waited_for(
    line: Line, place: Installation, sandbox: Spawned, casting: Casting
) -> None:
    running = await place.spawn(
        "ingest", "recorder", "skiptrace", **providers_at(url_of(sandbox), SKIPTRACE_FALL_BACK="false")
    )
    try:
        await down(line, "melissa")
        await line.send(casting.cast(good=100))
        await line.until("select count(*) = 100 from app.leads where property_address = any ($1)", list(line.cast))
        await assert_it_waits(line, running, 3)
        await up(line)
        await line.all_end_well()
        assert (await line.paid("melissa"), await line.paid("batchdata")) == (100, 0)
    finally:
        assert running.stop() == 0


async def test_a_vendor_that_fails_nine_times_of_ten_makes_no_lead_hopeless(
    line: Line, place: Installation, sandbox: Spawned, casting: Casting
) -> None:
    """It answers now and then, so that each lead fails often "at a provider that answers about others"."""
    running = await place.spawn(
        "ingest", "recorder", "skiptrace", **providers_at(url_of(sandbox), SKIPTRACE_ORDER="melissa")
    )
    try:
        await line.vendors.add_fault("melissa", "server_error", rate=0.9)
        await line.send(casting.cast(good=60))
        worn = """
            select count(*) >= 5 from (
              select from app.skip_trace_attempts where outcome = 'failed' group by lead_id having count(*) > 14
            ) leads"""
        await line.until(worn)
        assert await line.dead_letters() == []
        await up(line)
        await line.all_end_well()
        assert (await line.vendors.fetch_charges("melissa"))["paid_again"] == {}
    finally:
        assert running.stop() == 0


async def test_behind_a_slow_vendor_hundreds_are_asked_about_at_once(
    line: Line, place: Installation, sandbox: Spawned, casting: Casting
) -> None:
    settings = {"SKIPTRACE_IN_FLIGHT": "400", "MELISSA_BATCH": "10", "SKIPTRACE_CALL_SECONDS": "10"}
    running = await place.spawn("ingest", "recorder", "skiptrace", **providers_at(url_of(sandbox), **settings))
    try:
        for latency in (0.3, 3):
            await line.anew()
            await line.vendors.add_fault("melissa", "slow", seconds=latency)
            await line.send(casting.cast(good=400))
            await line.all_end_well(60)
            assert (await line.calls("melissa"))["most_at_once"] >= 10, "calls, of ten leads each"
            assert await line.paid("melissa") == 400
    finally:
        assert running.stop() == 0


async def test_two_replicas_together_stay_within_the_published_limits(place: Installation, casting: Casting) -> None:
    limits = {"MELISSA_RECORDS_PER_SECOND": "60", "BATCHDATA_REQUESTS_PER_MINUTE": "20"}
    strict = await spawn_sandbox(place, **{f"SANDBOX_{name}": value for name, value in limits.items()})
    settings = providers_at(url_of(strict), MELISSA_BATCH="20", BATCHDATA_BATCH="20", **limits)
    running = [await place.spawn("ingest", "recorder", "skiptrace", **settings)]
    running.append(await place.spawn("skiptrace", **settings))
    async with line_to(place, strict) as line:
        await line.anew()
        await line.send(casting.cast(good=300, dead=2, nobody=2))
        await line.all_end_well(60)
        assert (await line.paid("melissa")) == 304
        assert (await line.vendors.fetch_charges("melissa"))["paid_again"] == {}
        for vendor in VENDORS:
            calls = await line.calls(vendor)
            refused = sum(found.get("429", 0) for found in calls["operations"].values())
            # A turn that reaches the vendor a moment late may fall into its next second: that costs a pause and no money.
            assert 5 * refused <= calls["total"]
    for one in (*running, strict):
        assert one.stop() == 0


@pytest.fixture
async def to_kill(
    own_servers: tuple[KafkaServer, PostgresServer], tmp_path: Path, casting: Casting
) -> AsyncIterator[tuple[Victims, Spawned]]:
    """Ingest, recorder and skiptrace on servers that may be killed, and the sandbox."""
    kafka, postgres = own_servers
    with databases.copied() as database:
        prefix = f"f{uuid4().hex[:8]}."
        await topic_support.create(kafka.bootstrap, prefix)
        installation = Installation(kafka.bootstrap, prefix, database, tmp_path)
        try:
            sandbox = await spawn_sandbox(installation)
            settings: dict[str, Any] = {"SKIPTRACE_ORDER": "melissa", "SKIPTRACE_CALL_SECONDS": "15"}
            await installation.spawn("ingest", "recorder", "skiptrace", **providers_at(url_of(sandbox), **settings))
            yield Victims(kafka, postgres, installation, {}), sandbox
        finally:
            installation.close()


async def test_servers_that_go_in_mid_call_cost_no_answer(to_kill: tuple[Victims, Spawned], casting: Casting) -> None:
    victims, sandbox = to_kill
    cast: dict[str, Any] = {}
    for server in ("postgres", "kafka"):
        async with line_to(victims.installation, sandbox) as line:
            await line.vendors.add_fault("melissa", "slow", seconds=4, times=3)
            new = casting.cast(good=40)
            await line.send(new)
            cast |= new
            await line.until("select exists (select from app.skip_trace_requests where outcome = 'asked')")
        await victims.kill_and_restart(server)
        async with line_to(victims.installation, sandbox) as line:
            line.cast = cast
            await line.all_end_well(90)
            assert await line.count("app.skip_trace_requests where outcome <> 'answered'") == 0
            assert await line.paid("melissa") == len(cast)
