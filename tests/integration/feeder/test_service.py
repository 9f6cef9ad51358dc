"""The feeder as a service: on Kafka, at its hours, and killed in mid-feed."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from pydantic import SecretStr

from common import envelope
from common.events import LeadVerified
from common.ids import new_id
from feeder.app import build
from local_services.processes import free_port
from support.feeding import MONDAY, Feeder, Ranch, clock_at, settings_on
from support.installation import Installation, Spawned
from support.instantly import Workspace
from support.reading import everything_on

TODAY = date(2026, 11, 16)


async def eventually(check: Callable[[], Awaitable[Any]], expected: Any, seconds: float = 60) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while (actual := await check()) != expected:
        assert asyncio.get_running_loop().time() < deadline, f"{actual!r} instead of {expected!r}"
        await asyncio.sleep(0.05)


async def send(installation: Installation, leads: list[UUID]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=installation.kafka)
    await producer.start()
    for lead in leads:
        event = LeadVerified(lead_id=lead, channels=["email"], outcome="email")
        attributes = envelope.attributes(
            id=new_id(), type=event.topic, source="test", time=event.occurred_at, subject=lead
        )
        headers = [(name, str(value).encode()) for name, value in attributes]
        body = orjson.dumps(event.model_dump(mode="json", exclude_none=True))
        await producer.send(installation.prefix + event.topic, body, key=str(lead).encode(), headers=headers)
    await producer.stop()


async def test_verified_leads_get_in_line_once_and_say_so(
    installation: Installation, ranch: Ranch, running: Callable[..., AbstractAsyncContextManager[list[Any]]]
) -> None:
    broker = await ranch.broker()
    leads = await ranch.leads(broker, 4)
    email, phone, unverified, stopped = leads
    await ranch.db.execute("update app.leads set campaign_status = 'new' where id <> $1", stopped)
    await ranch.db.execute("update app.leads set campaign_status = 'unsubscribed' where id = $1", stopped)
    await ranch.db.execute("update app.leads set email_verified = false where id = any ($1)", [phone, unverified])
    await ranch.db.execute("update app.leads set phone_verified = true where id = $1", phone)
    async with running("feeder"):
        await send(installation, [*leads, email, new_id()])

        async def status() -> list[Any]:
            return await ranch.ask("select campaign_status::text from app.leads order by lead_score desc")

        await eventually(status, ["queued", "queued", "new", "unsubscribed"])
        topic = installation.prefix + "funnel.campaign_queued"

        async def told() -> list[tuple[str, str]]:
            bodies = [orjson.loads(record.value) for record in await everything_on(installation.kafka, topic)]
            return sorted((body["lead_id"], body["outcome"]) for body in bodies)

        await eventually(told, sorted([(str(email), "email"), (str(phone), "phone_only")]))


async def test_at_half_past_five_the_list_is_made_and_at_six_it_is_fed(ranch: Ranch, workspace: Workspace) -> None:
    broker = await ranch.broker(limit=2)
    await ranch.leads(broker, 5, refresh=False)
    async with Feeder(settings_on(ranch.database, workspace), ranch.clock) as feeder:
        ran = {}
        for minutes in (-40, -30, -10, 0, 1, 60 * 5):
            ranch.clock.now = MONDAY + timedelta(minutes=minutes)
            ran[minutes] = await feeder.service.jobs.run_due()
        assert ran == {-40: ["feeder.clean_up"], -30: ["feeder.refresh"], -10: [], 0: ["feeder.feed"], 1: [], 300: []}
        assert await ranch.slots(broker, TODAY) == {"reserved": 2}


async def test_a_missed_feed_is_caught_up_inside_its_window_and_not_after(ranch: Ranch, workspace: Workspace) -> None:
    broker = await ranch.broker(limit=1)
    await ranch.leads(broker, 5)
    async with Feeder(settings_on(ranch.database, workspace), ranch.clock) as feeder:
        ranch.clock.now = MONDAY + timedelta(hours=5, minutes=59)
        assert "feeder.feed" in await feeder.service.jobs.run_due()
        ranch.clock.now = MONDAY + timedelta(days=1, hours=6, minutes=1)
        assert await feeder.service.jobs.run_due() == ["feeder.clean_up"]
    assert await ranch.slots(broker) == {"reserved": 1}


@pytest.mark.slow
@pytest.mark.parametrize("passes", [1, 3, 6])
async def test_a_feed_killed_half_way_is_finished_by_the_next_and_nobody_is_fed_twice(
    installation: Installation, ranch: Ranch, workspace: Workspace, tmp_path: Path, passes: int
) -> None:
    brokers = [await ranch.broker(limit=4) for _ in range(6)]
    for broker in brokers:
        await ranch.leads(broker, 9, refresh=False)
    await ranch.refresh()
    workspace.slow_add = 0.02
    environment = {
        "CLOCK_FILE": clock_at(MONDAY, tmp_path),
        "INSTANTLY_BASE_URL": workspace.url,
        "INSTANTLY_API_KEY": "k",
        "RECONCILE_SECONDS": "0.2",
        "RECONCILE_SETTLE_SECONDS": "2",
        "INSTANTLY_TIMEOUT_SECONDS": "1",
        "FEED_TOP_UP_SECONDS": "1",
    }
    dying = (
        "import os, signal\n"
        "from feeder.feed import Feed\n"
        "real, count = Feed._hold, 0\n"
        "async def hold(*arguments):\n"
        "    global count\n"
        "    count += 1\n"
        f"    if count == {passes}: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    await real(*arguments)\n"
        "Feed._hold = hold\n"
        "from cli.main import main; main()"
    )
    first = Spawned(
        ("feeder",), installation.environment("feeder", HEALTH_PORT=str(free_port()), **environment),
        tmp_path / "dying.log", program=dying,
    )  # fmt: skip
    first.start()
    assert first.process is not None
    assert await asyncio.to_thread(first.process.wait, 60) == -9
    fed = await ranch.ask("select count(*) from app.feed_slots")
    assert fed[0] < 24
    await installation.spawn("feeder", **environment)

    async def slots() -> list[Any]:
        return [await ranch.slots(broker, TODAY) for broker in brokers]

    await eventually(slots, [{"added": 4}] * 6, 120)
    assert set(workspace.added.values()) == {1}
    assert len(workspace.members) == 24
    twice = "select count(*) from pipeline.contact_decisions where allowed group by lead_id having count(*) > 1"
    assert await ranch.ask(twice) == []


@pytest.mark.slow
async def test_a_feeder_killed_in_mid_add_leaves_everybody_in_once(
    installation: Installation, ranch: Ranch, workspace: Workspace, tmp_path: Path
) -> None:
    broker = await ranch.broker(limit=20)
    await ranch.leads(broker, 20)
    workspace.slow_add = 1.0
    environment = {
        "CLOCK_FILE": clock_at(MONDAY, tmp_path),
        "INSTANTLY_BASE_URL": workspace.url,
        "INSTANTLY_API_KEY": "k",
        "RECONCILE_SECONDS": "0.2",
        "RECONCILE_SETTLE_SECONDS": "2",
        "INSTANTLY_TIMEOUT_SECONDS": "3",
        "FEED_TOP_UP_SECONDS": "1",
    }
    first = await installation.spawn("feeder", **environment)
    await asyncio.wait_for(workspace.adding.wait(), 60)
    first.kill()
    workspace.slow_add = 0
    first.start()
    # The claim of the dead lasts twice the timeout and half a minute.

    async def slots() -> dict[str, int]:
        return await ranch.slots(broker, TODAY)

    await eventually(slots, {"added": 20}, 120)
    assert set(workspace.added.values()) == {1}


@pytest.mark.parametrize("key", [None, SecretStr("")])
def test_without_a_key_nothing_speaks_to_instantly(ranch: Ranch, workspace: Workspace, key: SecretStr | None) -> None:
    service = build(settings_on(ranch.database, workspace, instantly_api_key=key), ranch.clock)
    assert service.parts == []
